"""The ledger's statements: named queries and numbered migrations, from `.sql` files."""

import re
from collections.abc import Iterator
from importlib import resources


def _resource(folder: str) -> Iterator[tuple[str, str]]:
    files = sorted(resources.files("fleetlore.storage").joinpath(folder).iterdir(), key=lambda file: file.name)
    return ((file.name, file.read_text("utf-8")) for file in files if file.name.endswith(".sql"))


def _named_queries() -> dict[str, str]:
    queries: dict[str, str] = {}
    for _, text in _resource("sql"):
        for block in text.split("-- name: ")[1:]:
            name, _, statement = block.partition("\n")
            queries[name.strip()] = re.sub(r"\s+", " ", statement).strip().rstrip(";")
    return queries


QUERIES = _named_queries()
MIGRATIONS = {int(name[:4]): text for name, text in _resource("migrations")}
SCHEMA = max(MIGRATIONS)
