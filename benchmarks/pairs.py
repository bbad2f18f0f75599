"""SICK: pairs of sentences, each with a relatedness from 1 to 5 and a label, as two agents' words for lessons."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

LABELS = ("ENTAILMENT", "NEUTRAL", "CONTRADICTION")
NEAR = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    number: int
    one: str
    other: str
    relatedness: float
    label: str

    @property
    def equivalent(self) -> bool:
        """Whether the two should be one lesson."""
        return self.label == "ENTAILMENT" and self.relatedness >= NEAR

    @property
    def near(self) -> bool:
        """Whether one of the two may be shown for both."""
        return self.label != "CONTRADICTION" and self.relatedness >= NEAR

    @property
    def contradictory(self) -> bool:
        return self.label == "CONTRADICTION"


def read_parts(folder: Path) -> dict[str, tuple[Pair, ...]]:
    """Read the half of the training part that thresholds were tuned on, the half they were not, and the trial part."""
    train, trial = (read_pairs(folder / f"SICK_{part}.txt") for part in ("train", "trial"))
    return {"train, tuned half": train[::2], "train, other half": train[1::2], "trial": trial}


def read_pairs(file: Path) -> tuple[Pair, ...]:
    with file.open(newline="", encoding="utf-8") as lines:
        return tuple(
            Pair(
                number=int(row["pair_ID"]),
                one=row["sentence_A"],
                other=row["sentence_B"],
                relatedness=float(row["relatedness_score"]),
                label=row["entailment_judgment"],
            )
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        )
