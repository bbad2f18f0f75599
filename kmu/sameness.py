"""Sameness: what two insights under the same condition are to one another. Pure functions over texts.

Form decides wherever it can, because vectors cannot: "a dog licks a baby" and "a baby licks a dog" are one vector.
Vectors and shared words decide only what is left, and they never make two lessons the same.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from fleetlore.kmu.contradiction import contradiction
from fleetlore.kmu.gist import NEGATIONS, gist, gist_words
from fleetlore.kmu.lexicon import FUNCTION_WORDS, identifiers
from fleetlore.kmu.wording import Word, words

Relation = Literal["same", "similar", "different", "contradicting"]

# Tuned on half of SICK's training pairs (Marelli et al., LREC 2014); benchmarks/merging.py measures on the rest.
LEAST_COSINE = 0.85
LEAST_OVERLAP = 0.6  # of content words
LEAST_REST = 0.6  # nearness of what the two do not share

# One text has the one, the other the other: whatever else they share, they say opposite things.
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in """after/before with/without more/less most/least more/fewer on/off up/down in/out into/out onto/off
    into/from to/from above/below over/under if/unless before/until always/never enable/disable enabled/disabled
    allow/deny allow/forbid true/false yes/no first/last minimum/maximum min/max left/right increase/decrease
    raise/lower add/remove start/stop open/close push/pull read/write import/export install/uninstall lock/unlock
    old/new young/old small/large small/big fast/slow hot/cold near/far must/may must/can must/should should/may
    should/can use/avoid accept/reject include/exclude include/omit internal/external inside/outside success/failure
    pass/fail passes/fails all/any all/some every/any upgrade/downgrade day/night front/behind""".split()  # noqa: SIM905
)
# A text with one of these says less, or something else, than the same text without it.
_HINGES = frozenset("unless except only until instead before after without than hardly rarely was were".split())  # noqa: SIM905
_PLAIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ENDING = re.compile(r"(?:ing|ed|es|s|ly|e)$")
_DOUBLED = re.compile(r"([^aeiousl])\1$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What two insights are to one another, how sure that is in [0, 1], and why, in a few words for people."""

    relation: Relation
    confidence: float
    because: str


def judge(one: str, other: str, *, cosine: float) -> Judgement:
    """Judges two insights under the same condition, given the cosine of their vectors. Their order does not matter.

    `same` and `contradicting` are said where form makes them sure. `similar` lessons are near enough to be shown once.
    """
    one, other = sorted((one, other))
    mine = gist(one)
    if mine and mine == gist(other):
        return Judgement(relation="same", confidence=0.99, because="the same words in the same order")
    if because := contradiction(one, other):
        return Judgement(relation="contradicting", confidence=0.95, because=because)
    return _near(one, other, cosine)


def _near(one: str, other: str, cosine: float) -> Judgement:
    """What is left when form is not sure: similar or different."""
    mine, theirs = (gist_words(words(text)) for text in (one, other))
    if because := _apart(mine, theirs) or _naming_others(one, theirs) or _naming_others(other, mine):
        return Judgement(relation="different", confidence=0.9, because=because)
    near = min(max(cosine, 0.0), 1.0) if not math.isnan(cosine) else 0.0
    a, b = _topic(mine), _topic(theirs)
    shared = 2 * (a & b).total() / max(1, a.total() + b.total())
    if near >= LEAST_COSINE and shared >= LEAST_OVERLAP:
        if not (a - b and b - a):
            return Judgement(
                relation="similar", confidence=0.93, because="one says what the other says, and little more"
            )
        # The vector of a text is near the mean of its words' vectors: this is the cosine of what is not shared.
        if (near - shared) / (1 - shared) >= LEAST_REST:
            return Judgement(
                relation="similar", confidence=0.9, because="nearly the same words, and what differs is near in meaning"
            )
    return Judgement(relation="different", confidence=1 - near * shared, because="they say different things")


def _apart(one: list[Word], other: list[Word]) -> str:
    """What keeps two texts apart however near they are in meaning; "" if nothing does."""
    mine, theirs = (Counter(word.text for word in every) for every in (one, other))
    if _exact(mine) != _exact(theirs):
        return "they name other numbers or exact names"
    if sum(mine[word] for word in NEGATIONS) != sum(theirs[word] for word in NEGATIONS):
        return "one says no where the other does not"
    only_mine, only_theirs = mine.keys() - theirs.keys(), theirs.keys() - mine.keys()
    if any((a in only_mine and b in only_theirs) or (b in only_mine and a in only_theirs) for a, b in _OPPOSITES):
        return "they say opposite things"
    if not _HINGES.isdisjoint(only_mine | only_theirs):
        return "one has a condition or an exception that the other lacks"
    places = {word.text: place for place, word in enumerate(other)}
    common = [places[word.text] for word in one if mine[word.text] == 1 == theirs[word.text]]
    return "" if common == sorted(common) else "the same words in another order"


def _exact(counted: Counter[str]) -> Counter[str]:
    """The words that are no plain words: numbers, flags, paths, operators."""
    return Counter({word: count for word, count in counted.items() if not _PLAIN.fullmatch(word)})


def _naming_others(text: str, others: list[Word]) -> str:
    """Whether the text names exactly what the other text does not."""
    there = {word.text.casefold() for word in others}
    named = identifiers(text) | {word.text.casefold() for word in words(text) if word.literal}
    return "one names what the other does not" if not named <= there else ""


def _topic(every: list[Word]) -> Counter[str]:
    """The content words without their endings, counted."""
    return Counter(_stem(word.text) for word in every if word.text not in FUNCTION_WORDS)


def _stem(word: str) -> str:
    """A rough stem, good enough to count words that two texts share."""
    bare = _ENDING.sub("", word)
    return _DOUBLED.sub(r"\1", bare) if len(bare) > 2 else word
