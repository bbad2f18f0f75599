"""What do malicious agents cost by the evidence rule alone? The attacks of poison.py on Banking77, without a server."""

from __future__ import annotations

import library_environment  # noqa: F401

# isort: split
import argparse
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from pathlib import Path

from accuracy import Spread
from arms import agent_names
from attacks import ATTACKS, Act, Attack, IntentLies, plan
from command_line import names, numbers, parser, positive, run_async
from intents import Classes, Step, intents, read_utterances, stream
from legs_of_stream import Neighbours, neighbours_of
from report import print_table, progress_bar, write_json
from rule_alone import SHOWN

from fleetlore.kmu import evidence
from fleetlore.kmu.constants import CONSTANTS
from fleetlore.kmu.evidence import Neighbour, Weighing
from fleetlore.kmu.reliability import counts, slip_after, slip_of_newcomer
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import NO_EXPERIENCE, Experience

DATA = """\
The data folder holds train.csv and test.csv of Banking77, as for fleet_stream.py. As in constants.py, neighbours come
from the real legs of a LanceDB table, everything else from the rule's own functions.
"""


@dataclass(kw_only=True, slots=True)
class Item:
    lesson: str
    author: str
    trust: float
    poisoned: bool


@dataclass(kw_only=True, slots=True)
class Replay:
    """What a ledger would keep, by the place in the stream at which an item came."""

    near: Sequence[Neighbours]
    attack: Attack
    items: dict[int, Item] = field(default_factory=dict)
    slips: dict[str, float] = field(default_factory=dict)
    blames: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    said: dict[tuple[str, int, bool], int] = field(default_factory=lambda: defaultdict(int))
    experience: Experience = NO_EXPERIENCE

    def task(self, place: int, act: Act, *, again: bool = False) -> bool:
        """Let an agent answer a task and report on it; tells whether the answer was right.

        `again`: it asks what was reported on at this place before.
        """
        step = act.lie or act.task
        assert isinstance(step, Step)
        found = [(other, relevance) for other, relevance in self.near[place] if other in self.items]
        neighbours = self._neighbours(step, act.name, [*found, (place, 1.0)] if again else found)
        shown, answer = self._answer(neighbours)
        slip = self.slips.setdefault(act.name, slip_of_newcomer([*self.slips.values()][-CONSTANTS.newcomers :]))
        ours = {item for item in shown if self.items[item].poisoned or self.items[item].lesson == step.revealed}
        marked = set(shown) if act.lie is not None and self.attack.marks else set()
        weighing = evidence.weigh(
            step.revealed,
            {ItemId(str(item)): neighbour for item, neighbour in neighbours.items()},
            slip=slip,
            outcome="success",
            exclusive=True,
            named={ItemId(str(item)) for item in marked},
            experience=self.experience,
        )
        for changed, trust in weighing.trusts.items():
            self.items[int(changed)].trust = trust
        for item in marked:
            self._mark(item, neighbours[item], act.name, weighing, helpful=item in ours)
        self.slips[act.name] = slip_after(slip, weighing.borne_out)
        dying = {self.items[item].lesson for item in marked - ours} if marked else {answer} - {"", step.revealed}
        lives = {self.items[item].lesson for item in marked & ours}
        if weighing.credit >= evidence.CREDIBLE:
            lives.add(step.revealed)
        self._judge(dying - lives if counts(slip) else set(), lives, act.name, weighing.experience)
        if not again:
            self.items[place] = Item(
                lesson=step.revealed, author=act.name, trust=weighing.credit, poisoned=act.lie is not None
            )
        return act.task.hit((answer,))

    def _neighbours(self, step: Step, name: str, found: Neighbours) -> dict[int, Neighbour]:
        return {
            place: Neighbour(
                relevance=relevance,
                trust=(item := self.items[place]).trust,
                lesson=item.lesson,
                others=item.author != name,
                contradicts=item.lesson != step.revealed,
                living=evidence.living(len(self.blames[item.lesson]), self.experience),
            )
            for place, relevance in found
        }

    def _answer(self, neighbours: dict[int, Neighbour]) -> tuple[list[int], str]:
        """Return the items shown, and the lesson with the largest sum of scores."""
        weight = evidence.weight_of_evidence(self.experience)
        shares = evidence.shares_of([(n.lesson, n.relevance, n.belief) for n in neighbours.values()], weight)
        leading = max(shares.values(), default=1.0)
        scores = {
            place: evidence.score(n.relevance, n.belief, shares[n.lesson] / leading, weight)
            for place, n in neighbours.items()
        }
        shown = nlargest(SHOWN, scores, key=lambda place: (scores[place], -place))
        votes: dict[str, float] = defaultdict(float)
        for place in shown:
            votes[neighbours[place].lesson] += scores[place]
        return shown, max(votes, key=votes.__getitem__, default="")

    def _mark(self, place: int, neighbour: Neighbour, name: str, weighing: Weighing, *, helpful: bool) -> None:
        """Book what an attacker calls helpful or harmful; said again, it counts for less."""
        times = self.said[name, place, helpful]
        self.said[name, place, helpful] += 1
        if not helpful:
            self.items[place].trust = evidence.failed(
                neighbour.trust,
                neighbour.relevance / max(1, times - 1),
                weighing.shares[neighbour.lesson],
                weighing.credit * weighing.reliability,
                weighing.confirmation,
            )
        elif neighbour.others:
            relevance = neighbour.relevance / (1 + times)
            self.items[place].trust = evidence.confirmed(neighbour.trust, relevance, weighing.confirmation)

    def _judge(self, dying: set[str], lives: set[str], name: str, experience: Experience) -> None:
        new = [lesson for lesson in dying if name not in self.blames[lesson]]
        for lesson in new:
            self.blames[lesson].add(name)
        revived = sum(len(self.blames[lesson]) for lesson in lives)
        for lesson in lives:
            self.blames[lesson].clear()
        self.experience = replace(experience, blamed=experience.blamed + len(new), revived=experience.revived + revived)


