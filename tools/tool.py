"""A tool that reads its own arguments and writes both forms of its answer."""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel

from fleetlore.kmu.harmless import all_harmless
from fleetlore.storage.errors import FleetloreError
from fleetlore.storage.redaction import redact
from fleetlore.tools.arguments import Argument, read_arguments, schema_of

_FAILED = (
    "fleetlore: the server failed at this call, and its log says why. Send it again once; if it fails again, go on."
)

AnswerT = TypeVar("AnswerT", bound=BaseModel)

logger = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Context[Any, Any]], Awaitable[CallToolResult]]


class KnowledgeTool(Tool):
    """The SDK's tool, but for how arguments are read: by our own rules, with our own errors."""

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,
    ) -> Any:  # noqa: ANN401  the SDK's signature
        """Runs the tool; what it refuses reaches the model as one sentence."""
        try:
            return await self.fn(arguments, context)
        except FleetloreError as error:
            raise ToolError(redact(str(error)).text) from error
        except Exception as error:
            logger.exception("%s failed", self.name)
            raise ToolError(_FAILED) from error


def knowledge_tool(
    name: str,
    description: str,
    arguments: Sequence[Argument],
    answer: type[BaseModel],
    annotations: ToolAnnotations,
    handler: Handler,
) -> KnowledgeTool:
    """A tool of that name whose handler gets every argument by name."""

    async def run(sent: dict[str, Any], context: Context[Any, Any]) -> CallToolResult:
        return await handler(read_arguments(arguments, sent), context)

    return KnowledgeTool(
        fn=run,
        name=name,
        title=annotations.title,
        context_kwarg=None,
        description=description,
        parameters=schema_of(arguments),
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema=_schema_of(answer)),
        is_async=True,
        annotations=annotations,
    )


@cache
def _schema_of(answer: type[BaseModel]) -> dict[str, Any]:
    return answer.model_json_schema()


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """An answer in both forms: everything in it is seen, and it loads nothing where it is shown."""

    structured: dict[str, Any]
    text: str

    @property
    def tokens(self) -> float:
        """The size of the larger form, at four characters a token."""
        return max(len(json.dumps(self.structured, ensure_ascii=False)), len(self.text)) / 4

    @property
    def result(self) -> CallToolResult:
        """What a tool gives back."""
        return CallToolResult(content=[TextContent(type="text", text=self.text)], structured_content=self.structured)


def written(answer: AnswerT, text_of: Callable[[AnswerT], str]) -> Written:
    """The structured form, without fields at their default, and the text form; both of what may be shown."""
    made = answer.model_dump(mode="json", exclude_defaults=True)
    structured = all_harmless(made)
    if structured != made:
        answer = type(answer).model_validate(structured)
    return Written(structured=structured, text=text_of(answer))
