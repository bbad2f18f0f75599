"""`fleetlore edit`: a person words an item anew, in an editor or by options."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import click

from fleetlore.kmu.accepting import accept as let_go
from fleetlore.kmu.editing import edit as word_anew
from fleetlore.kmu.editing import known_item
from fleetlore.kmu.policy import Policy
from fleetlore.server.command_group import (
    agent_option,
    commands,
    data_option,
    json_option,
    tell,
    with_ledger,
)
from fleetlore.server.people.completing import ids_of
from fleetlore.server.people.lines import one_line, secrets_removed, seen_by
from fleetlore.server.people.plans import account_of, plan_text
from fleetlore.server.people.texts import as_kept, read
from fleetlore.server.people.wording_file import read_back, written
from fleetlore.storage.errors import EditConflict, Refusal
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName, Item, Plan, Wording
from fleetlore.storage.redaction import redact

# A change of an item, which tells its plan, if it made one, and how many secrets were taken out.
Change: TypeAlias = Callable[[Ledger], Awaitable[tuple[Plan | None, int]]]

KEPT = "edits"


@commands.command()
@click.argument("id", shell_complete=ids_of("k"))
@click.option("--insight", default=None, help="The lesson in other words.")
@click.option("--applies-when", default=None, help="Tool, version, circumstances in which it holds.")
@click.option("--kind", type=click.Choice(["do", "avoid", "fact"]), default=None)
@click.option("--tag", "tags", multiple=True, help='These tags in place of what it has; "" for none.')
@click.option("--task-type", default=None, help="Sort of task that it is about.")
@click.option("--project", default=None, help="What it belongs to, as owner/name.")
@click.option(
    "--from",
    "file",
    type=click.File("r", encoding="utf-8-sig"),
    help="A text as the editor shows it (- for standard input).",
)
@click.option("--accept", is_flag=True, help="Let it go as it is worded, where it is held until a person has looked.")
@agent_option
@data_option
@json_option
def edit(
    id: str,
    insight: str | None,
    applies_when: str | None,
    kind: str | None,
    tags: tuple[str, ...],
    task_type: str | None,
    project: str | None,
    file: TextIO | None,
    accept: bool,
    agent: AgentName,
    data: Path,
    as_json: bool,
) -> None:
    """Word the item with this ID anew; its evidence stays.

    Without options in your editor ($VISUAL, $EDITOR).

    An item that is held, as it reads like instructions or hides something, is judged again by its new words;
    --accept lets it go as it is.

    Who edits what somebody else has changed meanwhile is refused, and the text is kept in a file.
    Next: `fleetlore undo` takes an edit back exactly.
    """
    item = with_ledger(data, "", lambda ledger: known_item(ledger.read, ItemId(as_kept(id)), agent))
    stated: dict[str, Any] = {"insight": insight, "applies_when": applies_when, "kind": kind, "task_type": task_type}
    stated |= {"project": project, "tags": tags or None}
    options = {name: value for name, value in stated.items() if value is not None}
    if accept:
        if options or file is not None:
            raise Refusal("accept", "the item is to be worded anew at once", "Accept it as it is, or reword it")
        tell(_accepted(item, agent=agent, data=data), as_json, _told)
        return
    text = _text(item, options, file, data)
    try:
        wish = _wish(item, options if text is None else read_back(text, item.wording))
        found = _edited(item, wish, agent=agent, data=data)
    except Refusal as refusal:
        if text is None and not isinstance(refusal, EditConflict):
            raise  # what was typed is on the command line
        if text is None:
            text = written(replace(item, **{name: getattr(wish, name) for name in Wording.__slots__}))
        remedy = f"{refusal.remedy}. Your text is kept: {_again(item, text.encode(), file, data)}"
        raise Refusal(refusal.argument, refusal.problem, remedy) from refusal
    except Exception:  # whatever it was: what a person wrote is not lost
        if text is not None:
            click.echo(f"your text is kept: {_again(item, text.encode(), file, data)}", err=True)
        raise
    tell(found, as_json, _told)


def _text(item: Item, options: dict[str, Any], file: TextIO | None, data: Path) -> str | None:
    """The text that a person gives or edits; None where options say what to change."""
    if options and file is not None:
        raise Refusal("from", "the text says everything already", "Give --from or single options, not both")
    if options:
        return None
    try:
        return file.read() if file else _from_editor(item)
    except UnicodeDecodeError as error:
        again = _again(item, error.object, file, data)
        raise Refusal("text", "it is not in UTF-8", f"Save it as UTF-8. Your text is kept: {again}") from error


def _from_editor(item: Item) -> str:
    if not sys.stdin.isatty() and not os.environ.get("VISUAL") and not os.environ.get("EDITOR"):
        raise Refusal("insight", "there is no terminal to edit at", "Give --insight, --applies-when or another option")
    try:
        edited = click.edit(written(item), extension=".md")
    except click.ClickException as error:
        remedy = "Name one that runs in $VISUAL or $EDITOR, or give --insight or another option"
        raise Refusal("editor", one_line(error.message), remedy) from error
    return written(item) if edited is None else edited


def _wish(item: Item, values: dict[str, Any]) -> Wording:
    wish = replace(item.wording, **read(**values))
    if not wish.insight.strip():
        raise Refusal("insight", "it is empty", f"To forget the item: fleetlore prune {item.id} --reason …")
    return wish


def _edited(item: Item, wish: Wording, *, agent: AgentName, data: Path) -> dict[str, Any]:
    """What the edit did; nothing where the wish is what is."""
    if wish == item.wording:
        return {"item": item.id, "changed": False}

    return _changed(
        item, lambda ledger: word_anew(ledger, item.id, read=item.wording, wish=wish, agent=agent), agent, data
    )


def _accepted(item: Item, *, agent: AgentName, data: Path) -> dict[str, Any]:
    """What accepting the item did."""

    async def accept(ledger: Ledger) -> tuple[Plan, int]:
        return await let_go(ledger, item.id, agent=agent, required=Policy().promote_after), 0

    return _changed(item, accept, agent, data)


def _changed(item: Item, change: Change, agent: AgentName, data: Path) -> dict[str, Any]:
    """What a change of the item did."""

    async def work(ledger: Ledger) -> dict[str, Any] | Refusal:
        try:
            plan, redacted = await change(ledger)
        except Refusal as refusal:
            return refusal  # raised here it would come out of the ledger's tasks in a group
        told = {"item": item.id, "changed": plan is not None, "redacted": redacted}
        return told if plan is None else {**told, **await account_of(ledger.read, plan, agent)}

    found = with_ledger(data, "", work)
    if isinstance(found, Refusal):
        raise found
    return found


def _again(item: Item, text: bytes, file: TextIO | None, data: Path) -> str:
    """The command that uses a text once more, which lies in the file that it came from or in one of its own."""
    came_from = Path(file.name) if file else None
    kept = came_from if came_from and came_from.is_file() else _keep(item, text, data)
    return f"fleetlore edit {item.id}{seen_by(item.owner)} --from {shlex.quote(str(kept))}"


def _keep(item: Item, text: bytes, data: Path) -> Path:
    """Puts a text that could not be used, but for its secrets, where the person finds it again.

    What was kept before stays.
    """
    text = redact(text.decode("utf-8", "surrogateescape")).text.encode("utf-8", "surrogateescape")
    folder = data / KEPT
    folder.mkdir(exist_ok=True)
    number = 1
    while True:
        kept = folder / f"{item.id}-{number}.md"
        try:
            with kept.open("xb") as file:
                file.write(text)
        except FileExistsError:
            number += 1
        else:
            return kept


def _told(found: dict[str, Any]) -> str:
    said = plan_text(found) if found["changed"] else f"{found['item']} is as it was: nothing was changed"
    return "\n".join((said, *secrets_removed(found.get("redacted", 0))))
