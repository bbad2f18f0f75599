"""Requests that the gate does not let through: each is answered with a status and one sentence of ours, as JSON."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

_JSON_RPC_PATHS = ("/mcp", "/messages")
_JSON_RPC_CODE = -32600  # invalid request


class TurnedAway(Exception):
    """A request that ends here. `reason` is for the log, where the sentence would not say it."""

    def __init__(
        self, status: int, sentence: str, *, reason: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.sentence = sentence
        self.reason = reason or sentence
        self.headers = headers
        super().__init__(sentence)

    def response(self, path: str) -> Response:
        """The answer, in the form that clients of that path show to people and models."""
        return refusal(path, self.status, self.sentence, headers=self.headers)


def speaks_protocol(path: str) -> bool:
    """Whether what is sent there are messages of the protocol."""
    return path.startswith(_JSON_RPC_PATHS)


def refusal(path: str, status: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """A sentence as JSON: a JSON-RPC error where the protocol is spoken."""
    if speaks_protocol(path):
        content: dict[str, object] = {
            "jsonrpc": "2.0",
            "id": None,
            "error": {"code": _JSON_RPC_CODE, "message": f"fleetlore: {sentence}"},
        }
    else:
        content = {"error": sentence}
    return JSONResponse(content, status, headers)
