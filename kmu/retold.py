"""Items as a retelling has them, and how they stand to one another: superseded, pruned, merged, restored. Pure."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from fleetlore.kmu import lending
from fleetlore.kmu.evidence import log_odds
from fleetlore.kmu.joining import has_lost_to
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import AgentName, Evidence, Stage
from fleetlore.storage.standings import Turned


@dataclass(kw_only=True, slots=True)
class Word:
    """What a source last said of an item, as in `Verdict`; `own`: it came with the item."""

    agent: AgentName
    sign: Literal[-1, 1]
    direct: bool
    delta: float
    implicit: bool = False
    own: bool = False


@dataclass(kw_only=True, slots=True)
class Retold:
    """An item as a retelling has it.

    `named` is what each agent said that named it since it must be borne out, by source, the latest last; `times` is how
    often each has said so of all that stands. `imported`: it came with evidence that no retelling knows.
    """

    author: AgentName
    lesson: str
    slot: str
    trust: float
    stage: Stage = "provisional"
    living: bool = True
    imported: bool = False
    words: dict[str, Word] = field(default_factory=dict)
    named: dict[AgentName, dict[str, int]] = field(default_factory=dict)
    times: Counter[tuple[AgentName, int]] = field(default_factory=Counter)

    def say(self, source: str, word: Word) -> None:
        """Takes a word in place of what the same source said before; its trust is the caller's affair."""
        earlier = self.words.get(source)
        if earlier is not None and earlier.direct:
            self.times[earlier.agent, earlier.sign] -= 1
            self.named.get(earlier.agent, {}).pop(source, None)
        self.words[source] = word
        if word.direct:
            self.times[word.agent, word.sign] += 1
            self.named.setdefault(word.agent, {})[source] = word.sign

    @property
    def evidence(self) -> Evidence:
        """What is said of it, as far as it is told by name."""
        contradiction = sum(count for (_, sign), count in self.times.items() if sign < 0)
        agents = sum(count > 0 for (_, sign), count in self.times.items() if sign > 0)
        return Evidence(trust=self.trust, contradiction=contradiction, agents=agents)

    def others(self, sign: Literal[-1, 1]) -> int:
        """How many agents besides its author said that of it last."""
        latest = (next(reversed(said.values()), 0) for agent, said in self.named.items() if agent != self.author)
        return sum(said == sign for said in latest)


class RetoldStore:
    """The items of a retelling. `successors` are those that were named, be they there or not."""

    def __init__(self) -> None:
        self.items: dict[ItemId, Retold] = {}
        self.successors: dict[ItemId, ItemId] = {}
        self._into: dict[ItemId, ItemId] = {}
        self._away: dict[ItemId, Retold] = {}

    def stands(self, item: ItemId) -> bool:
        """Whether the item is there, not pruned and not superseded."""
        known = self.items.get(item)
        return known is not None and known.living and self.successors.get(item) not in self.items

    def living_id(self, item: ItemId) -> ItemId:
        """The item in which it lives on, itself where it was not merged away."""
        while item in self._into:
            item = self._into[item]
        return item

    def turn(self, turned: Turned, confirmation: float) -> None:
        """Takes in what happened to an item; `confirmation` is how often a near vote is confirmed by now."""
        item = turned.item
        match turned.kind:
            case "superseded":
                if turned.other is not None:
                    self._supersede(item, turned.other, planned=turned.planned)
            case "pruned":
                if (known := self.items.get(item)) is not None:
                    known.living = False
            case "merged":
                if turned.other is not None:
                    self._merge(item, turned.other, confirmation)
            case "imported":
                return  # whoever retells knows what it says
            case "restored":
                self._restore(item, turned.act)
            case _:
                assert_never(turned.kind)

    def _supersede(self, item: ItemId, successor: ItemId, *, planned: bool) -> None:
        """A report's word for it is enough; a plan's only where outcomes warrant it here too, or it was so already."""
        older, younger = self.items.get(item), self.items.get(successor)
        if not planned:
            self.successors.pop(successor, None)  # what takes another's place is not itself outdated
        elif item not in self.successors and not (
            older and younger and has_lost_to(older.evidence, younger.evidence, younger.stage)
        ):
            return
        self.successors[item] = successor

    def _merge(self, item: ItemId, survivor: ItemId, confirmation: float) -> None:
        self._into.pop(survivor, None)
        merged, into = self.items.pop(item, None), self.items.get(survivor)
        self._into[item] = survivor
        if merged is None:
            return
        if into is None:
            self.items[survivor] = merged
            return
        self._away[item] = merged
        for source, word in merged.words.items():
            if source in into.words:
                continue
            to_itself = word.sign > 0 and word.agent == into.author
            after = lending.lent(into.trust, word.delta, own=word.own, to_itself=to_itself, confirmation=confirmation)
            into.say(source, replace(word, delta=log_odds(after) - log_odds(into.trust), own=False))
            into.trust = after

    def _restore(self, item: ItemId, act: str) -> None:
        if act == "supersede":
            self.successors.pop(item, None)
        elif act == "merge" and item in self._into:
            survivor = self._into.pop(item)
            if item in self._away:
                self.items[item] = self._away.pop(item)
            elif survivor in self.items and survivor not in self._into:
                self._into[survivor] = item
                self.items[item] = self.items.pop(survivor)
        elif (known := self.items.get(item)) is not None:
            known.living = True
