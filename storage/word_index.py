"""Texts in memory: BM25 of all of them, with the scores that LanceDB's text index gives.

Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), section 3.4, with the weight of
a word made positive as Lucene does. As in LanceDB a word that a question repeats counts as often, and a text without
words counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fleetlore.storage.best import best_of, floor_of_best
from fleetlore.storage.postings import Entries, Postings, Rows, entries_of, rows_in, times_in
from fleetlore.storage.words import words_of

if TYPE_CHECKING:
    from fleetlore.storage.best import Values

Lengths = npt.NDArray[np.int32]

_K1, _B = 1.2, 0.75
# Looking a row up in a list takes about as long as going over so many entries of it.
_LOOKUP = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class _Word:
    """A word of a question: where it stands, and what it is worth at most."""

    entries: Entries
    worth: float

    def scores(self, entries: Entries, norms: Values) -> Values:
        """What it adds for those entries, of texts of those norms."""
        times = times_in(entries)
        return self.worth * times / (times + norms)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordView:
    """The texts as they were when they were asked for."""

    postings: Postings[str]
    lengths: Lengths  # in words; 0 where a text was taken out
    whole: bool  # none was

    def best(self, text: str, limit: int, among: Rows | None = None) -> tuple[Rows, Values]:
        """The `limit` best rows for a text, or the best of some in ascending order, and their scores, best first."""
        texts = np.count_nonzero(self.lengths)
        norms = np.full(len(self.lengths), np.inf)
        if texts:
            average = self.lengths.sum() / texts
            np.add(_K1 * (1 - _B), _K1 * _B / average * self.lengths, out=norms, where=self.lengths > 0)
        words = self._words(text, texts)
        if among is not None and len(among) * _LOOKUP < len(norms):
            rows, scores = among, _scores(words, among, norms)
        else:
            if among is not None:
                everywhere, norms = norms, np.full(len(norms), np.inf)
                norms[among] = everywhere[among]
            rows, scores = _candidates(words, norms, limit)
        found = best_of(scores, limit)
        found = found[scores[found] > 0]
        return rows[found], scores[found]

    def _words(self, text: str, texts: int | np.intp) -> list[_Word]:
        """Those that stand somewhere, what is worth most first."""
        words: list[_Word] = []
        for word, times in Counter(words_of(text)).items():
            entries = self.postings.below(word, len(self.lengths))
            having = len(entries) if self.whole else np.count_nonzero(self.lengths[rows_in(entries)])
            if having:
                worth = times * (_K1 + 1) * np.log1p((texts - having + 0.5) / (having + 0.5))
                words.append(_Word(entries=entries, worth=float(worth)))
        return sorted(words, key=lambda word: -word.worth)


def _candidates(words: Sequence[_Word], norms: Values, limit: int) -> tuple[Rows, Values]:
    """Rows that may be among the best, and their scores.

    Words that most texts have are worth little: once as many rows as are wanted have more than all further words can
    give, nothing else gets there, and these are looked up for what is near alone (as MaxScore does: Turtle and Flood,
    Query Evaluation: Strategies and Optimizations, 1995).
    """
    scores = np.zeros(len(norms))
    rest = sum(word.worth for word in words)
    for number, word in enumerate(words):
        if len(word.entries) * _LOOKUP > len(scores) > limit:
            floor = floor_of_best(scores, limit) - rest
            if floor > 0:
                near = np.nonzero(scores >= floor)[0]
                if len(near) * _LOOKUP < len(word.entries):
                    return near, scores[near] + _scores(words[number:], near, norms)
        rows = rows_in(word.entries)
        scores[rows] += word.scores(word.entries, norms[rows])
        rest -= word.worth
    found = np.nonzero(scores)[0]
    return found, scores[found]


def _scores(words: Sequence[_Word], rows: Rows, norms: Values) -> Values:
    scores = np.zeros(len(rows))
    for word in words:
        scores += word.scores(entries_of(word.entries, rows), norms[rows])
    return scores


class WordIndex:
    """The words of texts, by row."""

    def __init__(self) -> None:
        self._postings: Postings[str] = Postings()
        self._lengths: Lengths = np.zeros(256, dtype=np.int32)
        self._rows = 0

    @property
    def bytes(self) -> int:
        """About what it takes of memory."""
        return self._postings.bytes + self._lengths.nbytes

    def append(self, texts: Sequence[str]) -> None:
        """Adds texts, each in the row behind the last."""
        words = [words_of(text) for text in texts]
        self._postings.append(words, self._rows)
        end = self._rows + len(texts)
        if end > len(self._lengths):
            grown = np.zeros(end + end // 2, dtype=np.int32)
            grown[: self._rows] = self._lengths[: self._rows]
            self._lengths = grown
        self._lengths[self._rows : end] = [len(one) for one in words]
        self._rows = end

    def view(self, dead: Rows) -> WordView:
        """What to ask, here or in another thread, without the rows that were taken out."""
        lengths = self._lengths[: self._rows]
        if len(dead):
            lengths = lengths.copy()
            lengths[dead] = 0
        return WordView(postings=self._postings, lengths=lengths, whole=not len(dead))

    def keep(self, kept: Rows) -> None:
        """Keeps these rows alone, in order, numbered anew."""
        self._postings = self._postings.only(kept, self._rows)
        self._lengths = self._lengths[kept]
        self._rows = len(kept)
