"""Installing and uninstalling: first what would become of every file, then all of it.

Whatever is refused is refused before the first file is written. Uninstalling a file that is still as we left it puts
back what it was; in one that has changed since, what is ours is taken out and the rest stays.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetlore.server.clients.files import check_writable, read, remove, remove_empty, target_of, text_of, write
from fleetlore.server.clients.journal import Journal, WrittenFile, WrittenPart, digest
from fleetlore.server.clients.parts import Part, Placed


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What becomes of one file: `after` None removes it. `written` is what the journal then holds of it.

    `folders` are those of ours alone, which go with the file.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    written: WrittenFile | None
    folders: tuple[Path, ...] = ()

    @property
    def act(self) -> str:
        """In a word."""
        if self.before == self.after:
            return "unchanged"
        if self.before is None:
            return "created"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All changes, and what a person should know about what is left alone."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def plan_install(client: str, placed: Sequence[Placed], journal: Journal, *, force: bool) -> Plan:
    """How every part comes into its file; a part that somebody has edited stays as it is, unless forced."""
    changes: list[Change] = []
    notes: list[str] = []
    for path, parts in _by_file(_chosen(placed)):
        content = read(path)
        before = text_of(path, content)
        fresh = all(each.part.found(before, path) is None for each in parts)
        known = journal.of(path)
        held = dict(known.parts) if known and not fresh else {}
        text = before
        for each in parts:
            found, written = each.part.found(text, path), held.get(each.part.name)
            if found is None and not each.needed:
                continue
            if found not in (None, each.part.wanted) and not (force or _as_written(each.part, found, written)):
                notes.append(_edited(each.part, path, "replaces it"))
                continue
            if not each.needed:
                held.pop(each.part.name, None)
                text = each.part.take(text, path) or ""
                continue
            clients = {client, *(written.clients if written and found else ())}
            held[each.part.name] = WrittenPart(digest=digest(each.part.wanted), clients=tuple(sorted(clients)))
            if found != each.part.wanted:
                text = each.part.put(text, path)
        after = content if text == before else text.encode()
        if after is not None and held:
            written_file = WrittenFile(
                digest=digest(after),
                former=_former(path, content, journal, fresh=fresh),
                parts=held,
            )
            changes.append(Change(path=path, before=content, after=after, written=written_file))
    return _checked(changes, notes)


def plan_uninstall(client: str, placed: Sequence[Placed], journal: Journal, *, force: bool) -> Plan:
    """How every part goes out of its file again; one that somebody has edited stays, unless forced."""
    changes: list[Change] = []
    notes: list[str] = []
    for path, parts in _by_file((file, each) for each in placed for file in each.places):
        content, known = read(path), journal.of(path)
        text: str | None = text_of(path, content)
        held = dict(known.parts) if known else {}
        taken = False
        for each in reversed(parts):  # the last to come in goes first
            found, written = each.part.found(text or "", path), held.pop(each.part.name, None)
            others = set(written.clients) - {client} if written else set()
            if found is None:
                continue
            if written and others:
                held[each.part.name] = WrittenPart(digest=written.digest, clients=tuple(sorted(others)))
                notes.append(f"{path}: {_told(each.part)} stay for {', '.join(sorted(others))}")
            elif force or _as_written(each.part, found, written):
                text, taken = each.part.take(text or "", path), True
            else:
                notes.append(_edited(each.part, path, "removes it"))
        after = content
        as_left = known is not None and known.digest == digest(content or b"")
        if taken:
            after = None if text is None else text.encode()
            if known and not held and as_left:
                certain, former = journal.former(known)
                after = former if certain else after
        if taken or known:
            left = None
            if known and held:
                former_name = known.former if as_left else None  # of what others wrote since it knows nothing
                left = WrittenFile(digest=digest(after or b""), former=former_name, parts=held)
            folders = [folder for each in parts if each.folder for folder in _up_to(path, each.folder)]
            changes.append(Change(path=path, before=content, after=after, written=left, folders=tuple(folders)))
    return _checked(changes, notes)


def carry_out(plan: Plan, journal: Journal) -> dict[Path, Path]:
    """Does what a plan says; returns where the former content of changed files is kept."""
    kept: dict[Path, Path] = {}
    folders = journal.folders
    for change in plan.changes:
        path, known = change.path, journal.of(change.path)
        if change.before is not None and change.after != change.before:
            as_left = known and known.former is not None and known.digest == digest(change.before)
            if not as_left:  # else there is nothing in it but what is kept already, and ours
                kept[path] = journal.back_up(path, change.before)
            if change.after is None:
                remove(path, change.before)
                folders |= set(change.folders)
        if change.after is not None and change.after != change.before:
            folders |= set(write(path, change.after, change.before))
        if change.written != known:
            journal.remember(path, change.written)
    remove_empty(folders)
    journal.remember_folders(folder for folder in folders if folder.exists())
    return kept


def _former(path: Path, content: bytes | None, journal: Journal, *, fresh: bool) -> str | None:
    """What the journal is to hold of a file as it was before anything of ours came into it."""
    if fresh:
        return "" if content is None else journal.backup_of(path)
    known = journal.of(path)
    return known.former if known and known.digest == digest(content or b"") else None


def _checked(changes: list[Change], notes: list[str]) -> Plan:
    for change in changes:
        if change.before != change.after:
            check_writable(change.path)
    return Plan(changes=tuple(changes), notes=tuple(notes))


def _chosen(placed: Sequence[Placed]) -> Iterator[tuple[Path, Placed]]:
    """Each part with its file: the one it stands in already, else the first that exists, else the one to make."""
    for each in placed:
        there = [file for file in each.places if os.path.exists(file)]  # noqa: PTH110  Path.exists may raise
        for file in there:
            target = target_of(file)
            if each.part.found(text_of(target, read(target)), target) is not None:
                yield file, each
                break
        else:
            yield (there[0] if there else each.make), each


def _by_file(placed: Iterable[tuple[Path, Placed]]) -> list[tuple[Path, list[Placed]]]:
    """The parts of each file, told by what links lead to."""
    files: dict[Path, list[Placed]] = {}
    for file, each in placed:
        parts = files.setdefault(target_of(file), [])
        if each not in parts:
            parts.append(each)
    return list(files.items())


def _as_written(part: Part, found: str, written: WrittenPart | None) -> bool:
    return written.digest == digest(found) if written else part.is_ours(found)


def _told(part: Part) -> str:
    return "the rules of fleetlore" if part.name == "rules" else f"fleetlore's {part.name}"


def _edited(part: Part, path: Path, forced: str) -> str:
    return f"{path}: {_told(part)}: edited by hand, or not from fleetlore, so left alone; --force {forced}"


def _up_to(path: Path, folder: Path) -> Iterator[Path]:
    """The folders of a file up to one of ours."""
    top = target_of(folder)
    return (each for each in path.parents if each.is_relative_to(top))
