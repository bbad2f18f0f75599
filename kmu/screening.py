"""Screening: what comes in is looked through for secrets before it is embedded, stored, digested or logged.

Each of the unit's verbs that takes text begins here, so that no caller can forget it. Of a record every text is looked
through, and what was found in one is taken out of the others too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from fleetlore.storage.credentials import RANDOM
from fleetlore.storage.errors import Refusal
from fleetlore.storage.known_keys import rules_are_loaded
from fleetlore.storage.redaction import cut, redact

if TYPE_CHECKING:
    from fleetlore.kmu.question import Question
    from fleetlore.kmu.report import Report
    from fleetlore.kmu.wish import Wish
    from fleetlore.storage.dossiers import Dossier
    from fleetlore.storage.records import Wording

RecordT = TypeVar("RecordT", "Report", "Question", "Wish", "Wording")

_WORDING = ("insight", "applies_when", "task_type", "project", "tags")
_QUESTION = ("task", "task_type", "project", "tags")
_REPORT = ("task", "reasoning", "insight", "applies_when", "output", "expected", "task_type", "project", "tags")
# What is this long is looked through in a thread of its own.
_LONG = 20_000


async def screen_report(report: Report) -> tuple[Report, int]:
    """The report without secrets, and how many they were.

    Raises `Refusal` where its key or its agent is one: these must stay what they are.
    """
    clean = await _screened(report, _REPORT)
    _check_agent(report.agent)
    if _is_secret(report.key):
        raise Refusal("key", "it looks like a secret", "Use a key that may be stored, as the name of the run")
    return clean


async def screen_question(question: Question) -> Question:
    """The question without secrets. Raises `Refusal` where its agent is one."""
    clean, _ = await _screened(question, _QUESTION)
    _check_agent(question.agent)
    return clean


async def screen_wish(wish: Wish) -> Wish:
    """The wish to forget with no secret in its reason. Raises `Refusal` where its agent is one."""
    clean, _ = await _screened(wish, ("reason",))
    _check_agent(wish.agent)
    return clean


async def screen_reason(reason: str) -> str:
    """Why somebody does something, without secrets."""
    return (await anyio.to_thread.run_sync(redact, reason)).text if reason else ""


async def screen_wording(wording: Wording) -> tuple[Wording, int]:
    """The wording without secrets, and how many they were."""
    return await _screened(wording, _WORDING)


def screen_dossier(dossier: Dossier) -> tuple[Dossier, int]:
    """The item and what was said of it without secrets, and how many they were."""
    texts = {f"item {name}": getattr(dossier.item, name) for name in _WORDING}
    texts |= {statement.id: statement.reasoning for statement in dossier.statements}
    texts["projects"] = tuple(verdict.project for verdict in dossier.verdicts)
    clean, count = without_secrets(texts)
    if not count:
        return dossier, 0
    item = replace(dossier.item, **{name: clean[f"item {name}"] for name in _WORDING})
    statements = tuple(replace(statement, reasoning=clean[statement.id]) for statement in dossier.statements)
    verdicts = tuple(
        replace(verdict, project=project) for verdict, project in zip(dossier.verdicts, clean["projects"], strict=True)
    )
    return replace(dossier, item=item, statements=statements, verdicts=verdicts), count


def without_secrets(texts: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Texts, and tuples of texts, by name: without secrets, and how many they were."""
    secrets: list[str] = []

    def clean(value: Any) -> Any:  # noqa: ANN401  a text or a tuple of texts
        if isinstance(value, tuple):
            return tuple(clean(one) for one in value)
        redacted = redact(value)
        secrets.extend(redacted.secrets)
        return redacted.text

    found = {name: clean(value) for name, value in texts.items()}
    if not secrets:
        return texts, 0
    return {name: _cut(value, secrets) for name, value in found.items()}, len(secrets)


def _cut(value: Any, secrets: Sequence[str]) -> Any:  # noqa: ANN401
    if isinstance(value, tuple):
        return tuple(_cut(one, secrets) for one in value)
    return cut(value, secrets)


@lru_cache(maxsize=1024)
def _check_agent(name: str) -> None:
    """Raises `Refusal` for a name that is a secret: names are on record for good, and everybody reads them."""
    if _is_secret(name):
        raise Refusal("agent", "it looks like a secret", "Use a name that everybody may read, as build-bot")


def _is_secret(name: str) -> bool:
    """Whether what must stay as it is would be taken out, and not only as it may be drawn at random."""
    return not {RANDOM}.issuperset(redact(name).kinds)


async def _screened(record: RecordT, names: Iterable[str]) -> tuple[RecordT, int]:
    texts = {name: getattr(record, name) for name in names}
    if sum(len(text) for text in texts.values()) > _LONG or not rules_are_loaded():
        clean, count = await anyio.to_thread.run_sync(without_secrets, texts)
    else:
        clean, count = without_secrets(texts)
    return (replace(record, **clean), count) if count else (record, 0)
