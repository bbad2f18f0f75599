"""Where the memory is that hooks ask: the data on this machine, or a team's server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import platformdirs

from fleetlore.server.command_group import with_ledger
from fleetlore.storage.errors import Refusal, ServerUnreachable
from fleetlore.storage.ledger import LEDGER_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from fleetlore.server.hooks.requests import Request

# Who only notes an outcome does not wait for a busy ledger as long as who reports one.
_PRAGMAS = {"busy_timeout": 500}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The server at `url`, or else the data; `token_env` names the variable that holds the server's token."""

    data: Path
    url: str
    token_env: str
    learning: bool

    def ask(self, request: Request) -> dict[str, Any]:
        """What the memory answers. Raises a `FleetloreError` where it refuses or cannot."""
        # Each of the two ways imports what the other need not wait for.
        if self.url:
            from fleetlore.server.hooks.remote import ask  # noqa: PLC0415

            return ask(self.url, request, token=self._token())
        from fleetlore.server.hooks.answers import answer  # noqa: PLC0415

        return with_ledger(
            self.data,
            "",
            lambda ledger: answer(ledger, request, principal=None, learning=self.learning),
            pragmas=_PRAGMAS,
        )

    def _token(self) -> str:
        token = os.environ.get(self.token_env, "").strip()
        if not (token.isascii() and token.isprintable()):  # a header would show it in its error
            raise Refusal(
                "--token-env", f"what {self.token_env} holds is no token", "Put the token alone into the variable"
            )
        return token

    def say(self, request: Request) -> dict[str, Any]:
        """What there is to say to an assistant: nothing where there is no data yet, an outage only once."""
        if not self.url:
            return self.ask(request) if (self.data / LEDGER_FILE).exists() else {}
        from fleetlore.server.hooks.remote import Outage  # noqa: PLC0415

        outage = Outage(platformdirs.user_state_path("fleetlore"), self.url)
        try:
            said = self.ask(request)
        except ServerUnreachable as error:
            return {"systemMessage": f"fleetlore: {error}"} if outage.begins() else {}
        outage.ends()
        return said
