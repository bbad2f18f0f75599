"""The feedback agents of a composite learning unit (Radha & Goktas, arXiv 2410.08037, section 3), by rules.

The comparison agent settles the outcome, the positive or the negative feedback agent explains it, the
knowledge-insight agent takes the lesson that was stated. Rules never invent a lesson: where none was stated, only
evidence changes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fleetlore.kmu.comparison import Comparison, Match, compare, describe
from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import Kind, Outcome

_AVOIDING = re.compile(r"\b(never|avoid|do\s+not|don[’']t|must\s+not|mustn[’']t)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What the agents made of a report: its outcome, and why, in sentences."""

    outcome: Outcome
    sentences: tuple[str, ...]


def judge(stated: Outcome | Literal["auto"], output: str, expected: str) -> tuple[Outcome, Comparison | None]:
    """The comparison agent: the outcome as stated, or else as the output compares with what was expected."""
    comparison = compare(output, expected) if output and expected else None
    if stated != "auto":
        return stated, comparison
    if comparison is None:
        raise Refusal(
            "outcome",
            "'auto' compares output with expected, and one of them is missing",
            "Send both, or say success, failure or observation",
        )
    return ("success" if isinstance(comparison, Match) else "failure"), comparison


def explain(
    outcome: Outcome, comparison: Comparison | None, *, helpful: Sequence[str], harmful: Sequence[str], reasoning: str
) -> tuple[str, ...]:
    """The positive and the negative feedback agent: what was followed, what the difference is, the reasoning given."""
    sentences = []
    if helpful:
        sentences.append(f"Followed {', '.join(helpful)}, which helped.")
    if harmful:
        sentences.append(f"Was misled by {', '.join(harmful)}.")
    if comparison is not None:
        sentences.append(describe(comparison))
        if isinstance(comparison, Match) == (outcome == "failure"):
            sentences.append(f"The agent reports {outcome} all the same.")
    if reasoning:
        sentences.append(reasoning)
    return tuple(sentences)


def assess(
    stated: Outcome | Literal["auto"],
    *,
    output: str,
    expected: str,
    helpful: Sequence[str],
    harmful: Sequence[str],
    reasoning: str,
) -> Assessment:
    """All three in turn."""
    outcome, comparison = judge(stated, output, expected)
    sentences = explain(outcome, comparison, helpful=helpful, harmful=harmful, reasoning=reasoning)
    return Assessment(outcome=outcome, sentences=sentences)


def kind_of(insight: str, stated: Kind | Literal["auto"], outcome: Outcome) -> Kind:
    """The kind as stated; else `avoid` where the insight itself says so, `fact` for what was observed, or `do`."""
    if stated != "auto":
        return stated
    if _AVOIDING.search(insight):
        return "avoid"
    return "fact" if outcome == "observation" else "do"
