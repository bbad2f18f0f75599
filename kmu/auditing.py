"""Auditing: whether the ledger's events, and the texts that they tell of, are what was recorded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fleetlore.storage.audit_view import Chain, Event, Kept
from fleetlore.storage.chain import seal_of
from fleetlore.storage.ledger_view import LedgerView

ERASED_TEXT = "{}"
_NAMED = 5  # of texts that are not what was recorded


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """Where the chain breaks first: at which event, if it is not at the end, and what is wrong with it."""

    seq: int | None
    event: str | None
    because: str


@dataclass(slots=True)
class Finding:
    """What an audit found. `head` is the link that the chain ends with; `since` is when it was begun to be kept.

    `texts` are as recorded, `erased` were erased by somebody whom the chain names, `unbound` are older than the chain;
    `pending` is the erasure that has not come to its end. `altered` says of texts what is wrong with them, of at most
    five in words.
    """

    events: int = 0
    head: str = ""
    earlier: int = 0
    since: str | None = None
    broken: Break | None = None
    texts: int = 0
    erased: int = 0
    unbound: int = 0
    pending: str | None = None
    altered: int = 0
    altered_texts: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether everything is as it was recorded."""
        return self.broken is None and not self.altered


async def verify(view: LedgerView, *, expect: str = "") -> Finding:
    """Follows the chain from its first event and compares each text with its seal, as of one moment.

    `expect` is a link that somebody noted elsewhere: it must be one of the chain's.
    """
    async with view.snapshot():
        found = await follow(view.chained(), await view.chain(), expect=expect)
        found.pending = await view.pending_erasure()
        async for text in view.texts():
            _compare(text, found)
        for subject in await view.missing_texts():
            _alter(found, f"the text of {subject} is gone, and nobody erased it")
    return found


async def follow(events: AsyncIterator[Event], chain: Chain, *, expect: str = "") -> Finding:
    """What the chain of events alone tells, of which three are held at a time."""
    found = Finding(earlier=chain.earlier)
    before: list[Event] = []
    expected = not expect
    suspect: Event | None = None
    async for event in events:
        if suspect is not None:
            found.broken = _broken(before[:-1], suspect, event)
            suspect = None
        previous = before[-1].link if before else ""
        if found.broken is None and not event.follows(previous):
            suspect = event
        expected = expected or event.link == expect
        found.events += 1
        if found.events == chain.earlier + 1:
            found.since = event.when
        before = [*before[-2:], event]
    found.head = before[-1].link if before else ""
    if suspect is not None:
        found.broken = _broken(before[:-1], suspect, None)
    if found.broken is None:
        found.broken = _end(found, chain)
    if found.broken is None and not expected:
        found.broken = Break(
            seq=None, event=None, because=f"no event has the link {expect}: the chain is not the one it was taken from"
        )
    return found


def _broken(before: list[Event], event: Event, after: Event | None) -> Break:
    """The first break, at `event`; of the events before it the last two are known."""
    last = before[-1] if before else None
    gap = event.seq - (last.seq if last else 0) - 1
    earlier = before[-2].link if len(before) > 1 else ""
    if gap > 0:
        number = "an event is" if gap == 1 else f"{gap:,} events are"
        because = f"{number} gone before it"
    elif last is not None and event.follows(earlier):
        return Break(seq=last.seq, event=last.id, because="it was put in: the event behind it does not follow from it")
    elif after is not None and after.follows(event.link):
        because = "it is not what was recorded: its link does not follow from what it says"
    elif after is not None and after.follows(last.link if last else ""):
        because = "it was put in or moved here: the event behind it follows from the one before it"
    else:
        because = "it does not follow from the event before it: one of the two was altered or moved"
    return Break(seq=event.seq, event=event.id, because=because)


def _end(found: Finding, chain: Chain) -> Break | None:
    """What is wrong with the end, which no later event vouches for."""
    if found.events < chain.events:
        number = chain.events - found.events
        return Break(seq=None, event=None, because=f"the last {number:,} of {chain.events:,} events are gone")
    if found.events > chain.events:
        number = found.events - chain.events
        return Break(seq=None, event=None, because=f"{number:,} events at the end were never appended")
    if found.head != chain.head:
        return Break(seq=None, event=None, because=f"the last event is not the one that was appended ({chain.head})")
    return None


def _compare(text: Kept, found: Finding) -> None:
    emptied = text.body == ERASED_TEXT and not text.nonce
    if text.erased:
        found.erased += 1
        if not emptied:
            _alter(found, f"the text of {text.id} was erased, and there is one again")
    elif text.seal is None and not text.nonce:
        found.unbound += 1
    elif text.seal is None:
        _alter(found, f"no event tells of the text of {text.id}")
    elif emptied:
        _alter(found, f"the text of {text.id} is gone, and nobody erased it")
    elif seal_of(text.nonce, text.body) != text.seal:
        _alter(found, f"the text of {text.id} is not what was recorded")
    else:
        found.texts += 1


def _alter(found: Finding, because: str) -> None:
    found.altered += 1
    if len(found.altered_texts) < _NAMED:
        found.altered_texts.append(because)
