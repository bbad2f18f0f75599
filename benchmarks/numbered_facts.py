"""Numbered facts made from a seed: "The pool size of billing-api is 40". Many share a setting or a service."""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from itertools import product

from lessons import WORDS

QUESTIONS = (
    "Set up {service}: I need its {setting}",
    "What is the {setting} of {service}?",
    "Check the {setting} of {service} before the deploy",
)
LARGEST = 999


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    service: str
    setting: str
    question: str

    @property
    def condition(self) -> str:
        return f"{self.service} in production"

    def statement(self, number: int) -> str:
        return f"The {self.setting} of {self.service} is {number}."

    def number(self, insight: str) -> int | None:
        """Return the number that an insight gives; None where it is about something else."""
        found = re.fullmatch(rf"The {re.escape(self.setting)} of {re.escape(self.service)} is (\d+)\.", insight)
        return int(found[1]) if found else None


def numbered_facts(count: int, seed: int) -> tuple[Fact, ...]:
    """Draw distinct facts."""
    rng = random.Random(f"facts/{seed}")
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    named = list(product(words["domains"], words["roles"], words["settings"]))
    return tuple(
        made(f"{domain}-{role}", name.lower().replace("_", " "), rng.choice(QUESTIONS))
        for domain, role, name in rng.sample(named, count)
    )


def made(service: str, setting: str, question: str) -> Fact:
    return Fact(service=service, setting=setting, question=question.format(service=service, setting=setting))


def another(rng: random.Random, number: int = 0) -> int:
    """Draw a number that is not this one."""
    drawn = rng.randint(1, LARGEST - 1)
    return drawn + (drawn >= number > 0)
