"""Which utterances look alike though they mean something else, as the server's offline embedder sees them."""

from __future__ import annotations

import library_environment  # noqa: F401

# isort: split
from collections.abc import Iterator, Sequence

import numpy as np
from intents import Utterance, intents

from fleetlore.storage.embedding import load_embedder

EMBEDDER = "wordllama-256"
CHUNK = 512


def labels_nearby(asked: Sequence[Utterance], pool: Sequence[Utterance], count: int) -> Iterator[tuple[str, ...]]:
    """Yield, for each utterance, the intents of the `count` nearest of the pool (by cosine) that have another one."""
    embedder = load_embedder(EMBEDDER)
    names = intents(pool)
    labels = np.array([names.index(utterance.intent) for utterance in pool])
    vectors = embedder.embed([utterance.text for utterance in pool])
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        cosines = embedder.embed([utterance.text for utterance in chunk]) @ vectors.T
        own = np.array([names.index(utterance.intent) for utterance in chunk])
        cosines[own[:, None] == labels[None, :]] = -np.inf
        nearest = np.argpartition(-cosines, count, axis=1)[:, :count]
        for row in labels[nearest]:
            yield tuple(names[label] for label in sorted(row))
