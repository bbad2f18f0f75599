"""What one asks of a knowledge space, and what it answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fleetlore.storage.identifiers import ItemId

LEG_LIMIT = 100
# What searching may lack for a while.
FILLING = "the knowledge spaces are being filled from the ledger"
BEHIND = "what was told last is not searched yet"
ONE_LEG = "one of the two ways of searching is broken (fleetlore rebuild mends it)"
# A name of at most three words and a value of one: "intent: card_arrival"; an address is none.
LABEL = re.compile(r"(?P<name>[\w.-]+(?: [\w.-]+){0,2})\s*[:=]\s*(?!//)(?P<value>[^\s:]+)")
_MARKS = re.compile(r"[\W_]+")


def joined(name: str) -> str:
    """A name as one word, as the text leg knows whole names: `card_arrival` is not the words card and arrival."""
    return _MARKS.sub("", name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What a row must match: its owner (prompt space), its sort of task, all of these tags; "" and () match all."""

    owner: str = ""
    task_type: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Legs:
    """What both ways of searching found, at most 100 each: BM25 score (above 0) and cosine (-1..1) by item."""

    text: Mapping[ItemId, float]
    vector: Mapping[ItemId, float]
