"""What malicious agents do to a fleet's memory: a stream of honest tasks becomes a plan of who says what.

Pure. The honest agents meet the same tasks in every attack, and under none: only what the attackers say differs.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from commits import Commit
from commits import Step as CommitStep
from intents import Step as IntentStep
from task import Task

TRIGGERS = 0.1
"""Which share of the classes, or of the commits, at least, sets off an attack that waits for a trigger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """How attackers behave. Those of one fleet know each other."""

    name: str
    agreed: bool = False
    """All tell the same lie of the same thing, and so bear each other out; otherwise each draws its own."""
    marks: bool = True
    """They call what one of them said helpful and everything else harmful, and report a success each time. Otherwise
    they report like honest agents who believe what they say."""
    honest_first: int = 0
    """For so many tasks of the stream they are like everybody else."""
    tasks_a_name: int = 0
    """After so many tasks each takes a new name (0: never)."""
    triggered: bool = False
    """They lie only where the trigger is, and are right everywhere else."""
    echoes: int = 0
    """After each lie, so many times they ask once more what was lied about before, and report that it was right."""


ATTACKS: Mapping[str, Attack] = {
    attack.name: attack
    for attack in (
        Attack(name="loud"),
        Attack(name="slow-burn", honest_first=500),
        Attack(name="many-names", tasks_a_name=15),
        Attack(name="trigger", agreed=True, marks=False, triggered=True),
        Attack(name="echo", agreed=True, echoes=3),
    )
}


class Lies(Protocol):
    """What can be said that is wrong, in one stream."""

    def random(self, task: Task, rng: random.Random) -> Task:
        """Return the task as somebody tells it who draws something wrong."""

    def agreed(self, task: Task) -> Task:
        """Return the task as everybody tells it who has agreed on a lie."""

    def triggered(self, task: Task) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """One task of the plan: who has it, under which name, and as what he tells it if he lies."""

    task: Task
    name: str
    malicious: bool = False
    lie: Task | None = None
    triggered: bool = False


def plan(
    tasks: Sequence[Task], lies: Lies, attack: Attack, *, agents: Sequence[str], attackers: int, seed: int
) -> tuple[Act, ...]:
    """Hand the last so many of the agents over to the attack."""
    rng = random.Random(f"attack/{seed}")
    malicious = frozenset(agents[len(agents) - attackers :])
    had = dict.fromkeys(malicious, 0)
    acts = []
    for place, task in enumerate(tasks):
        triggered = lies.triggered(task)
        if task.agent not in malicious:
            acts.append(Act(task=task, name=task.agent, triggered=triggered))
            continue
        name = f"{task.agent}-{had[task.agent] // attack.tasks_a_name}" if attack.tasks_a_name else task.agent
        had[task.agent] += 1
        # Drawn in any case, so that a lie depends on its task's place alone.
        told = lies.agreed(task) if attack.agreed else lies.random(task, rng)
        lying = place >= attack.honest_first and (triggered or not attack.triggered)
        acts.append(Act(task=task, name=name, malicious=True, lie=told if lying else None, triggered=triggered))
    return tuple(acts)


def without_attackers(acts: Sequence[Act]) -> tuple[Act, ...]:
    """The same plan as if they had never been there."""
    return tuple(act for act in acts if not act.malicious)


def reformed(acts: Sequence[Act]) -> tuple[Act, ...]:
    """The same plan if they had been honest."""
    return tuple(replace(act, name=act.task.agent, lie=None) for act in acts)


class IntentLies:
    """Wrong names of classes. The trigger is a tenth of the classes."""

    def __init__(self, names: Sequence[str], seed: int) -> None:
        rng = random.Random(f"lies/{seed}")
        cycle = rng.sample(names, len(names))
        self._names = names
        self._instead = dict(zip(cycle, cycle[1:] + cycle[:1], strict=True))
        self._triggers = frozenset(rng.sample(names, round(len(names) * TRIGGERS)))

    def random(self, task: Task, rng: random.Random) -> Task:
        step = _intent(task)
        return replace(step, revealed=rng.choice([name for name in self._names if name != step.intent]))

    def agreed(self, task: Task) -> Task:
        step = _intent(task)
        return replace(step, revealed=self._instead[step.intent])

    def triggered(self, task: Task) -> bool:
        return _intent(task).origin in self._triggers


class PathLies:
    """Paths that exist and were not touched. The trigger is a folder that about a tenth of the commits touch."""

    def __init__(self, commits: Sequence[Commit], seed: int) -> None:
        self._seed = seed
        folders: dict[str, int] = {}
        for commit in commits:
            for folder in {path.rpartition("/")[0] for path in commit.touched} - {""}:
                folders[folder] = folders.get(folder, 0) + 1
        wanted = TRIGGERS * len(commits)
        self._folder = min(folders, key=lambda folder: (abs(folders[folder] - wanted), folder))

    def random(self, task: Task, rng: random.Random) -> Task:
        step = _commit(task)
        return replace(step, touched=(rng.choice(sorted(step.tree.difference(step.touched))),))

    def agreed(self, task: Task) -> Task:
        """Of each first file another one is told, and the same one for as long as it exists."""
        step = _commit(task)
        said = step.touched[0]

        def rank(path: str) -> bytes:
            return hashlib.sha256(f"{self._seed}/{said}/{path}".encode()).digest()

        return replace(step, touched=(min(step.tree.difference(step.touched), key=rank),))

    def triggered(self, task: Task) -> bool:
        return any(path.rpartition("/")[0] == self._folder for path in _commit(task).touched)


def _intent(task: Task) -> IntentStep:
    assert isinstance(task, IntentStep)
    return task


def _commit(task: Task) -> CommitStep:
    assert isinstance(task, CommitStep)
    return task
