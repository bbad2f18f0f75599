"""Keys and tokens whose form a provider has published: found by the rules of Kingfisher, offline and in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

import platformdirs

from fleetlore.storage.randomness import is_example

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

    from fleetlore.storage.credentials import Span

# Names, addresses and identifiers that stand beside a secret, and that anybody may know.
_PUBLIC = re.compile(
    r"(?:-id|-name|-host|-domain|-username|-address|public-key|pub-key|public-api-token"
    r"|(?<!webhook)(?<!sensitive)-url)(?:\.\d)?$"
)
_STOPS = re.compile(r"[,.:!?)\]}>](?=\s|$)")

_loading = Lock()
_loaded: list[Scanner] = []


def load_rules() -> Scanner:
    """The compiled rules, once in a process: 0.3 s, and 3 s where no process of this user has compiled them yet."""
    if _loaded:
        return _loaded[0]  # without the lock, for which whoever looks through a text would wait in line
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
    # The rules know what ends a value in code, not what ends it in a sentence.
    for written in {text, _STOPS.sub(" ", text)}:
        data = written.encode("utf-8", "replace")
        for finding in load_rules().scan(data):
            if _PUBLIC.search(finding.rule_id) or "uri" in finding.rule_id or "@" in finding.secret:
                continue  # of an address only the password is a secret: `credentials` knows
            if is_example(finding.secret):
                continue
            start, end = finding.location["start_offset"], finding.location["end_offset"]
            if not plain:
                start, end = (len(data[:at].decode()) for at in (start, end))
            yield start, end, _kind(finding.rule_id)


def _kind(rule: str) -> str:
    """`github pat` of `betterleaks.github-pat`; rules in several forms are numbered."""
    name = re.sub(r"\.\d+$", "", rule).rpartition(".")[2]
    return re.sub(r"[^a-z0-9]+", " ", name.casefold()).strip()
