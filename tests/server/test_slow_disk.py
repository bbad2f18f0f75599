"""A disk on which it takes 120 ms until something is safe: commits are shared, and nobody waits for those of others."""

import asyncio
import shutil
import statistics
import subprocess
import sys
from urllib.parse import urlsplit

import anyio
import pytest
from wire import answered, calling, reporting

from fleet import http_server, in_process

CLIENTS, REPORTS, RETRIEVALS = 8, 12, 9
# Syncing takes 120 ms longer, and each time the ledger's log is synced a byte goes to the file that SYNCS names.
SLOW = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
    char link[64], path[4096];
    struct timespec delay = {0, 120000000};
    int (*whole)(int) = dlsym(RTLD_NEXT, name);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 4 && !memcmp(path + length - 4, "-wal", 4)) {
        int syncs = open(getenv("SYNCS"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (write(syncs, ".", 1) != 1) abort();
        close(syncs);
    }
    nanosleep(&delay, NULL);
    return whole(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


@pytest.fixture
def syncs(tmp_path, monkeypatch):
    """How often the ledger's log was synced by servers that are started now, on a slow disk."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("a disk is made slow by a library in C that Linux loads first: it takes a compiler, and Linux")
    library, counted = tmp_path / "slow.so", tmp_path / "syncs"
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
    subprocess.run(command, input=SLOW, text=True, check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("SYNCS", str(counted))
    counted.touch()
    return lambda: counted.stat().st_size


async def test_on_a_slow_disk_reports_share_commits_and_a_retrieval_does_not_wait_for_those_of_others(tmp_path, syncs):
    with http_server(tmp_path / "data", "--calls-per-minute", "0") as (address, process):
        url = urlsplit(address)
        await answered(url, reporting(url, "first"))

        async def report(client, reports):
            for number in range(reports):
                await answered(url, reporting(url, f"{client}/{number}"))

        async def retrieve():
            waited = []
            for number in range(RETRIEVALS):
                before = syncs()
                await answered(url, calling(url, "retrieve_knowledge", task=f"task {number}", agent="eve"))
                waited.append(syncs() - before)
            return waited

        await retrieve()  # what comes first is not in memory yet
        before = syncs()
        await report("alone", CLIENTS)
        assert syncs() - before >= CLIENTS  # each is safe before it is answered
        before = syncs()
        await asyncio.gather(*(report(client, REPORTS) for client in range(CLIENTS)))
        assert syncs() - before < CLIENTS * REPORTS * 2 / 3
        async with anyio.create_task_group() as tasks:
            for client in range(CLIENTS):
                tasks.start_soon(report, f"beside {client}", 10_000)
            waited = await retrieve()
            tasks.cancel_scope.cancel()
        # That which is under way, its own, and one that begins before the answer is here.
        assert statistics.median(waited) <= 3
    assert process.returncode == 0
    async with in_process(tmp_path / "data") as fleet:
        assert (await fleet.status())["receipts"]["given"] == 2 * RETRIEVALS
