"""What the doctor finds: one sentence a subject, and, where it is not well, the remedy."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One subject, how it is, what was seen, and what to do (empty where nothing is to be done)."""

    subject: str
    state: State
    seen: str
    remedy: str = ""


def well(subject: str, seen: str) -> Finding:
    """All is as it should be."""
    return Finding(subject=subject, state="ok", seen=seen)


def warning(subject: str, seen: str, remedy: str) -> Finding:
    """It works, but could go better."""
    return Finding(subject=subject, state="warning", seen=seen, remedy=remedy)


def failure(subject: str, seen: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(subject=subject, state="failure", seen=seen, remedy=remedy)
