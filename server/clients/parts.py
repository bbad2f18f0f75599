"""What is ours in a client's files, part by part: how to find it, put it in and take it out again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetlore.server import marked_block
from fleetlore.server.clients import json_edit, toml_edit
from fleetlore.server.clients.connection import INPUT, NAME, Connection, asked, entry, is_entry
from fleetlore.server.clients.dialects import Dialect, Rules, Scope
from fleetlore.server.clients.machine import Machine
from fleetlore.server.clients.wording import RULES, is_plugin_file, plugin_hooks, plugin_manifest

RULES_BLOCK = "rules"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing of ours in a file. The functions take the whole text of a file, and its path for a refusal's sentence.

    `found` gives what stands there of ours in a form to compare, None where nothing does; `wanted` is that form of
    what `put` writes. `is_ours` judges a found form without having been there: whether we could have written it.
    `take` gives None where nothing of a file is left.
    """

    name: str
    wanted: str
    found: Callable[[str, Path], str | None]
    put: Callable[[str, Path], str]
    take: Callable[[str, Path], str | None]
    is_ours: Callable[[str], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A part, the files in which it may stand in order of preference, and the one to make if there is none.

    `folder` is one that is ours alone with all that is in it, if the file lies in one. A part that is not `needed` is
    one of an earlier installation with other options.
    """

    part: Part
    files: tuple[Path, ...]
    make: Path
    folder: Path | None = None
    needed: bool = True

    @property
    def places(self) -> tuple[Path, ...]:
        """Every file it may stand in."""
        return tuple(dict.fromkeys((*self.files, self.make)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which parts to install beside the entry."""

    rules: bool = True
    hooks: bool = True


def parts_of(
    dialect: Dialect, scope: Scope, machine: Machine, connection: Connection, choice: Choice
) -> Sequence[Placed]:
    """All that is, or would be, ours in the files of that client and scope."""
    settings = machine.place(dialect.files[scope])
    placed = [Placed(part=_server(dialect, connection), files=(settings,), make=settings)]
    if dialect.input:
        needed = bool(connection.token_env)
        placed.append(Placed(part=_input(connection), files=(settings,), make=settings, needed=needed))
    if choice.rules and scope in dialect.rules:
        placed.append(_rules(dialect.rules[scope], machine))
    if choice.hooks and scope in dialect.plugin:
        folder = machine.place(dialect.plugin[scope])
        texts = {".claude-plugin/plugin.json": plugin_manifest(), "hooks/hooks.json": plugin_hooks(connection)}
        for name, text in texts.items():
            part = _whole_file(name, text, is_plugin_file)
            placed.append(Placed(part=part, files=(), make=folder / name, folder=folder))
    return placed


def _server(dialect: Dialect, connection: Connection) -> Part:
    """Our entry among a client's servers."""
    keys, value = (dialect.servers, NAME), entry(dialect, connection)
    toml = dialect.format == "toml"
    find, put, take = (
        (toml_edit.table, toml_edit.put_table, toml_edit.take_table)
        if toml
        else (json_edit.member, json_edit.put_member, json_edit.take_member)
    )
    return Part(
        name="server",
        wanted=_form(value) or "",
        found=lambda text, path: _form(find(text, keys, path)),
        put=lambda text, path: put(text, keys, value, path),
        take=lambda text, path: take(text, keys, path),
        is_ours=lambda found: is_entry(dialect, json.loads(found)),
    )


def _input(connection: Connection) -> Part:
    """The input that asks for the token, beside the servers of VS Code."""
    value = asked(connection)
    return Part(
        name="input",
        wanted=_form(value) or "",
        found=lambda text, path: _form(json_edit.element(text, "inputs", "id", INPUT, path)),
        put=lambda text, path: json_edit.put_element(text, "inputs", "id", value, path),
        take=lambda text, path: json_edit.take_element(text, "inputs", "id", INPUT, path),
        is_ours=lambda found: {**json.loads(found), "description": ""} == {**value, "description": ""},
    )


def _rules(rules: Rules, machine: Machine) -> Placed:
    """Our rules: a block in a file that other people own too, or a file of our own."""
    make = machine.place(rules.make)
    if rules.head:
        text = rules.head + RULES
        return Placed(part=_whole_file(RULES_BLOCK, text, text.__eq__), files=(), make=make)
    block = Part(
        name=RULES_BLOCK,
        wanted=RULES,
        found=lambda text, path: marked_block.content_of(text, RULES_BLOCK, path),
        put=lambda text, path: marked_block.put(text, RULES_BLOCK, RULES, path),
        take=lambda text, path: marked_block.take_out(text, RULES_BLOCK, path) or None,
        is_ours=RULES.__eq__,
    )
    return Placed(part=block, files=tuple(machine.place(file) for file in rules.files), make=make)


def _whole_file(name: str, wanted: str, is_ours: Callable[[str], bool]) -> Part:
    """A file that is ours alone; one of that name which is not ours counts as edited."""
    return Part(
        name=name,
        wanted=wanted,
        found=lambda text, _path: text or None,
        put=lambda _text, _path: wanted,
        take=lambda _text, _path: None,
        is_ours=is_ours,
    )


def _form(value: Any) -> str | None:  # noqa: ANN401  any JSON value
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
