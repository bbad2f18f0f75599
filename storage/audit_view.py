"""What the audit asks of the ledger: events in their order, whatever their store, and texts with what binds them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from fleetlore.storage.chain import link_of
from fleetlore.storage.connection import Connection
from fleetlore.storage.rows import microseconds, moment

_SLICE = 2_000
_BEFORE_ALL = -(1 << 63)  # a number below those that the ledger gives would be somebody else's


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event as it is stored; `at` is in microseconds since 1970 in UTC, `body` JSON."""

    seq: int
    id: str
    store: str
    at: int
    kind: str
    agent: str
    subject: str
    body: str
    link: str

    @property
    def when(self) -> str:
        """Its time in ISO form; the number itself where somebody has made one of it that is no time."""
        try:
            return moment(self.at).isoformat()
        except OverflowError:
            return str(self.at)

    def follows(self, previous: str) -> bool:
        """Whether its link is the one that follows from the link before it and from what it says."""
        parts = (self.id, self.store, self.at, self.kind, self.agent, self.subject, self.body)
        return link_of(previous, *parts) == self.link


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """How many events the ledger has counted, the link of the last, and how many were linked in retrospect."""

    events: int
    head: str
    earlier: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A text, the key of its seal, the seal in the latest event that has one of it, and whether it was erased."""

    id: str
    body: str
    nonce: str
    seal: str | None
    erased: bool


class AuditView:
    """Questions of the audit. Whoever asks several of one state asks them inside `snapshot`."""

    _connection: Connection

    async def chain(self) -> Chain:
        """Where the chain ends, as the ledger noted when it appended."""
        [row] = await self._connection.rows("chain")
        return Chain(**dict(row))

    async def chained(self) -> AsyncIterator[Event]:
        """Every event, in slices that bound what is held at a time."""
        after = _BEFORE_ALL
        while rows := await self._connection.rows("events_after", after=after, limit=_SLICE):
            for row in rows:
                yield Event(**dict(row))
            after = rows[-1]["seq"]

    async def events(
        self, *, agent: str, subject: str, kind: str, since: datetime | None, limit: int
    ) -> tuple[list[Event], int]:
        """The latest events that fit, oldest first, and how many fit in all; "" and None leave nothing out.

        An event is an item's if it is about it or names it.
        """
        wanted = {"agent": agent, "subject": subject, "kind": kind, "since": microseconds(since) if since else 0}
        rows = await self._connection.rows("events_that", **wanted, limit=limit)
        [counted] = await self._connection.rows("count_events_that", **wanted)
        return [Event(**dict(row)) for row in reversed(rows)], int(counted["count"])

    async def texts(self) -> AsyncIterator[Kept]:
        """Every text, in slices."""
        after = ""
        while rows := await self._connection.rows("texts_after", after=after, limit=_SLICE):
            for row in rows:
                yield Kept(**dict(row) | {"erased": bool(row["erased"])})
            after = rows[-1]["id"]

    async def missing_texts(self) -> list[str]:
        """Subjects of events that bind a text, where there is none."""
        return [row["subject"] for row in await self._connection.rows("texts_missing")]
