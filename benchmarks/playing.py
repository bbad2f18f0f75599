"""One arm goes through one stream: retrieve, answer, be told the truth, report; task after task."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from accuracy import Cell, Run
from arms import ARMS, Sharing, fleet
from calibration import Calibration
from connection import Transport
from task import Answer, Claim, Task

SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """A stream, with what an agent without any memory would answer to each task: the honest floor."""

    tasks: Sequence[Task]
    floor: Sequence[Answer]
    agents: tuple[str, ...]
    transport: Transport
    last: int
    """Tasks at the end whose items count for the calibration."""


async def play(cell: Cell, course: Course) -> Run:
    """Let one arm go through the stream of one seed."""
    arm = ARMS[cell.arm]
    rng = random.Random(f"agents/{cell.seed}")
    says: dict[str, Claim] = {}
    judged: list[tuple[float, bool]] = []
    hits: list[bool] = []
    async with fleet(arm, course.agents, course.transport) as memories:
        started = time.perf_counter()
        for place, (task, guess) in enumerate(zip(course.tasks, course.floor, strict=True)):
            if memories.curator is not None:
                await memories.curator.keep(task.right)
            memory = memories.of(task.agent)
            shown = await memory.retrieve(task.text, limit=SHOWN, agent=task.agent, project=task.project)
            # With a memory, silence is a wrong answer.
            answer = guess if arm.sharing is Sharing.NOTHING else task.answer(shown)
            hits.append(task.hit(answer))
            if place >= len(course.tasks) - course.last:
                judged += [(item.confidence, task.right(says[item.id])) for item in shown.items]
            for report in arm.reporting.of(task.feedback(shown, answer), rng):
                for item in await memory.report(report):
                    # Whoever stated an item first settled what it is about; later reports only back it.
                    claim = says.setdefault(item, task.claim(report.insight))
                    if memories.curator is not None:
                        memories.curator.note(item, claim)
        seconds = time.perf_counter() - started
        kept = [
            (confidence, course.tasks[-1].right(says[item]))
            for item, confidence in (await memories.confidences(says)).items()
        ]
        return Run(
            cell=cell,
            seconds=seconds,
            hits=tuple(hits),
            calibration=Calibration.of(judged),
            kept=Calibration.of(kept),
            decisions=memories.decisions(),
        )
