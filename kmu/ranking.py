"""Ranking: which items answer a task, in which order, with which score. Pure.

Relevance r blends both legs, each scaled over itself: r = w · text + (1 − w) · vector. Scaling makes the best of a leg
1 even for nonsense, so an absolute floor comes first. The score is r² p S: relevance is the anchor, trust p modifies
it, and so does consensus: S is the share that the item's lesson has in the votes r³ p of everything near, relative to
the leading lesson's. Where every lesson is a sentence of its own, S changes no order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fleetlore.kmu import evidence
from fleetlore.kmu.constants import CONSTANTS
from fleetlore.kmu.evidence import living, shares_of
from fleetlore.kmu.lexicon import content_words, coverage, identifiers, quotes
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import NO_EXPERIENCE, Experience, Outline
from fleetlore.storage.search import LEG_LIMIT, Legs

# On Banking77 streams w = .3 to .5 is best (.88; .87 at .2, .85 at .7), and so it is on paraphrases of technical
# lessons. A task that quotes an exact name wants it found: hit@1 .95 at .4, .97 at .6 (2,000 look-alikes).
TEXT_WEIGHT = 0.4
TEXT_WEIGHT_OF_NAMES = 0.6
# Likeness = cosine + half the share of the task's content words that an item has. At .4 it keeps 92 % of the right
# items for paraphrases of technical lessons and shows something for 7 to 25 % of tasks from another world; the cosine
# alone keeps as many at .3, and shows something for 9 to 39 %.
LEAST_LIKENESS = 0.4
_COVERAGE_WEIGHT = 0.5
_OTHER_PROJECT = 0.4
_SUPERSEDED = 0.1
_HELD = 0.25


# Where much is ranked and little shown, outlines are ranked.
ItemT = TypeVar("ItemT", bound=Outline)
OtherT = TypeVar("OtherT", bound=Outline)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate(Generic[ItemT]):
    """An item with its relevance to a task: `relevance` among the candidates, `similarity` in absolute terms."""

    item: ItemT
    relevance: float
    similarity: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked(Generic[ItemT]):
    """An item to be shown: its trust, as long as its lesson lives, and the weight to give it for this task.

    score = relevance² · trust ^ weight · agreement · discount, with the weight of evidence, how far its lesson leads
    (S), and what an item of another project, a superseded or a held one is weighted down by.
    """

    item: ItemT
    relevance: float
    similarity: float
    trust: float
    score: float
    weight: float = CONSTANTS.usual_weight
    agreement: float = 1.0
    discount: float = 1.0

    def with_item(self, item: OtherT) -> "Ranked[OtherT]":
        """The same of the whole item, where an outline was ranked."""
        return Ranked(
            item=item,
            relevance=self.relevance,
            similarity=self.similarity,
            trust=self.trust,
            score=self.score,
            weight=self.weight,
            agreement=self.agreement,
            discount=self.discount,
        )


def text_weight(task: str) -> float:
    """How much the text leg counts for a task."""
    return TEXT_WEIGHT_OF_NAMES if identifiers(task) else TEXT_WEIGHT


def relevances(legs: Legs, weight: float = TEXT_WEIGHT) -> dict[ItemId, float]:
    """Blended relevance in [0, 1] of everything that a leg found; `weight` is the text leg's."""
    found = _scaled(legs.vector, 1 - weight)
    for item, relevance in _scaled(legs.text, weight).items():
        found[item] = relevance + found.get(item, 0.0)
    return found


def nearest(task: str, legs: Legs, count: int) -> dict[ItemId, float]:
    """The `count` most relevant of what a leg found; the others' scores, r³ p, would be next to nothing."""
    found = relevances(legs, text_weight(task))
    best = sorted(zip(found.values(), found, strict=True), reverse=True)[:count]
    return {item: relevance for relevance, item in best}


def candidates(
    task: str, legs: Legs, relevant: Mapping[ItemId, float], items: Mapping[ItemId, ItemT]
) -> list[Candidate[ItemT]]:
    """The items that are relevant in absolute terms: like the task in meaning and words, or quoting the same name.

    `relevant` holds the relevance of those that are looked at.
    """
    words, names = content_words(task), identifiers(task)
    found = []
    for item_id, relevance in relevant.items():
        if (item := items.get(item_id)) is None:
            continue
        similarity = legs.vector.get(item_id, 0.0)
        if similarity < LEAST_LIKENESS:
            similarity = _likeness(similarity, words, names, f"{item.applies_when}\n{item.insight}")
        if similarity >= LEAST_LIKENESS:
            found.append(Candidate(item=item, relevance=relevance, similarity=min(similarity, 1.0)))
    return found


def _likeness(cosine: float, words: frozenset[str], names: frozenset[str], text: str) -> float:
    if names and quotes(text, names):
        return 1.0
    return max(cosine, 0.0) + _COVERAGE_WEIGHT * coverage(words, text)


def rank(
    found: Iterable[Candidate[ItemT]],
    *,
    project: str,
    experience: Experience = NO_EXPERIENCE,
    weight: float = CONSTANTS.usual_weight,
) -> list[Ranked[ItemT]]:
    """Candidates by score, best first; ties by id, so that equal calls get equal answers.

    `weight` is that of evidence, the exponent of trust in the score: 0 ranks by relevance alone.
    """
    entries = [(candidate, trust_of(candidate.item, experience)) for candidate in found]
    votes = [(c.item.lesson, c.relevance, trust) for c, trust in entries if c.item.superseded_by is None]
    shares = shares_of(votes, weight)
    leading = max(shares.values(), default=1.0)
    ranked = [
        _ranked(candidate, trust, shares.get(candidate.item.lesson, leading) / leading, weight, project)
        for candidate, trust in entries
    ]
    return sorted(ranked, key=lambda entry: (-entry.score, entry.item.id))


