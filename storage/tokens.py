"""Tokens as the ledger keeps them: whose each is, what it allows and until when, and the hash by which it is known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fleetlore.storage.connection import Connection, Row
from fleetlore.storage.identifiers import TokenId
from fleetlore.storage.records import AgentName
from fleetlore.storage.rows import microseconds, moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One token. `hash` is the SHA-256 of its whole text in hexadecimal digits; the text itself is kept nowhere.

    `expires_at` None: never. `revoked_at` None: nobody took it back.
    """

    id: TokenId
    agent: AgentName
    scopes: tuple[str, ...]
    hash: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def ended(self, now: datetime) -> str:
        """Why it counts no more, in one word; "" while it counts."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else ""


class TokenView:
    """Questions to the ledger about tokens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def token(self, token: TokenId) -> Token | None:
        """The token of that id, whether it counts or not."""
        row = await self._connection.row("token", id=token)
        return None if row is None else _token_of(row)

    async def tokens(self) -> list[tuple[Token, datetime | None]]:
        """Every token there ever was, oldest first, and when its agent was last seen."""
        rows = await self._connection.rows("tokens")
        return [(_token_of(row), _optional(row["seen_at"])) for row in rows]

    async def any_token(self) -> bool:
        """Whether there is, or ever was, a token."""
        row = await self._connection.row("any_token")
        return row is not None and bool(row["found"])

    async def is_of_tokens(self, agent: AgentName) -> bool:
        """Whether that agent, or one whose name differs in case alone, has or ever had a token."""
        row = await self._connection.row("is_of_tokens", agent=agent)
        return row is not None and bool(row["found"])

    async def known_agents(self) -> list[AgentName]:
        """Every agent that was here or has a token."""
        return [AgentName(row["name"]) for row in await self._connection.rows("known_agents")]


class TokenBook(TokenView):
    """Issuing and ending tokens, inside a transaction at the time `now`."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        super().__init__(connection)
        self._now = now

    async def add(self, token: Token) -> None:
        """Stores a new token."""
        await self._connection.run(
            "add_token",
            id=token.id,
            agent=token.agent,
            scopes=json.dumps(token.scopes),
            hash=token.hash,
            at=microseconds(token.created_at),
            expires_at=None if token.expires_at is None else microseconds(token.expires_at),
        )

    async def revoke(self, token: TokenId) -> bool:
        """Ends a token for good; False where it was revoked before."""
        return bool(await self._connection.rows("revoke_token", id=token, at=microseconds(self._now)))

    async def revoke_all_of(self, agent: AgentName) -> Sequence[TokenId]:
        """Ends every token of the agent that counts; returns which these were."""
        rows = await self._connection.rows("revoke_tokens_of", agent=agent, at=microseconds(self._now))
        return [TokenId(row["id"]) for row in rows]

    async def expire(self, token: TokenId, at: datetime) -> None:
        """Lets a token end at that time, if it does not end before."""
        await self._connection.run("expire_token", id=token, expires_at=microseconds(at))


def _token_of(row: Row) -> Token:
    return Token(
        id=TokenId(row["id"]),
        agent=AgentName(row["agent"]),
        scopes=tuple(json.loads(row["scopes"])),
        hash=row["hash"],
        created_at=moment(row["created_at"]),
        expires_at=_optional(row["expires_at"]),
        revoked_at=_optional(row["revoked_at"]),
    )


def _optional(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
