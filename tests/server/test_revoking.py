"""`fleetlore revoke`: what an agent alone contributed or tipped goes, by a plan that `fleetlore undo` takes back."""

import sqlite3

import pytest
from command import run, told
from tools.team import TASK, Team

from fleet import in_process, slept
from fleetlore.storage.errors import Refusal

KEPT = "Keep the old key for a day"
WRONG = "Delete the keystore first"
TABLES = ("items", "verdicts", "conflicts", "links", "blames", "agents", "experience", "contents")


@pytest.fixture
async def data(tmp_path):
    return tmp_path / "data"


def ledger(data):
    """Every row that says what is known, and of whom: not the events, and not the plans themselves."""
    with sqlite3.connect(data / "ledger.sqlite") as connection:
        found = {table: set(connection.execute(f"SELECT * FROM {table}")) for table in TABLES}
    connection.close()
    found["contents"] = {row for row in found["contents"] if not row[0].startswith("p_")}
    return found


async def revoked(data, agent="mallory", *options):
    return await told("revoke", agent, "--yes", *options, "--data", data)


async def shown(data, item):
    return await told("show", item, "--data", data)
