"""Standing: how far an agent is trusted, who deserves a look, and who may not speak any more.

An agent's reliability is what is left of its slip rate: how often its reports are borne out. It rests on few reports
at first and moves by a hundredth each, so that it is also a measure of how much has been seen.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from fleetlore.kmu.constants import CONSTANTS
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName
from fleetlore.storage.standings import AgentStanding

# Who is imitated by a name, among the names that are known: None where it looks like no other.
Alike = Callable[[AgentName, Collection[AgentName]], AgentName | None]

_FEW_LESSONS = 5  # that tell little of an agent: as many good ones are assumed besides
_DOUBTED_SHARE = 0.25  # of lessons contested or pruned
_DOUBTED_SLIP = 0.1  # above that of an agent of whom nothing is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """An agent's standing, with what makes it worth a look: `concern` in [0, 1], and why.

    `reliability` is 1 − slip rate; None where nothing is known. `imitates` is whose name its own looks like.
    """

    standing: AgentStanding
    reliability: float | None
    concern: float
    because: tuple[str, ...]
    imitates: AgentName | None = None


def judged(standings: Iterable[AgentStanding], *, alike: Alike) -> list[Judged]:
    """Every agent, who deserves attention first; those that were revoked last, as they have had it."""
    every = sorted(standings, key=lambda one: (one.first_seen is not None, one.first_seen or 0, one.agent))
    # Of two names that look alike it is the later one that imitates.
    found = [
        _judged(one, alike(one.agent, [known.agent for known in every[:place]])) for place, one in enumerate(every)
    ]
    return sorted(
        found,
        key=lambda one: (
            one.standing.withdrawn_by is not None,
            -one.concern,
            -one.standing.reports,
            one.standing.agent,
        ),
    )


async def refuse_withdrawn(view: LedgerView, agent: AgentName) -> None:
    """Raises `Refusal` for an agent that was revoked."""
    if (plan := await view.withdrawn_by(agent)) is not None:
        raise Refusal(
            "agent",
            f"{agent} was revoked by {plan}, so nothing is taken from it",
            f"Ask a person to let it in again: fleetlore undo {plan}",
        )


def _judged(standing: AgentStanding, imitates: AgentName | None) -> Judged:
    because = []
    slipping = max(0.0, (standing.slip if standing.slip is not None else CONSTANTS.slip) - CONSTANTS.slip)
    refuted = standing.contested + standing.pruned
    doubted = refuted / (standing.lessons + _FEW_LESSONS)
    if slipping >= _DOUBTED_SLIP:
        because.append("its reports are not borne out")
    if doubted >= _DOUBTED_SHARE:
        because.append(f"{refuted} of its {standing.lessons} lessons are contested or pruned")
    if imitates is not None:
        because.append(f"its name looks like {imitates}")
    return Judged(
        standing=standing,
        reliability=None if standing.slip is None else round(1 - standing.slip, 2),
        concern=1.0 if imitates is not None else round(1 - (1 - slipping) * (1 - doubted), 3),
        because=tuple(because),
        imitates=imitates,
    )
