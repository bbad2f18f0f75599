"""Fixtures that every room's tests use."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fleet import in_process


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def fleet(tmp_path):
    """A client of a server in this process, over an empty data directory."""
    async with in_process(tmp_path / "data") as connected:
        yield connected
