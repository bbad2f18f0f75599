"""`fleetlore add`: a person tells the fleet something."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from fleetlore.kmu.learning import learn
from fleetlore.kmu.lexicon import normal_form
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.report import Learned, Report
from fleetlore.server.command_group import (
    agent_option,
    commands,
    data_option,
    json_option,
    project_option,
    promote_after_option,
    tell,
    with_ledger,
)
from fleetlore.server.people.lines import coloured, hint, secrets_removed, seen_by
from fleetlore.server.people.texts import read
from fleetlore.server.workplace import project_of
from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import AgentName


@commands.command()
@click.argument("insight")
@click.option("--applies-when", default="", show_default=False, help="Tool, version, circumstances in which it holds.")
@click.option(
    "--kind",
    type=click.Choice(["auto", "do", "avoid", "fact"]),
    default="auto",
    help="auto: avoid where the insight says never, avoid or do not, else fact.",
)
@click.option(
    "--space",
    type=click.Choice(["general", "prompt"]),
    default="general",
    help="general: for the whole fleet; prompt: for this agent alone.",
)
@click.option(
    "--task-type",
    default="",
    show_default=False,
    help="Sort of task that it is about (code-review), in the space prompt.",
)
@project_option
@click.option("--tag", "tags", multiple=True, help="Once for each tag.")
@agent_option
@data_option
@promote_after_option
@json_option
def add(
    insight: str,
    applies_when: str,
    kind: str,
    space: str,
    task_type: str,
    project: str | None,
    tags: tuple[str, ...],
    agent: AgentName,
    data: Path,
    promote_after: int,
    as_json: bool,
) -> None:
    """Tell the fleet one INSIGHT.

    "-" reads it from standard input. It is provisional until outcomes of other agents bear it out.
    Next: `fleetlore show` what became of it.
    """
    insight = sys.stdin.read().strip() if insight == "-" else insight
    values: dict[str, Any] = {"kind": kind, "space": space}
    if not normal_form(insight):
        raise Refusal("insight", "it has no words", "Say it in a sentence, or pipe it in and give -")
    values |= read(insight=insight, applies_when=applies_when, task_type=task_type, tags=tags)
    values |= read(project=project_of(Path.cwd()) if project is None else project)
    report = Report(task="", agent=agent, outcome="observation", **values)
    policy = Policy(promote_after=promote_after)
    answer = with_ledger(data, "", lambda ledger: learn(ledger, report, policy=policy), new=True)
    [learned] = answer.learned
    if not learned.id:
        raise Refusal("insight", learned.because, "Say it in words that another agent can act on")
    found = {"feedback": answer.feedback, "agent": agent, "project": values["project"]} | asdict(learned)
    tell(found | {"redacted": answer.redacted}, as_json, lambda _: _told(learned, agent, answer.redacted))


def _told(learned: Learned, agent: AgentName, redacted: int) -> str:
    own = seen_by(agent if learned.space == "prompt" else "")
    return "\n".join(
        (
            f"{learned.id}  {coloured(learned.status)}  {learned.decision}: {learned.because}",
            *secrets_removed(redacted),
            hint(f"next: fleetlore show {learned.id}{own}; to word it anew: fleetlore edit {learned.id}{own}"),
        )
    )