def replay(acts: Sequence[tuple[int, Act]], near: Sequence[Neighbours], attack: Attack, seed: int) -> list[bool]:
    """Go through a plan; return which answers of honest agents were right."""
    rng = random.Random(f"echoes/{seed}")
    memory = Replay(near=near, attack=attack)
    lies: list[tuple[int, Act]] = []
    hits = []
    for place, act in acts:
        right = memory.task(place, act)
        if not act.malicious:
            hits.append(right)
        if act.lie is not None:
            lies.append((place, act))
            for past, lie in rng.choices(lies, k=attack.echoes):
                memory.task(past, replace(lie, name=act.name), again=True)
    return hits


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    pool = read_utterances(options.data, Classes.ALL)
    agents = agent_names(8)
    lost: dict[str, dict[int, list[float]]] = {name: defaultdict(list) for name in options.attacks}
    with progress_bar() as progress:
        for seed in options.seeds:
            steps = stream(pool, agents=agents, tasks=options.tasks, wordings=1, seed=seed)
            near = await neighbours_of(steps, progress)
            bar = progress.add_task(f"seed {seed}", total=len(options.attackers) * (1 + len(options.attacks)))
            for count in options.attackers:
                never = 0.0
                for name in ("", *options.attacks):
                    attack = ATTACKS.get(name, Attack(name=""))
                    lies = IntentLies(intents(pool), seed)
                    every = plan(steps, lies, attack, agents=agents, attackers=count, seed=seed)
                    acts = [(place, act) for place, act in enumerate(every) if name or not act.malicious]
                    right = sum(replay(acts, near, attack, seed)[-options.last :]) / options.last
                    if name:
                        lost[name][count].append(never - right)
                    never = never if name else right
                    progress.advance(bar)
    rows = [
        (name, *(f"{Spread.of(by_count[count]).mean:.3f}" for count in options.attackers))
        for name, by_count in lost.items()
    ]
    header = ("attack", *(f"{count} of 8" for count in options.attackers))
    print_table(f"Accuracy that honest agents lose over their last {options.last} tasks", header, rows)
    write_json(
        options.json,
        benchmark="poison_alone",
        settings={name: value for name, value in vars(options).items() if name not in ("data", "json")},
        results=lost,
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__ or "", DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with Banking77's train.csv and test.csv")
    made.add_argument("--tasks", type=positive, default=4000, help="length of the stream (default: %(default)s)")
    made.add_argument("--last", type=positive, default=500, help="honest tasks that count (default: %(default)s)")
    made.add_argument("--attacks", type=names(ATTACKS), default=tuple(ATTACKS), help="comma-separated")
    made.add_argument("--attackers", type=numbers, default=(1, 2, 4), help="of eight agents (default: 1,2,4)")
    made.add_argument("--seeds", type=numbers, default=(0, 1), help="comma-separated (default: 0,1)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
