"""Technical lessons made from a seed, full of look-alikes: codes that differ in one digit, the same tool in another
version, the same folder with another file.

Each lesson comes with two questions. The *exact* one quotes its code, command or path in another sentence. The
*paraphrase* describes the trouble in other words, with at most a partial cue (the component, a version).
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = Path(__file__).with_name("lessons.toml")
LOOK_ALIKES = 3
PATIENCE = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    insight: str
    applies_when: str
    exact: str
    paraphrase: str

    @property
    def text(self) -> str:
        """What a search over the bare lessons would index."""
        return f"{self.applies_when}\n{self.insight}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Look-alikes of one component: cues that differ in a detail, and what a paraphrase may keep of each."""

    place: str
    spoken: str
    cues: tuple[str, ...]
    hints: tuple[str, ...]


class TooMany(ValueError):
    """The words do not make so many lessons that can still be told apart."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} lessons are more than the words in {WORDS.name} can tell apart")


def lessons(count: int, seed: int) -> tuple[Lesson, ...]:
    """Make distinct lessons; the same seed makes the same ones, and a smaller count a prefix of a larger."""
    rng = random.Random(f"lessons/{seed}")
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    families = {family["name"]: family for family in words["family"]}
    made: list[Lesson] = []
    taken: set[tuple[str, ...]] = set()
    for _ in range(PATIENCE + count):
        for name, cluster in CLUSTERS.items():
            made += family_lessons(rng, families[name], words, cluster(rng, words), taken)
        if len(made) >= count:
            # A cluster's look-alikes stay together; the order says nothing else.
            return tuple(made[:count])
    raise TooMany(count)


def family_lessons(
    rng: random.Random,
    family: Mapping[str, Any],
    words: Mapping[str, Any],
    cluster: Cluster,
    taken: set[tuple[str, ...]],
) -> Iterator[Lesson]:
    """Yield a lesson per cue of a cluster, each with a trouble of its own, unless cue or paraphrase are taken."""
    troubles = rng.sample(family["trouble"], len(cluster.cues))
    for cue, hint, trouble in zip(cluster.cues, cluster.hints, troubles, strict=True):
        moment, about = rng.choice(words["moments"])
        slots = {"cue": cue, "hint": hint, "place": cluster.place, "spoken": cluster.spoken}
        slots |= {"moment": moment, "about": about, "value": rng.choice(words["values"])}
        slots |= {part: trouble[part].format_map(slots) for part in ("cause", "remedy", "symptom")}
        # An exact question must have one answer, and so must a description of the trouble in its component.
        keys = {("cue", cue, hint), ("symptom", cluster.place, hint, trouble["symptom"])}
        exact, paraphrase = rng.choice(family["exact"]), rng.choice(family["paraphrase"])
        if keys & taken:
            continue
        taken |= keys
        yield Lesson(
            insight=family["insight"].format_map(slots),
            applies_when=family["applies_when"].format_map(slots),
            exact=exact.format_map(slots),
            paraphrase=paraphrase.format_map(slots),
        )


def service(rng: random.Random, words: Mapping[str, Any]) -> tuple[str, str, str]:
    """Draw a domain and a component of it: its domain, its name, and how a colleague says it."""
    domain, role = rng.choice(words["domains"]), rng.choice(words["roles"])
    return domain, f"{domain}-{role}", f"the {role} of {domain}"


def plain(place: str, spoken: str, cues: list[str]) -> Cluster:
    return Cluster(place=place, spoken=spoken, cues=tuple(cues), hints=("",) * len(cues))


def error_codes(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """`BILL-4127`, `BILL-4137`, `BILL-4187`: one digit differs."""
    domain, place, spoken = service(rng, words)
    digits = rng.choices("123456789", k=4)
    position = rng.randrange(4)
    cues = []
    for digit in rng.sample("123456789", LOOK_ALIKES):
        digits[position] = digit
        cues.append(f"{domain[:4].upper()}-{''.join(digits)}")
    return plain(place, spoken, cues)


def commands(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """The same command line under patch versions of one tool."""
    tool = rng.choice(words["tools"])
    cue = f"{tool} {rng.choice(words['subcommands'])} {rng.choice(words['flags'])}={rng.choice(words['values'])}"
    release = f"{rng.randint(0, 7)}.{rng.randint(0, 24)}"
    hints = tuple(f"{release}.{patch}" for patch in rng.sample(range(10), LOOK_ALIKES))
    return Cluster(place=tool, spoken=tool, cues=(cue,) * LOOK_ALIKES, hints=hints)


def paths(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """Files of one folder."""
    _, place, spoken = service(rng, words)
    folder = f"{place}/{rng.choice(('config', 'deploy', 'etc'))}"
    names = rng.sample(words["topics"], LOOK_ALIKES)
    return plain(place, spoken, [f"{folder}/{name}.{rng.choice(('yaml', 'toml', 'ini'))}" for name in names])


def packages(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """Patch releases of one dependency. A paraphrase names the dependency and not its version."""
    _, place, spoken = service(rng, words)
    name = rng.choice(words["packages"])
    release = f"{name}=={rng.randint(0, 9)}.{rng.randint(0, 30)}"
    cues = tuple(f"{release}.{patch}" for patch in rng.sample(range(10), LOOK_ALIKES))
    return Cluster(place=place, spoken=spoken, cues=cues, hints=(name,) * LOOK_ALIKES)


def tests(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """Cases of one test file."""
    domain, place, spoken = service(rng, words)
    file = f"tests/{domain}/{place.removeprefix(domain + '-')}/test_{rng.choice(words['topics'])}.py"
    return plain(place, spoken, [f"{file}::test_{case}" for case in rng.sample(words["cases"], LOOK_ALIKES)])


def settings(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """Environment variables of one component."""
    _, place, spoken = service(rng, words)
    prefix = place.replace("-", "_").upper()
    return plain(place, spoken, [f"{prefix}_{name}" for name in rng.sample(words["settings"], LOOK_ALIKES)])


def migrations(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """Neighbouring steps of one schema's history."""
    _, place, spoken = service(rng, words)
    first = rng.randint(10, 9990)
    changes = rng.sample(words["changes"], LOOK_ALIKES)
    cues = [f"{place}/migrations/{first + step:04}_{change}.sql" for step, change in enumerate(changes)]
    return plain(place, spoken, cues)


def jobs(rng: random.Random, words: Mapping[str, Any]) -> Cluster:
    """Numbered shards of one batch job."""
    domain, place, spoken = service(rng, words)
    name = f"{domain}-{rng.choice(words['nouns'])}"
    return plain(place, spoken, [f"{name}-{number:03}" for number in rng.sample(range(1000), LOOK_ALIKES)])


CLUSTERS: Mapping[str, Callable[[random.Random, Mapping[str, Any]], Cluster]] = {
    "error_code": error_codes,
    "command": commands,
    "path": paths,
    "package": packages,
    "test": tests,
    "setting": settings,
    "migration": migrations,
    "job": jobs,
}
