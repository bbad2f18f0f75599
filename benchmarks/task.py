"""What a stream consists of: tasks that an agent answers from what a memory shows it, and reports on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from memory import Feedback, Retrieval

Claim = tuple[str, ...]
"""What an item says, as the benchmark understands it: an intent of an utterance's class, or a path."""

Answer = tuple[str, ...]
"""What an agent answers, best guess first; empty: it says nothing."""


class Task(Protocol):
    """One task for one agent, and the world as it is when the agent goes to work."""

    @property
    def agent(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def project(self) -> str: ...

    def answer(self, shown: Retrieval) -> Answer: ...

    def hit(self, answer: Answer) -> bool: ...

    def feedback(self, shown: Retrieval, answer: Answer) -> Sequence[Feedback]:
        """Return what a diligent agent reports after it was told how it went, all on the one receipt."""

    def claim(self, insight: str) -> Claim:
        """Return what an insight reported on this task says."""

    def right(self, claim: Claim) -> bool:
        """Tell whether a claim, of whichever task before, holds now."""
