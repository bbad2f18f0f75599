"""A fleet with attackers in it goes through one stream: what honest agents answer, and what they follow."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from accuracy import Cell, Run
from attacks import Act, Attack
from calibration import Calibration
from connection import Transport, connect
from memory import Feedback, FleetloreMemory, Retrieval
from playing import SHOWN
from task import Answer, Claim

from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName

EVERY = 50
"""Tasks between two looks at the slip rates."""
TRUSTED = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Poisoning:
    """What the honest agents and the attackers said. `poisoned` are the items that a lie brought."""

    says: dict[str, Claim] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)

    def followed(self, act: Act, shown: Retrieval, answer: Answer) -> bool:
        """Tell whether something wrong in an answer has most of its votes from poisoned items."""
        for said in answer:
            if act.task.hit((said,)):
                continue
            votes = {item.id: item.score for item in shown.items if self.says[item.id][-1] == said}
            bad = sum(score for item, score in votes.items() if item in self.poisoned)
            if bad > sum(votes.values()) / 2:
                return True
        return False

    def share(self, shown: Retrieval) -> float:
        """Return the share of all votes that poisoned items have."""
        votes = sum(item.score for item in shown.items)
        return sum(item.score for item in shown.items if item.id in self.poisoned) / votes if votes else 0.0

    def note(self, act: Act, lied: bool, items: Iterable[str], insight: str) -> None:
        """Hear of the items that a report made or backed: whoever stated one first settled what it says."""
        for item in items:
            if item not in self.says:
                self.says[item] = act.task.claim(insight)
                if lied:
                    self.poisoned.add(item)

    def lying(self, act: Act, attack: Attack, shown: Retrieval) -> list[Feedback]:
        """Return what an attacker reports."""
        assert act.lie is not None
        believed = act.lie.feedback(shown, act.lie.answer(shown))
        if not attack.marks:
            return [replace(one, agent=act.name) for one in believed]
        ours = {one for report in believed for one in report.helpful}
        ours |= {item.id for item in shown.items if item.id in self.poisoned}
        helpful = tuple(item.id for item in shown.items if item.id in ours)
        harmful = tuple(item.id for item in shown.items if item.id not in ours)
        return [replace(one, agent=act.name, outcome="success", helpful=helpful, harmful=harmful) for one in believed]


async def play(cell: Cell, acts: Sequence[Act], attack: Attack, transport: Transport, *, learning: bool) -> Run:
    """Let a fleet go through a plan; the hits of the run are those of the honest agents' tasks alone."""
    rng = random.Random(f"echoes/{cell.seed}")
    told = Poisoning()
    lies: list[Act] = []
    hits: list[bool] = []
    followed: list[bool] = []
    shares: list[float] = []
    slips: list[dict[str, float]] = []
    liars = {act.name for act in acts if act.malicious}
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "fleet"
        async with connect(transport, data, learning=learning) as connection:
            memory = FleetloreMemory(connection=connection)
            started = time.perf_counter()
            for place, act in enumerate(acts):
                shown = await memory.retrieve(act.task.text, limit=SHOWN, agent=act.name, project=act.task.project)
                if act.lie is not None:
                    lies.append(act)
                    await _report(memory, told, act, told.lying(act, attack, shown), lied=True)
                    for past in rng.choices(lies, k=attack.echoes):
                        echo = replace(past, name=act.name)
                        again = await memory.retrieve(
                            past.task.text, limit=SHOWN, agent=act.name, project=past.task.project
                        )
                        await _report(memory, told, echo, told.lying(echo, attack, again), lied=True)
                else:
                    answer = act.task.answer(shown)
                    if not act.malicious:
                        hits.append(act.task.hit(answer))
                        followed.append(told.followed(act, shown, answer))
                        shares.append(told.share(shown))
                    reports = [replace(one, agent=act.name) for one in act.task.feedback(shown, answer)]
                    await _report(memory, told, act, reports, lied=False)
                if place % EVERY == EVERY - 1:
                    slips.append(await slip_rates(data, {act.name for act in acts[: place + 1]}))
            seconds = time.perf_counter() - started
        trusts = await trusts_of(data, told.says)
    last = acts[-1].task
    honest = [item for item, claim in told.says.items() if item not in told.poisoned and last.right(claim)]
    first = next((place for place, act in enumerate(acts) if act.lie is not None), None)
    return Run(
        cell=cell,
        seconds=seconds,
        hits=tuple(hits),
        calibration=Calibration.of([]),
        kept=Calibration.of([]),
        decisions=dict(memory.decisions),
        measured={
            "followed": "".join("1" if one else "0" for one in followed),
            "triggered": "".join("1" if act.triggered else "0" for act in acts if not act.malicious),
            "shares": [round(share, 3) for share in shares],
            "first_lie": first,
            "first_lie_honest": None if first is None else sum(not act.malicious for act in acts[:first]),
            "slip_of_attackers": [_mean([slip[name] for name in slip if name in liars]) for slip in slips],
            "slip_of_honest": [_mean([slip[name] for name in slip if name not in liars]) for slip in slips],
            "poison_trusted": _trusted(trusts, told.poisoned),
            "honest_trusted": _trusted(trusts, honest),
        },
    )


async def _report(
    memory: FleetloreMemory, told: Poisoning, act: Act, reports: Sequence[Feedback], *, lied: bool
) -> None:
    for report in reports:
        told.note(act, lied, await memory.report(report), report.insight)


async def slip_rates(data: Path, names: Iterable[str]) -> dict[str, float]:
    """Read the agents' slip rates from the ledger, as far as anything is known of them."""
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
        found = {name: await ledger.read.slip(AgentName(name)) for name in names}
    return {name: slip for name, slip in found.items() if slip is not None}


async def trusts_of(data: Path, items: Iterable[str]) -> dict[str, float]:
    """Read the trust of all items that are left at the end."""
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
        found = await ledger.read.items([ItemId(item) for item in items], agent=AgentName(""))
    return {str(item): one.evidence.trust for item, one in found.items()}


def _trusted(trusts: dict[str, float], items: Iterable[str]) -> float:
    """The share of these items that are more likely right than not in the memory's eyes."""
    return _mean([float(trusts[item] >= TRUSTED) for item in items if item in trusts])


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0
