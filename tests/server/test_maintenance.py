"""Upkeep by one process of several, its take-over, and what `status` tells of it."""

import json
import os
import signal
import urllib.request

import anyio
import pytest
from command import told

from fleet import http_server
from fleetlore.server.status import shares_well
from fleetlore.storage.maintainer import Rota, maintainer

pytestmark = pytest.mark.anyio


async def named(data, wanted):
    """Who maintains, once it is one of the wanted processes."""
    with anyio.fail_after(20):
        while (found := maintainer(data)) is None or found.process not in wanted:  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.02)
    return found


def health(url):
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        return json.load(answer)


async def test_of_two_processes_one_maintains_and_when_it_is_killed_the_other_does(tmp_path):
    data = tmp_path / "data"
    with http_server(data) as (first_url, first), http_server(data) as (second_url, second):
        urls = {first.pid: first_url, second.pid: second_url}
        holder = await named(data, urls)
        [other] = urls.keys() - {holder.process}
        told_by_the_other = await anyio.to_thread.run_sync(health, urls[other])
        assert told_by_the_other["maintainer"] == holder.told() | {"doing": told_by_the_other["maintainer"]["doing"]}

        os.kill(holder.process, signal.SIGKILL)
        heir = await named(data, {other})
        assert heir.since > holder.since
        assert (await told("status", "--data", data))["maintainer"]["process"] == other
    assert maintainer(data) is None  # who ends in good order makes room at once


def test_whoever_has_not_been_seen_for_a_while_is_followed_and_steps_back(tmp_path):
    now = [1_000_000.0]
    stopped, other = (Rota(tmp_path, now=lambda: now[0]) for _ in range(2))
    stopped.sign("waiting")
    assert (stopped.mine(), other.mine()) == (True, False)
    now[0] += 4.9
    assert not other.mine()
    now[0] += 0.1
    assert other.mine()
    assert maintainer(tmp_path, now=lambda: now[0]) is None
    other.sign("waiting")
    assert not stopped.mine()
    stopped.leave()
    assert not stopped.mine()
    other.leave()
    assert stopped.mine()


async def test_status_tells_versions_and_disk_by_part(tmp_path, fleet):
    await fleet.teach("Rotate the logs weekly")
    found = await fleet.resource("fleetlore://status")
    assert found["lancedb"].count(".") == 2
    assert found["disk_bytes"] == sum(found["disk"].values())
    assert {part for part, size in found["disk"].items() if size} >= {"ledger", "general", "prompt"}


@pytest.mark.parametrize(
    ("version", "sound"),
    [("3.40.1", False), ("3.44.6", True), ("3.50.6", False), ("3.50.7", True), ("3.51.2", False), ("3.52.0", True)],
)
def test_a_sqlite_with_the_fault_of_shared_logs_is_known(version, sound):
    assert shares_well(version) is sound
