"""What an assistant tells its hooks: one JSON object on the standard input, read with patience and little trust.

The names are those of Claude Code. Whatever is missing, or of another sort than expected, counts as not said.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetlore.server.hooks.implied import Ended
from fleetlore.storage.errors import Refusal

MOST_BYTES = 16_000_000
_STDIN = 0
_REMEDY = "Send the one JSON object that an assistant tells its hooks"
_SHELLS = frozenset(("bash", "shell"))
_FAILURE = "PostToolUseFailure"
_STATUS = re.compile(r"\s*(?:error:\s*)?(?:exit code|command exited with non-zero status code)\s+(\d+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """What was said, by the names that it was said under."""

    said: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text; "" where none was said."""
        value = self.said.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """Whether that was said to be so."""
        return self.said.get(name) is True

    def texts(self, name: str) -> list[str]:
        """A list of texts; none where it was not said."""
        value = self.said.get(name)
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    @property
    def command(self) -> str:
        """The shell command that was run, if one was."""
        given = self.said.get("tool_input")
        command = given.get("command") if isinstance(given, dict) else None
        return command if isinstance(command, str) and self.text("tool_name").lower() in _SHELLS else ""

    @property
    def ended(self) -> Ended:
        """How it ended. A command that succeeded and one that failed are told by different events."""
        if self.text("hook_event_name") == _FAILURE:
            return self._failed()
        response = self.said.get("tool_response")
        if not isinstance(response, dict) or response.get("interrupted") or response.get("backgroundTaskId"):
            return Ended(status=None)
        output = "\n".join(text for name in ("stdout", "stderr") if isinstance(text := response.get(name), str))
        whole = not response.get("persistedOutputPath") and "truncated]" not in output
        for name in ("exit_code", "exitCode"):
            if isinstance(status := response.get(name), int) and not isinstance(status, bool):
                return Ended(status=status, output=output, whole=whole)
        # What it says of a status other than 0 that is no failure, as grep's where it finds nothing.
        if response.get("returnCodeInterpretation") or "stdout" not in response:
            return Ended(status=None)
        return Ended(status=0, output=output, whole=whole)

    def _failed(self) -> Ended:
        error = self.text("error")
        status = _STATUS.match(error)
        if status is None or self.flag("is_interrupt"):
            return Ended(status=None)
        return Ended(status=int(status[1][:9]) or None, output=error)


def payload_of(raw: bytes) -> Payload:
    """What the bytes say; nothing at all says nothing. Raises `Refusal`."""
    if not raw.strip():
        return Payload(said={})
    if len(raw) > MOST_BYTES:
        raise Refusal("stdin", f"it is longer than {MOST_BYTES:,} bytes", _REMEDY)
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refusal("stdin", "it is no JSON", _REMEDY) from error
    if not isinstance(said, dict):
        raise Refusal("stdin", "it is JSON, but no object", _REMEDY)
    return Payload(said=said)


def read_input() -> bytes:
    """Everything on the standard input, up to a little more than is taken; nothing where it is closed or a terminal."""
    blocks: list[bytes] = []
    size = 0
    try:
        if os.isatty(_STDIN):
            return b""
        while size <= MOST_BYTES and (block := os.read(_STDIN, 1 << 20)):
            blocks.append(block)
            size += len(block)
    except OSError:  # there is none
        return b""
    return b"".join(blocks)
