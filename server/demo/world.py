"""The world of the demo: troubles of software work, which remedy is right when, and who meets them. Pure, from a seed.

All chance of a demo is in here, and none of it depends on what the memory answers: with the memory and without it the
same agents meet the same troubles in the same order and would, left alone, try the same remedies in the same order.
"""

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("ana", "ben", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jade", "kim", "leo")
_REPOSITORIES = ("billing", "search", "checkout", "mailer", "gateway", "reports")
_OWNER = "acme"
_WORDINGS = ("{remedy}.", "{remedy}, nothing else helped.", "In {repository}: {remedy}.")
_REPOSITORIES_EACH = 3  # that have one sort of trouble
_MEETINGS = 4  # with each trouble at least, on average
_CHANGED = 1 / 3  # of the troubles have another remedy in the second half
_FORGOTTEN = 0.05  # of the tasks are never reported on


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """One trouble of one repository: the ways it is told, and the remedies that sound right."""

    title: str
    repository: str
    words: tuple[str, ...]
    remedies: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One agent meets one trouble.

    `guesses` are its remedies in the order in which this agent, left alone, would try them; `right` is the one that
    works at that time; `wording` is how the agent would tell a lesson. One that is `forgetful` this once never reports.
    """

    number: int
    agent: str
    trouble: Trouble
    text: str
    guesses: tuple[str, ...]
    right: str
    wording: str
    forgetful: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What happens in a demo. The `careless` agent reports success without looking; "" where there is none."""

    agents: tuple[str, ...]
    careless: str
    tasks: tuple[Task, ...]
    changed: tuple[Trouble, ...]

    @property
    def change(self) -> int:
        """The number of the first task for which other remedies are right."""
        return len(self.tasks) // 2 + 1


def make_world(*, seed: int, agents: int, tasks: int) -> World:
    """The world of a seed. Alone, an agent is careful; of several, the last is careless."""
    rng = random.Random(f"demo/{seed}")
    troubles = _troubles(rng, at_most=tasks // _MEETINGS)
    before = {trouble: rng.choice(trouble.remedies) for trouble in troubles}
    changed = tuple(rng.sample(troubles, round(len(troubles) * _CHANGED)))
    after = before | {
        trouble: rng.choice([remedy for remedy in trouble.remedies if remedy != before[trouble]]) for trouble in changed
    }
    names = NAMES[:agents]
    half = tasks // 2
    return World(
        agents=names,
        careless=names[-1] if agents > 1 else "",
        tasks=tuple(
            _task(rng, number, names, troubles, before if number <= half else after) for number in range(1, tasks + 1)
        ),
        changed=changed,
    )


def _task(
    rng: random.Random, number: int, names: Sequence[str], troubles: Sequence[Trouble], right: Mapping[Trouble, str]
) -> Task:
    trouble = rng.choice(troubles)
    return Task(
        number=number,
        agent=names[(number - 1) % len(names)],
        trouble=trouble,
        text=rng.choice(trouble.words),
        guesses=tuple(rng.sample(trouble.remedies, len(trouble.remedies))),
        right=right[trouble],
        wording=rng.choice(_WORDINGS),
        forgetful=rng.random() < _FORGOTTEN,
    )


def _troubles(rng: random.Random, *, at_most: int) -> list[Trouble]:
    sorts = tomllib.loads(Path(__file__).with_name("troubles.toml").read_text("utf-8"))["trouble"]
    troubles = [trouble for sort in sorts for trouble in _in_repositories(rng, sort)]
    return rng.sample(troubles, min(at_most, len(troubles)))


def _in_repositories(rng: random.Random, sort: Mapping[str, Any]) -> list[Trouble]:
    """One sort of trouble in several repositories, each time with other parts."""
    [(part, values)] = sort["parts"].items()
    places = zip(rng.sample(_REPOSITORIES, _REPOSITORIES_EACH), rng.sample(values, _REPOSITORIES_EACH), strict=True)
    return [_trouble(sort, repository, {part: value}) for repository, value in places]


def _trouble(sort: Mapping[str, Any], repository: str, parts: Mapping[str, str]) -> Trouble:
    def filled(text: str) -> str:
        return text.format(repository=repository, **parts)

    return Trouble(
        title=f"{repository}: {filled(sort['title'])}",
        repository=f"{_OWNER}/{repository}",
        words=tuple(map(filled, sort["words"])),
        remedies=tuple(map(filled, sort["remedies"])),
    )
