"""The ledger: what happened, what is trustworthy and who may see it. Its commit is the only commit point.

`Ledger.read` answers from the last commit of any process; `Ledger.write` carries out a job inside a durable
transaction that no other process can interleave with, so that what the job reads is still true when it writes.
"""

import hmac
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio

from fleetlore.storage.connection import Connection
from fleetlore.storage.database import Database
from fleetlore.storage.dossiers import Adoption
from fleetlore.storage.erasing import Erasing
from fleetlore.storage.errors import DataDirectoryUnusable, DataError, EmbedderMismatch
from fleetlore.storage.evidence_book import EvidenceBook
from fleetlore.storage.identifiers import ItemId, ReceiptId, new_store_id
from fleetlore.storage.judgement import Judging
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName, Feedback, Item, Receipt, Stage
from fleetlore.storage.relations import Relations
from fleetlore.storage.rescreening import Rescreening
from fleetlore.storage.retention import Retaining
from fleetlore.storage.row_changes import RowFollowing
from fleetlore.storage.rows import FEEDBACK_TEXTS, StoreInfo, shown_as_row
from fleetlore.storage.times import time_of
from fleetlore.storage.tokens import TokenBook, TokenView
from fleetlore.storage.underway import UnderwayBook
from fleetlore.storage.withdrawals import Withdrawing

ResultT = TypeVar("ResultT")

LEDGER_FILE = "ledger.sqlite"


class Ledger:
    """An open ledger. `clock` gives the time; everything that needs one asks it.

    `pinned` is the embedder that whoever opened it insists on; "" for none.
    """

    def __init__(self, database: Database, info: StoreInfo, clock: Callable[[], datetime], pinned: str) -> None:
        self._database = database
        self.info = info
        self.clock = clock
        self.pinned = pinned
        self.read = LedgerView(database.reader)
        self.tokens = TokenView(database.reader)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        data: Path,
        *,
        embedder: str,
        fallback: str,
        clock: Callable[[], datetime],
        pragmas: Mapping[str, int] | None = None,
    ) -> AsyncIterator["Ledger"]:
        """Opens the ledger in a data directory, or makes a new one.

        `embedder` is the one that the data must have been made with; "" accepts any, and `fallback` for new data.
        Raises `DataDirectoryUnusable` and `EmbedderMismatch`; as to what else, and `pragmas`, see `Database.open`.
        """
        try:
            await anyio.Path(data).mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise DataDirectoryUnusable(data, "it is a file, not a folder") from error
        except OSError as error:
            raise DataDirectoryUnusable(data, error.strerror or str(error)) from error
        async with Database.open(data / LEDGER_FILE, pragmas=pragmas) as database:
            info = await LedgerView(database.reader).store()
            if info is None:
                info = await database.write(lambda connection: _found(connection, embedder or fallback, clock()))
            if embedder and info.embedder != embedder:
                raise EmbedderMismatch(info.embedder, embedder)
            yield cls(database, info, clock, embedder)

    async def snapshot(self, job: Callable[[LedgerView], Awaitable[ResultT]]) -> ResultT:
        """Carries out a job that only reads, in one go and from one state of the ledger; see `Database.snapshot`."""
        return await self._database.snapshot(lambda connection: job(LedgerView(connection)))

    async def look(self, job: Callable[[LedgerView], Awaitable[ResultT]]) -> ResultT:
        """As `snapshot`, and beside it as `refresh`."""
        await self._database.follow()

        async def both(view: LedgerView) -> tuple[StoreInfo | None, ResultT]:
            return await view.store(), await job(view)

        info, result = await self.snapshot(both)
        self.info = info or self.info
        return result

    async def write(self, job: Callable[["LedgerTransaction"], Awaitable[ResultT]]) -> ResultT:
        """Carries out `job` in a durable transaction; its exception takes back what it wrote, and is raised here.

        It awaits nothing but the transaction.
        """

        async def carried_out(connection: Connection) -> ResultT:
            transaction = LedgerTransaction(connection, self.info, await time_of(connection, self.clock()))
            result = await job(transaction)
            assert not transaction.unbound, f"texts that no event tells of: {list(transaction.unbound)}"
            return result

        if await self._database.stand():
            await self.refresh()
        return await self._database.write(carried_out)

    @property
    def trouble(self) -> DataError | None:
        """See `Database.trouble`."""
        return self._database.trouble

    @property
    def openings(self) -> int:
        """See `Database`."""
        return self._database.openings

    async def refuse(self) -> None:
        """Raises why nothing can be written now; to be asked before anything is written beside the ledger."""
        await self._database.refuse()

    async def recover(self) -> None:
        """See `Database.recover`."""
        await self._database.recover()

    async def purge(self) -> bool:
        """See `Database.purge`."""
        return await self._database.purge()

    async def checkpoint(self) -> None:
        """See `Database.checkpoint`."""
        await self._database.checkpoint()

    def digest(self, *parts: str) -> str:
        """A salted digest (HMAC-SHA-256, 32 hexadecimal digits): equal exactly for equal parts, useless elsewhere."""
        return digest(self.info, *parts)

    async def refresh(self) -> StoreInfo:
        """Reads again what the ledger says of itself: a rebuild by another process changes the generation.

        Raises `DataDirectoryLost` where the ledger that was opened is gone; follows where another has taken its place.
        """
        await self.look(_nothing)
        return self.info


