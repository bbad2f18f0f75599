"""Fixtures that every room's tests use."""

import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

sys.path.insert(0, str(Path(__file__).parent))

from forking import forked

from fleet import in_process


@pytest.fixture(autouse=True, scope="session")
def schemas_are_checked_once():
    """Each new client asks whether a tool's schema is one, which takes longer than its call; here one asks for all."""
    check, known = Draft202012Validator.check_schema, set()

    def check_once(schema, **options):
        if (told := json.dumps([schema, *options])) not in known:
            check(schema, **options)
            known.add(told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", check_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def processes_are_forks():
    with forked():
        yield


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def fleet(tmp_path):
    """A client of a server in this process, over an empty data directory."""
    async with in_process(tmp_path / "data") as connected:
        yield connected
