"""An open unit over a data directory, for what no tool can show."""

from contextlib import asynccontextmanager

import pytest

from fleetlore.kmu.unit import KnowledgeManagementUnit, Policy
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.ledger import Ledger


@pytest.fixture
def opened(tmp_path):
    """Opens the unit over this test's data directory; as often as it is called, one after the other or side by side."""

    @asynccontextmanager
    async def open_unit(*, clock=utc_now, embedder=""):
        data = tmp_path / "data"
        async with (
            Ledger.open(data, embedder=embedder, fallback=DEFAULT_EMBEDDER, clock=clock) as ledger,
            KnowledgeManagementUnit.open(ledger, data, policy=Policy()) as unit,
        ):
            yield unit

    return open_unit
