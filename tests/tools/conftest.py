"""Fixtures for tests of the tools: a team over a memory of its own, or one server for all tests of a module."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from team import Team

from fleet import in_process


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def team(fleet):
    """A team over an empty memory of its own."""
    return Team(fleet)


@pytest.fixture(scope="module")
async def shared(anyio_backend, tmp_path_factory):
    """A client of one server in this process, for all tests of a module."""
    async with in_process(tmp_path_factory.mktemp("fleet") / "data") as connected:
        yield connected