async def _nothing(view: LedgerView) -> None:
    """What there is to read beside."""


def digest(info: StoreInfo, *parts: str) -> str:
    """`Ledger.digest` for a known store."""
    return hmac.digest(info.salt.encode(), json.dumps(parts).encode(), "sha256").hex()[:32]


async def _found(connection: Connection, embedder: str, now: datetime) -> StoreInfo:
    known = await LedgerView(connection).store()
    if known is not None:
        return known  # another process was first
    info = StoreInfo(id=new_store_id(now), salt=secrets.token_hex(16), embedder=embedder, generation=1)
    for key, value in (("store", info.id), ("salt", info.salt), ("embedder", embedder), ("generation", "1")):
        await connection.run("set_meta", key=key, value=value)
    return info


class LedgerTransaction(
    Relations, Adoption, Erasing, EvidenceBook, Judging, Rescreening, Retaining, RowFollowing, UnderwayBook, Withdrawing
):
    """Writing the ledger, inside one transaction at the time `now`."""

    def __init__(self, connection: Connection, info: StoreInfo, now: datetime) -> None:
        super().__init__(connection, info, now)
        self.tokens = TokenBook(connection, now)

    async def saw(self, agent: AgentName) -> None:
        """Notes that the agent was here."""
        await self._connection.run("saw_agent", name=agent, at=self._at)

    async def add_item(self, item: Item, *, judgement: int = 0) -> None:
        """Stores a new item, with what that judgement (0: none) found in its words; its counts come from verdicts."""
        await self._keep("add_content", item.id, {"insight": item.insight, "applies_when": item.applies_when})
        await self._connection.run(
            "add_item",
            id=item.id,
            space=item.space,
            owner=item.owner,
            kind=item.kind,
            task_type=item.task_type,
            project=item.project,
            tags=json.dumps(item.tags),
            digest=item.digest,
            condition=item.condition,
            lesson=item.lesson,
            slot=item.slot,
            gist=item.gist,
            author=item.author,
            feedback=item.feedback,
            at=self._at,
            stage=item.stage,
            trust=item.evidence.trust,
            flags=" ".join(item.flags),
            judgement=judgement,
        )

    async def set_stage(self, item: ItemId, stage: Stage, *, news: bool = True) -> None:
        """Promotes or demotes an item. Without `news` it counts as no younger for it."""
        await self._connection.run("set_stage", id=item, stage=stage, at=self._at if news else 0)

    async def bear_out_anew(self, item: ItemId) -> None:
        """Makes an item provisional until outcomes from now on bear it out; what was said before counts no more."""
        await self._connection.run("bear_out_from", id=item, stage="provisional", since=self._at)

    async def bear_out_again(self, item: ItemId, stage: Stage) -> None:
        """Takes `bear_out_anew` back: everything that was said of the item counts."""
        await self._connection.run("bear_out_from", id=item, stage=stage, since=0)

    async def give_receipt(self, receipt: Receipt, *, asks: str = "") -> bool:
        """Stores what was shown to whom; False where it asks about a gap that the agent was asked about before."""
        await self.saw(receipt.agent)
        await self._keep("add_content", receipt.id, {"task": receipt.task})
        await self._connection.run(
            "add_receipt",
            id=receipt.id,
            store=self.info.id,
            at=self._at,
            agent=receipt.agent,
            project=receipt.project,
            task_type=receipt.task_type,
            mode=receipt.mode,
            shown=json.dumps([shown_as_row(shown) for shown in receipt.shown]),
            near=json.dumps(receipt.near),
            control=json.dumps(receipt.control),
            held_out=receipt.held_out,
        )
        await self.record(
            "retrieved", agent=receipt.agent, subject=receipt.id, shown=[shown.item for shown in receipt.shown]
        )
        return not asks or bool(await self._connection.rows("ask", agent=receipt.agent, gap=asks, at=self._at))

    async def answer_receipt(self, receipt: ReceiptId) -> None:
        """Notes that a receipt was answered."""
        await self._connection.run("answer_receipt", id=receipt, at=self._at)
        await self._connection.run("answer_archived", id=receipt, at=self._at)

    async def remind(self, receipts: Iterable[ReceiptId]) -> list[ReceiptId]:
        """Notes that their agents are asked for feedback; returns those that nobody was asked for or has given."""
        rows = await self._connection.rows("remind", receipts=json.dumps(list(receipts)), at=self._at)
        return [ReceiptId(row["id"]) for row in rows]

    async def add_feedback(self, feedback: Feedback, *, key: str, request: str, answer: str) -> None:
        """Stores a report, the digest of its request and the answer it was given."""
        texts: dict[str, object] = {name: getattr(feedback, name) for name in FEEDBACK_TEXTS}
        texts["assessment"] = feedback.assessment
        await self._keep("add_content", feedback.id, {name: text for name, text in texts.items() if text})
        await self._connection.run(
            "add_feedback",
            id=feedback.id,
            at=self._at,
            agent=feedback.agent,
            receipt=feedback.receipt,
            outcome=feedback.outcome,
            implicit=feedback.implicit,
            own=feedback.own,
            key=key,
            request=request,
            answer=answer,
        )
