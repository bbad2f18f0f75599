"""Where the memory is that hooks ask: the data on this machine, or a team's server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import platformdirs

from fleetlore.server.address import token_in
from fleetlore.server.command_group import with_ledger
from fleetlore.storage.errors import ServerUnreachable
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

            return ask(self.url, request, token=token_in(self.token_env))
        from fleetlore.server.hooks.answers import answer  # noqa: PLC0415

        return with_ledger(
            self.data,
            "",
            lambda ledger: answer(ledger, request, principal=None, learning=self.learning),
            pragmas=_PRAGMAS,
        )

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
