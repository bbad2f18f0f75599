"""The words of a text as the text legs know them: in lower case, without accents, stemmed.

Both legs, LanceDB's and the one in memory, have them of the same tokenizer.
"""

import re
from itertools import chain
from typing import Any

from fleetlore.storage.lance import lancedb

# Whoever changes this makes another index: tables from before keep theirs.
TOKENIZER: dict[str, Any] = {"base_tokenizer": "simple", "stem": True, "remove_stop_words": False}

# Every ASCII character but letters and digits parts words, so what lies between can be looked up by itself: a call of
# the tokenizer takes fifty times as long.
_PIECE = re.compile(r"[^\x00-/:-@\[-`{-\x7f]+")
_LONGEST_KEPT, _MOST_KEPT = 64, 32_768


class _Known(dict[str, tuple[str, ...]]):
    """The words in pieces of text that were met before."""

    def __missing__(self, piece: str) -> tuple[str, ...]:
        words = tuple(token.text for token in lancedb.tokenize(piece, **TOKENIZER))
        if len(piece) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[piece] = words
        return words


_known = _Known()


def words_of(text: str) -> list[str]:
    """The words of a text, in order, each as often as it stands there."""
    return list(chain.from_iterable(map(_known.__getitem__, _PIECE.findall(text))))
