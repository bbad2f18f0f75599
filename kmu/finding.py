"""Finding: what a person who searches is shown, in which order. Pure.

Words alone, so that a search needs neither the searchable tables nor a model: each word of the query counts by how rare
it is among what was found, a whole word more than the beginning or the inside of one. Exact names (codes, paths, flags)
that a query quotes come first. Trust decides between items that say as much of what was asked.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleetlore.kmu.lexicon import FUNCTION_WORDS, identifiers
from fleetlore.kmu.ranking import trust_of
from fleetlore.storage.people_view import MOST_WORDS, Match
from fleetlore.storage.records import Experience, Item

BEGINNING = 0.6
INSIDE = 0.3
_SUPERSEDED = 0.5
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An item that a search shows: `score` in [0, 1], and how many of the query's exact names it quotes."""

    item: Item
    score: float
    names: int
    confidence: float


def words_of(query: str) -> list[str]:
    """The words to search for, in lower case and in the query's order; of a long query those of names and long ones."""
    every = list(dict.fromkeys(_WORD.findall(query.lower())))
    words = [word for word in every if word not in FUNCTION_WORDS] or every
    if len(words) <= MOST_WORDS:
        return words
    quoted = {word for name in identifiers(query) for word in _WORD.findall(name)}
    chosen = sorted(words, key=lambda word: (word not in quoted, -len(word), word))[:MOST_WORDS]
    return [word for word in words if word in chosen]


def needles(words: Sequence[str]) -> list[str]:
    """How the ledger is asked for words: it folds ASCII only; of other words the first letter, maybe large, is cut."""
    return [word if word.isascii() or len(word) < 2 else word[1:] for word in words]


def rarity(words: Sequence[str], matches: Iterable[Match]) -> dict[str, float]:
    """How much each word tells: ln(1 + items with any / items with it)."""
    counts: dict[int, int] = {match.words: match.count for match in matches}
    total = sum(counts.values())
    having = [sum(count for mask, count in counts.items() if mask >> place & 1) for place in range(len(words))]
    return {word: math.log1p(total / n) if n else 0.0 for word, n in zip(words, having, strict=True)}


def promising(words: Sequence[str], matches: Sequence[Match], weights: Mapping[str, float], most: int) -> list[Match]:
    """The matches with the most telling words, at most so many; in the order given where they tell as much."""

    def told(match: Match) -> float:
        return sum(weights[word] for place, word in enumerate(words) if match.words >> place & 1)

    return sorted(matches, key=told, reverse=True)[:most]


def ordered(query: str, items: Iterable[Item], weights: Mapping[str, float], experience: Experience) -> list[Found]:
    """Items by how well they answer the query, best first; without a query, by trust."""
    names, total = identifiers(query), sum(weights.values())
    found = []
    for item in items:
        text = f"{item.insight}\n{item.applies_when}"
        share = _told(text.lower(), weights) / total if total else 1.0
        if weights and not share:
            continue
        confidence = trust_of(item, experience)
        discount = _SUPERSEDED if item.status == "superseded" else 1.0
        score = share * discount * (1 + confidence) / 2
        found.append(
            Found(item=item, score=round(score, 4), names=len(names & identifiers(text)), confidence=confidence)
        )
    return sorted(found, key=lambda one: (-one.names, -one.score, one.item.id))


def _told(text: str, weights: Mapping[str, float]) -> float:
    """The sum of the weights of the words that stand in the text, whole or in part."""
    whole = frozenset(_WORD.findall(text))
    told = 0.0
    for word, weight in weights.items():
        if word in whole:
            told += weight
        elif any(other.startswith(word) for other in whole):
            told += weight * BEGINNING
        elif word in text:
            told += weight * INSIDE
    return told
