"""Tools and a prompt that ask the client something, under the names that the official conformance suite asks for.

Through 2025-11-25 a server sends its own request while a call runs; from 2026-07-28 on it answers the call with what it
needs (`InputRequiredResult`), and the client calls again with the answers and the state that came with the questions.
"""

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)

_DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_TITLES = {"value1": "First Option", "value2": "Second Option", "value3": "Third Option"}
_TITLED = [{"const": value, "title": title} for value, title in _TITLES.items()]
_PLAIN = ["option1", "option2", "option3"]
_CHOICES = {
    "untitledSingle": {"type": "string", "enum": _PLAIN},
    "titledSingle": {"type": "string", "oneOf": _TITLED},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _PLAIN}},
    "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
}


def add_asking(server: MCPServer[None]) -> None:
    """Registers every fixture that asks the client something."""
    _add_requests(server)
    _add_single_questions(server)
    _add_stateful_questions(server)
    _add_capability_checks(server)


def _form(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _elicitation(message: str, field: str, type_: str = "string") -> ElicitRequest:
    schema = _form(**{field: {"type": type_}})
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sampling(text: str, max_tokens: int) -> CreateMessageRequest:
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=_messages(text), max_tokens=max_tokens))


def _messages(text: str) -> list[SamplingMessage]:
    return [SamplingMessage(role="user", content=TextContent(type="text", text=text))]


def _filled_in(ctx: Context[Any, Any], key: str, field: str) -> Any:  # noqa: ANN401  a form holds any value
    """The field of the form that the client filled in, None where it did not."""
    answer = (ctx.input_responses or {}).get(key)
    if isinstance(answer, ElicitResult) and answer.action == "accept":
        return (answer.content or {}).get(field)
    return None


def _add_requests(server: MCPServer[None]) -> None:
    async def asked(ctx: Context[Any, Any], message: str, schema: dict[str, Any]) -> ElicitResult:
        return await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)

    @server.tool()
    async def test_sampling(prompt: str, ctx: Context[Any, Any]) -> str:
        """Has the client's model answer a prompt."""
        answer = await ctx.session.create_message(
            messages=_messages(prompt), max_tokens=100, related_request_id=ctx.request_id
        )
        return f"LLM response: {answer.content.text}" if isinstance(answer.content, TextContent) else "no text"

    @server.tool()
    async def test_elicitation(message: str, ctx: Context[Any, Any]) -> str:
        """Asks the client's user for two texts."""
        schema = _form(
            username={"type": "string", "description": "User's response"},
            email={"type": "string", "description": "User's email address"},
        )
        answer = await asked(ctx, message, schema)
        return f"User response: action={answer.action}, content={answer.content}"

    @server.tool()
    async def test_elicitation_sep1034_defaults(ctx: Context[Any, Any]) -> str:
        """Asks for every primitive type, with defaults."""
        answer = await asked(ctx, "Please confirm", {"type": "object", "properties": _DEFAULTS})
        return f"Elicitation completed: action={answer.action}, content={answer.content}"

    @server.tool()
    async def test_elicitation_sep1330_enums(ctx: Context[Any, Any]) -> str:
        """Asks for choices in every form there is."""
        answer = await asked(ctx, "Please choose", {"type": "object", "properties": _CHOICES})
        return f"Elicitation completed: action={answer.action}, content={answer.content}"


