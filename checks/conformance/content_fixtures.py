"""Tools, resources and prompts of fixed content, under the names that the official conformance suite asks for."""

import base64
import json
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Audio, Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    CallToolResult,
    Completion,
    EmbeddedResource,
    EmptyResult,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)

# One red pixel, and eight silent samples.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
SILENCE = (
    b"RIFF" + (44).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    + (1).to_bytes(2, "little") + (1).to_bytes(2, "little") + (8000).to_bytes(4, "little")
    + (8000).to_bytes(4, "little") + (1).to_bytes(2, "little") + (8).to_bytes(2, "little")
    + b"data" + (8).to_bytes(4, "little") + b"\x80" * 8
)  # fmt: skip
_PAUSE_SECONDS = 0.05


def add_content(server: MCPServer[None]) -> None:
    """Registers every fixture that asks the client nothing."""
    _add_tools(server)
    _add_talkative_tools(server)
    _add_resources(server)
    _add_prompts(server)
    _add_legacy_requests(server)


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _add_tools(server: MCPServer[None]) -> None:
    @server.tool()
    async def test_simple_text() -> str:
        """Returns a text."""
        return "This is a simple text response for testing."

    @server.tool()
    async def test_image_content() -> Image:
        """Returns an image."""
        return Image(data=PIXEL, format="png")

    @server.tool()
    async def test_audio_content() -> Audio:
        """Returns a sound."""
        return Audio(data=SILENCE, format="wav")

    @server.tool()
    async def test_embedded_resource() -> CallToolResult:
        """Returns a resource inside the answer."""
        text = "This is an embedded resource content."
        return CallToolResult(content=[_embedded("test://embedded-resource", "text/plain", text)])

    @server.tool()
    async def test_multiple_content_types() -> CallToolResult:
        """Returns a text, an image and a resource."""
        text = TextContent(type="text", text="Multiple content types test:")
        resource = _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        return CallToolResult(content=[text, Image(data=PIXEL, format="png").to_image_content(), resource])

    @server.tool()
    async def test_error_handling() -> str:
        """Always fails."""
        raise ToolError("This tool intentionally returns an error for testing")


def _add_talkative_tools(server: MCPServer[None]) -> None:
    @server.tool()
    async def test_tool_with_progress(ctx: Context[Any, Any]) -> str:
        """Reports progress three times."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100)
            await anyio.sleep(_PAUSE_SECONDS)
        return "progress reported"

    @server.tool()
    async def test_tool_with_logging(ctx: Context[Any, Any]) -> str:
        """Logs three messages."""
        for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(message)
            await anyio.sleep(_PAUSE_SECONDS)
        return "messages logged"

    @server.tool()
    async def test_logging_tool(ctx: Context[Any, Any]) -> str:
        """Logs a message, which a client sees that asked for messages."""
        await ctx.info("logged by test_logging_tool")
        return "message logged"

    @server.tool()
    async def test_trigger_tool_change(ctx: Context[Any, Any]) -> str:
        """Says that the list of tools has changed."""
        await ctx.notify_tools_changed()
        return "said so"

    @server.tool()
    async def test_trigger_prompt_change(ctx: Context[Any, Any]) -> str:
        """Says that the list of prompts has changed."""
        await ctx.notify_prompts_changed()
        return "said so"


def _add_resources(server: MCPServer[None]) -> None:
    @server.resource("test://static-text", mime_type="text/plain", description="A text")
    async def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png", description="An image")
    async def static_binary() -> bytes:
        return PIXEL

    @server.resource("test://watched-resource", mime_type="text/plain", description="A text to subscribe to")
    async def watched_resource() -> str:
        return "watched"

    @server.resource("test://template/{id}/data", mime_type="application/json", description="What the address says")
    async def template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _add_prompts(server: MCPServer[None]) -> None:
    @server.prompt()
    async def test_simple_prompt() -> str:
        """A prompt without arguments."""
        return "This is a simple prompt for testing."

    @server.prompt()
    async def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with two arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    async def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        """A prompt with a resource inside."""
        resource = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    async def test_prompt_with_image() -> list[UserMessage]:
        """A prompt with an image."""
        return [UserMessage(Image(data=PIXEL, format="png")), UserMessage("Please analyze the image above.")]

    @server.completion()
    async def complete(reference: object, argument: object, context: object) -> Completion:
        return Completion(values=["test value"], total=1, has_more=False)


def _add_legacy_requests(server: MCPServer[None]) -> None:
    # The SDK's high-level server has no public way to answer these requests of the initialize era.
    async def accept(_: object, __: object) -> EmptyResult:
        return EmptyResult()

    for method, params in (
        ("logging/setLevel", SetLevelRequestParams),
        ("resources/subscribe", SubscribeRequestParams),
        ("resources/unsubscribe", UnsubscribeRequestParams),
    ):
        server._lowlevel_server.add_request_handler(method, params, accept)
