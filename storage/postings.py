"""Which rows have what, and how often: for each key a list in the order of the rows, to which new rows are added.

A list is one array of numbers: the row above, how often below, and behind the last entry a number that no row has. So
who reads in another thread, up to the last row that he knows of, is not disturbed by what is added meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

KeyT = TypeVar("KeyT")
Entries = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]

# Rows of the smallest vectors that there is memory for fit, by half; a word that stands there more often counts so.
_COUNT_BITS = 12
_MOST_TIMES = (1 << _COUNT_BITS) - 1
_FREE = np.uint32(0xFFFF_FFFF)
# What a key costs beside its entries: its own text, its place in the table, the array around the entries.
_BYTES_OF_A_KEY = 300


def rows_in(entries: Entries) -> Rows:
    """Which rows those are."""
    return (entries >> _COUNT_BITS).astype(np.int64)


def times_in(entries: Entries) -> Entries:
    """How often each of them has it."""
    return entries & np.uint32(_MOST_TIMES)


def entries_of(entries: Entries, rows: Rows) -> Entries:
    """What stands in a list for those rows, in ascending order: `times_in` is 0 where a row is not in it."""
    places = np.searchsorted(entries, (rows << _COUNT_BITS).astype(np.uint32))
    found = entries[np.minimum(places, len(entries) - 1)]
    return np.where(found >> _COUNT_BITS == rows, found, np.uint32(0))


class Postings(Generic[KeyT]):
    """The lists of all keys."""

    def __init__(self) -> None:
        self._lists: dict[KeyT, Entries] = {}
        self.bytes = 0

    def append(self, having: Sequence[Sequence[KeyT]], first: int) -> None:
        """Adds rows behind all that are there, from that one on: of each what it has, as often as it has it."""
        found = list(chain.from_iterable(having))
        keys = {key: number for number, key in enumerate(dict.fromkeys(found))}
        if not keys:
            return
        numbers = np.fromiter(map(keys.__getitem__, found), dtype=np.int64, count=len(found))
        places = np.repeat(np.arange(len(having)), [len(one) for one in having])
        pairs, times = np.unique(numbers * len(having) + places, return_counts=True)
        rows = first + pairs % len(having)
        entries = (rows << _COUNT_BITS | np.minimum(times, _MOST_TIMES)).astype(np.uint32)
        begins = np.searchsorted(pairs, np.arange(len(keys) + 1) * len(having)).tolist()
        for key, begin, end in zip(keys, begins, begins[1:], strict=False):
            self._extend(key, entries[begin:end])

    def below(self, key: KeyT, rows: int) -> Entries:
        """The entries of a key, of the rows before that one."""
        known = self._lists.get(key)
        if known is None:
            return np.zeros(0, dtype=np.uint32)
        return known[: np.searchsorted(known, np.uint32(rows << _COUNT_BITS))]

    def only(self, kept: Rows, rows: int) -> Postings[KeyT]:
        """The same of these rows alone, in order, numbered anew; there were so many."""
        chosen: Postings[KeyT] = Postings()
        if not self._lists:
            return chosen
        numbers = np.full(rows + 1, -1, dtype=np.int64)
        numbers[kept] = np.arange(len(kept))
        everything = np.concatenate(list(self._lists.values()))
        moved = numbers[np.minimum(rows_in(everything), rows)]
        stays = moved >= 0
        renumbered = (moved[stays] << _COUNT_BITS).astype(np.uint32) | times_in(everything[stays])
        lengths = np.fromiter(map(len, self._lists.values()), dtype=np.int64, count=len(self._lists))
        ends = np.cumsum(stays)[np.cumsum(lengths) - 1]
        for key, entries in zip(self._lists, np.split(renumbered, ends[:-1]), strict=True):
            if len(entries):
                chosen._set(key, entries)
                chosen.bytes += _BYTES_OF_A_KEY
        return chosen

    def _extend(self, key: KeyT, entries: Entries) -> None:
        known = self._lists.get(key)
        if known is None:
            self._set(key, entries.copy())
            self.bytes += _BYTES_OF_A_KEY
            return
        used = int(np.searchsorted(known, _FREE))
        end = used + len(entries)
        if end > len(known):
            grown = np.full(end + end // 2, _FREE, dtype=np.uint32)
            grown[:used] = known[:used]
            self.bytes -= known.nbytes
            self._set(key, grown)
            known = grown
        known[used:end] = entries

    def _set(self, key: KeyT, entries: Entries) -> None:
        self._lists[key] = entries
        self.bytes += entries.nbytes
