"""Keys and tokens whose form a provider has published: found by the rules of Kingfisher, offline and in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

    from fleetlore.storage.credentials import Span

# What is told apart in public: names, addresses and identifiers that stand beside a secret.
_PUBLIC = re.compile(
    r"(?:-id|-name|-url|-host|-domain|-username|-address|public-key|pub-key|public-api-token)(?:\.\d)?$"
)


_loading = Lock()
_loaded: list[Scanner] = []


def load_rules() -> Scanner:
    """The compiled rules, once in a process: 0.3 s, and 3 s where no process of this user has compiled them yet."""
    with _loading:
        if not _loaded:
            from kingfisher_sdk import Rules, Scanner  # noqa: PLC0415  36 MB that only what takes texts in needs

            rules = Rules(confidence="low", cache_dir=str(platformdirs.user_cache_path("fleetlore") / "rules"))
            _loaded.append(Scanner(rules))
        return _loaded[0]


def rules_are_loaded() -> bool:
    """Whether a text can be looked through without waiting for the rules."""
    return bool(_loaded)


def known_keys(text: str) -> Iterator[Span]:
    """Where a published form stands in a text, and whose it is."""
    plain = text.isascii()
    data = text.encode("utf-8", "replace")
    for finding in load_rules().scan(data):
        if _PUBLIC.search(finding.rule_id):
            continue
        start, end = finding.location["start_offset"], finding.location["end_offset"]
        if not plain:
            start, end = (len(data[:at].decode()) for at in (start, end))
        kind = (
            finding.rule_id.rpartition(".")[2] if not finding.rule_id[-1].isdigit() else finding.rule_id.split(".")[-2]
        )
        yield start, end, _words(kind)


def _words(rule: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", rule.casefold()).strip()