def _add_single_questions(server: MCPServer[None]) -> None:
    name = {"user_name": _elicitation("What is your name?", "name")}

    @server.tool()
    async def test_input_required_result_elicitation(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks for a name."""
        given = _filled_in(ctx, "user_name", "name")
        return f"Hello, {given}!" if given else InputRequiredResult(input_requests=name)

    @server.tool()
    async def test_streaming_elicitation(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks for a name, too."""
        given = _filled_in(ctx, "user_name", "name")
        return f"Hello, {given}!" if given else InputRequiredResult(input_requests=name)

    @server.tool()
    async def test_input_required_result_sampling(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks the client's model."""
        answer = (ctx.input_responses or {}).get("capital_question")
        if isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent):
            return answer.content.text
        return InputRequiredResult(
            input_requests={"capital_question": _sampling("What is the capital of France?", 100)}
        )

    @server.tool()
    async def test_input_required_result_list_roots(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks for the client's roots."""
        answer = (ctx.input_responses or {}).get("client_roots")
        if isinstance(answer, ListRootsResult):
            return ", ".join(str(root.uri) for root in answer.roots)
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Context[Any, Any]) -> list[UserMessage] | InputRequiredResult:
        """A prompt that asks for its context."""
        context = _filled_in(ctx, "user_context", "context")
        if context:
            return [UserMessage(f"The context is: {context}")]
        question = _elicitation("What context should the prompt use?", "context")
        return InputRequiredResult(input_requests={"user_context": question})


def _add_stateful_questions(server: MCPServer[None]) -> None:
    # The server seals the state that leaves it and refuses one that was changed, so it may be a plain word here.
    confirmation = {"confirm": _elicitation("Please confirm", "ok", "boolean")}

    @server.tool()
    async def test_input_required_result_request_state(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks for a confirmation and wants its state back."""
        if ctx.request_state == "asked" and _filled_in(ctx, "confirm", "ok") is not None:
            return "state-ok"
        return InputRequiredResult(input_requests=confirmation, request_state="asked")

    @server.tool()
    async def test_input_required_result_tampered_state(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks for a confirmation and refuses a changed state."""
        if ctx.request_state == "asked" and _filled_in(ctx, "confirm", "ok") is not None:
            return "state-ok"
        return InputRequiredResult(input_requests=confirmation, request_state="asked")

    @server.tool()
    async def test_input_required_result_multiple_inputs(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks three things at once."""
        questions = {
            "user_name": _elicitation("What is your name?", "name"),
            "greeting": _sampling("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        if ctx.request_state == "asked" and set(questions) <= set(ctx.input_responses or {}):
            return f"Hello, {_filled_in(ctx, 'user_name', 'name')}!"
        return InputRequiredResult(input_requests=questions, request_state="asked")

    @server.tool()
    async def test_input_required_result_multi_round(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks a second thing after the first."""
        name, color = _filled_in(ctx, "step1", "name"), _filled_in(ctx, "step2", "color")
        state = ctx.request_state or ""
        if state.startswith("named:") and color:
            return f"{state.removeprefix('named:')} likes {color}"
        if state == "started" and name:
            question = _elicitation("Step 2: What is your favorite color?", "color")
            return InputRequiredResult(input_requests={"step2": question}, request_state=f"named:{name}")
        question = _elicitation("Step 1: What is your name?", "name")
        return InputRequiredResult(input_requests={"step1": question}, request_state="started")


def _add_capability_checks(server: MCPServer[None]) -> None:
    @server.tool()
    async def test_input_required_result_capabilities(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Asks only what the client says it can answer."""
        can = ctx.client_capabilities or ClientCapabilities()
        questions: dict[str, CreateMessageRequest | ElicitRequest | ListRootsRequest] = {}
        if can.sampling is not None:
            questions["greeting"] = _sampling("Generate a greeting", 50)
        if can.elicitation is not None:
            questions["user_name"] = _elicitation("What is your name?", "name")
        if can.roots is not None:
            questions["client_roots"] = ListRootsRequest()
        if not questions or set(questions) <= set(ctx.input_responses or {}):
            return "nothing to ask"
        return InputRequiredResult(input_requests=questions)

    @server.tool()
    async def test_missing_capability(ctx: Context[Any, Any]) -> str:
        """Needs a client with sampling."""
        if ctx.client_capabilities is not None and ctx.client_capabilities.sampling is not None:
            return "the client can sample"
        needed = ClientCapabilities(sampling=SamplingCapability())
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool needs a client with the sampling capability",
            data=MissingRequiredClientCapabilityErrorData(required_capabilities=needed).model_dump(
                by_alias=True, mode="json", exclude_none=True
            ),
        )
