"""Embedding: text to unit vectors, offline.

The default is wordllama (static embeddings, truncated as in Matryoshka representation learning), whose weights come in
its wheel: no download, no GPU, about 0.15 ms a text.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import wordllama

from fleetlore.storage.embedders import EMBEDDERS

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors.

    `name` identifies model and dimension for good: data made under one name is never searched under another.
    `embed` returns float32 of shape (len(texts), dimension) with rows of length 1 (a row of zeros where a text has no
    token the model knows), the same for the same text in every process.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def dimension(self) -> int: ...  # noqa: D102

    def embed(self, texts: Sequence[str]) -> Vectors: ...  # noqa: D102


class WordLlamaEmbedder:
    """The offline default. `dimension` is one of 256, 128 and 64."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.name = f"wordllama-{dimension}"
        # The wheel keeps the weights beside the module; the library's own default is a folder that it lacks.
        self._model: Any = wordllama.WordLlama.load(
            dim=256, trunc_dim=dimension, cache_dir=Path(wordllama.__file__).parent, disable_download=True
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return unit(np.asarray(self._model.embed(list(texts), norm=False), dtype=np.float32))


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros (or of no numbers at all) becomes a row of zeros."""
    finite = np.nan_to_num(vectors)
    length = np.linalg.norm(finite, axis=1, keepdims=True)
    scaled: Vectors = np.divide(finite, length, out=np.zeros_like(finite), where=length > 0)
    return scaled


@cache
def load_embedder(name: str) -> Embedder:
    """The embedder of that name, one of `EMBEDDERS`."""
    return WordLlamaEmbedder(EMBEDDERS[name])
