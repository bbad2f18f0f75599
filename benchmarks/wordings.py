"""Ten ways to state the same lesson about an intent: a fleet's agents do not agree on a form.

A memory sees the words only. The agents of the benchmark read any of the wordings back to the intent.
"""

from __future__ import annotations

import re
from functools import cache

# {intent} is the name as it stands in the data, {words} the same with spaces, {dashed} with dashes.
WORDINGS = (
    "intent: {intent}",
    "This customer asks about {words}.",
    "Route it to the team for {words}",
    "category = {dashed}",
    "The right answer was {words}, as the desk told me afterwards.",
    "File messages like this one under “{words}”.",
    "What the person means here is {words}.",
    "Do not guess anything else: it belongs to {words}.",
    "Label such a question {intent}, the reviewer said.",
    "{words} is what they want to talk about",
)
COUNTS = (1, 3, len(WORDINGS))
"""How many wordings a fleet may use: always the first so many."""


def state(intent: str, wording: int) -> str:
    """State the lesson in one of the wordings."""
    return WORDINGS[wording].format(intent=intent, words=intent.replace("_", " "), dashed=intent.replace("_", "-"))


@cache
def meaning(insight: str) -> str | None:
    """Return the intent that an insight names, in whichever wording; None for any other sentence."""
    for pattern in PATTERNS:
        if found := pattern.fullmatch(insight):
            return found["intent"].replace(" ", "_").replace("-", "_")
    return None


def pattern(wording: str) -> re.Pattern[str]:
    before, after = re.split(r"\{\w+\}", wording)
    return re.compile(f"{re.escape(before)}(?P<intent>.+){re.escape(after)}")


PATTERNS = tuple(pattern(wording) for wording in WORDINGS)