def trust_of(item: Outline, experience: Experience) -> float:
    """How far an item is to be trusted: it is right here, as long as its lesson is right anywhere."""
    return item.evidence.trust * living(item.blames, experience)


def select(
    general: Sequence[Ranked[ItemT]], own: Sequence[Ranked[ItemT]], companions: Mapping[ItemId, ItemT], *, limit: int
) -> list[list[Ranked[ItemT]]]:
    """At most `limit` items, in groups that are shown together or not at all.

    The agent's own items come first on a quota of two fifths: they say how to go about this sort of task and do not
    compete with lessons. Items in conflict form one group. A superseded item stands in its successor's group, and only
    where room is left; `companions` holds successors and rivals that were not found themselves. Of items linked as
    similar only the best is shown, unless a conflict brings another along.
    """
    living = _distinct(entry for entry in own if entry.item.superseded_by is None)
    groups = [[entry] for entry in living[: max(1, limit * 2 // 5)]]
    room = limit - len(groups)
    by_id = {entry.item.id: entry for entry in general}
    taken: set[ItemId] = set()
    for entry in general:
        head = _head(entry, by_id, companions)
        if room == 0 or head is None or head.item.id in taken or not taken.isdisjoint(head.item.similar_to):
            continue
        group = _conflict(head, by_id, companions)
        if len(group) > room:
            if groups:
                continue
            group = group[:room]
        groups.append(group)
        taken.update(member.item.id for member in group)
        room -= len(group)
    for entry in general:
        if room > 0 and entry.item.superseded_by in taken:
            next(group for group in groups if entry.item.superseded_by in {m.item.id for m in group}).append(entry)
            room -= 1
    return groups


def _distinct(entries: Iterable[Ranked[ItemT]]) -> list[Ranked[ItemT]]:
    """The entries but for those similar to a better one."""
    kept: list[Ranked[ItemT]] = []
    for entry in entries:
        if not any(better.item.id in entry.item.similar_to for better in kept):
            kept.append(entry)
    return kept


def _conflict(
    head: Ranked[ItemT], by_id: Mapping[ItemId, Ranked[ItemT]], companions: Mapping[ItemId, ItemT]
) -> list[Ranked[ItemT]]:
    """The item, what it contradicts, and what those contradict."""
    group = {head.item.id: head}
    ends = list(head.item.conflicts_with)
    while ends:
        rival = by_id.get(end := ends.pop(0)) or _known(companions, end, head)
        if rival is not None and end not in group:
            group[end] = rival
            ends += rival.item.conflicts_with
    return list(group.values())


def _head(
    entry: Ranked[ItemT], by_id: Mapping[ItemId, Ranked[ItemT]], companions: Mapping[ItemId, ItemT]
) -> Ranked[ItemT] | None:
    """The entry itself, or what superseded it; None where that was superseded in turn or is not to be seen."""
    successor = entry.item.superseded_by
    if successor is None:
        return entry
    head = by_id.get(successor) or _known(companions, successor, entry)
    return head if head is not None and head.item.superseded_by is None else None


def _ranked(candidate: Candidate[ItemT], trust: float, agreement: float, weight: float, project: str) -> Ranked[ItemT]:
    item, discount = candidate.item, 1.0
    if project and item.project not in ("", project) and item.evidence.projects < 2:
        discount *= _OTHER_PROJECT
    if item.superseded_by is not None:
        discount *= _SUPERSEDED
    if item.flags:
        discount *= _HELD
    value = evidence.score(candidate.relevance, trust, agreement, weight) * discount
    return Ranked(
        item=item,
        relevance=round(candidate.relevance, 4),
        similarity=candidate.similarity,
        trust=trust,
        score=max(round(value, 4), 0.0001),
        weight=weight,
        agreement=agreement,
        discount=discount,
    )


def _known(companions: Mapping[ItemId, ItemT], wanted: ItemId, found: Ranked[ItemT]) -> Ranked[ItemT] | None:
    """An item that comes because `found` does: as relevant as that one, with its own trust."""
    item = companions.get(wanted)
    if item is None:
        return None
    trust = item.evidence.trust
    score = max(round(evidence.score(found.relevance, trust, 1.0, found.weight), 4), 0.0001)
    return Ranked(
        item=item,
        relevance=found.relevance,
        similarity=found.similarity,
        trust=trust,
        score=score,
        weight=found.weight,
    )


def _scaled(leg: Mapping[ItemId, float], weight: float) -> dict[ItemId, float]:
    """A leg's values from 0 to its weight (min-max); one that is not full, from nearer zero: its tail is missing."""
    if not leg:
        return {}
    best = max(leg.values())
    least = min(leg.values()) * min(1.0, len(leg) / LEG_LIMIT)
    if (width := best - least) <= 0:
        return dict.fromkeys(leg, weight)
    return {item: weight * ((value - least) / width) if value > least else 0.0 for item, value in leg.items()}
