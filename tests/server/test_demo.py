"""`fleetlore demo`: a world from a seed, agents that read and report, and a real server that makes the difference."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from itertools import combinations

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet import children
from fleetlore.server.cli import commands
from fleetlore.server.demo.agent import choose, report
from fleetlore.server.demo.world import make_world
from fleetlore.storage.errors import Refusal, ServerEnded

TASKS = 48
WORLDS = st.builds(make_world, seed=st.integers(), agents=st.integers(1, 12), tasks=st.integers(8, 200))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where the demo makes its temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


def run(*options):
    """What the demo writes; faults that we know are raised, as `main` would see them."""
    result = CliRunner().invoke(commands, ["demo", *map(str, options)])
    if isinstance(result.exception, Refusal | ServerEnded):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_equal_seeds_make_equal_worlds_and_another_seed_another():
    world = make_world(seed=3, agents=4, tasks=40)
    assert world == make_world(seed=3, agents=4, tasks=40)
    assert world != make_world(seed=4, agents=4, tasks=40)


@settings(max_examples=30, deadline=None)
@given(world=WORLDS)
def test_one_remedy_of_a_trouble_is_right_until_the_change_and_one_after_it(world):
    for half in (world.tasks[: world.change - 1], world.tasks[world.change - 1 :]):
        right = {(task.trouble, task.right) for task in half}
        assert len(right) == len({trouble for trouble, _ in right})
    for task in world.tasks:
        assert sorted(task.guesses) == sorted(task.trouble.remedies)
        assert task.right in task.guesses


@settings(max_examples=10, deadline=None)
@given(world=WORLDS)
def test_no_remedy_is_found_in_the_words_of_another(world):
    remedies = [remedy for trouble in {task.trouble for task in world.tasks} for remedy in trouble.remedies]
    assert [(one, two) for one, two in combinations(remedies, 2) if one in two or two in one] == []


@pytest.fixture
def task():
    return make_world(seed=1, agents=2, tasks=8).tasks[0]


def shown(identifier, remedy, score, **details):
    return {"id": identifier, "insight": f"In acme/billing: {remedy}.", "score": score, "confidence": 0.8} | details


def test_an_agent_tries_what_the_memory_says_in_the_order_of_the_votes_and_then_its_own_guesses(task):
    first, second, third, fourth = task.guesses
    choice = choose(
        task,
        [
            shown("k_1", fourth, 0.4),
            shown("k_2", third, 0.3, status="provisional"),
            shown("k_3", third, 0.3, status="contested"),
            shown("k_4", second, 0.9, superseded_by="k_3"),
            shown("k_5", second, 0.9, confidence=0.1),
            shown("k_6", "Restart everything", 0.9),
        ],
    )
    assert choice.order == (third, fourth, first, second)
    assert choice.followed == ("k_2", "k_3")


def told(task, choice, **options):
    arguments = report(task, choice, shown=True, careless=False) | report(task, choice, shown=True, **options)
    return {name: arguments.get(name) for name in ("outcome", "insight", "helpful", "harmful", "replaces")}


def test_an_agent_says_what_helped(task):
    choice = choose(task, [shown("k_1", task.right, 0.5)])
    assert told(task, choice, careless=False) == {
        "outcome": "success", "insight": None, "helpful": ["k_1"], "harmful": [], "replaces": None
    }  # fmt: skip


def test_an_agent_that_was_misled_calls_what_was_not_borne_out_harmful_and_replaces_what_was(task):
    wrong = next(guess for guess in task.guesses if guess != task.right)
    lesson = task.wording.format(remedy=task.right, repository=task.trouble.repository)
    choice = choose(task, [shown("k_1", wrong, 0.5, status="provisional"), shown("k_2", wrong, 0.5)])
    assert told(task, choice, careless=False) == {
        "outcome": "failure", "insight": lesson, "helpful": [], "harmful": ["k_1"], "replaces": ["k_2"]
    }  # fmt: skip


def test_a_careless_agent_claims_success_whatever_it_tried(task):
    wrong = next(guess for guess in task.guesses if guess != task.right)
    choice = choose(task, [shown("k_1", wrong, 0.5)])
    assert told(task, choice, careless=True)["outcome"] == "success"
    assert told(task, choice, careless=True)["helpful"] == ["k_1"]


def test_with_a_memory_the_fleet_gains_and_without_the_same_seed_shows_none(temporary):
    found, without = (
        json.loads(run("--tasks", TASKS, "--seed", 1, "--json", *option)) for option in ([], ["--no-learning"])
    )
    last, last_without = (one["solved_at_first_try"]["last"] for one in (found, without))
    assert last["with_memory"]["count"] >= last["alone"]["count"] + 5
    assert found["spared"] > 3 * found["cost"]
    assert found["lessons"]["trust_if_right"] > found["lessons"]["trust_if_wrong"] + 0.3
    assert (without["spared"], without["misled"], without["followed"]) == (0, 0, 0)
    # What agents would have guessed alone, as it is told with the memory, is what they do without it.
    assert last_without == {"with_memory": last["alone"], "alone": last["alone"]}
    assert without["curve"] == found["curve_alone"]
    assert list(temporary.iterdir()) == []


def test_the_story_is_plain_in_80_columns_and_the_data_is_kept_where_it_is_wanted(tmp_path, temporary):
    told = run("--tasks", 8, "--agents", 1, "--data", tmp_path / "kept")
    assert f"fleetlore report --data {tmp_path / 'kept'}" in told
    told = told.replace(str(tmp_path), "")
    assert "The same without: fleetlore demo --agents 1 --tasks 8 --seed 1 --no-learning\n" in told
    assert [line for line in told.splitlines() if len(line) > 80 or "\x1b" in line or "\r" in line] == []
    assert told.startswith("1 scripted agent, 8 tasks, seed 1.")
    assert told.endswith("  fleetlore install claude-code\n  fleetlore import AGENTS.md\n")
    with pytest.raises(Refusal, match="holds a memory already"):
        run("--data", tmp_path / "kept")


def test_a_server_that_cannot_start_is_told_with_its_reason(tmp_path, temporary):
    (tmp_path / "file").touch()
    with pytest.raises(ServerEnded, match="ended by itself: data directory"):
        run("--data", tmp_path / "file" / "data")


def test_ctrl_c_in_the_middle_leaves_no_process_and_no_folder(temporary):
    command = [sys.executable, "-m", "fleetlore.server", "demo", "--pace", "10"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        next(line for line in demo.stdout if line.startswith("   1 ana"))
        [server] = children(demo.pid)
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=15)
    assert (demo.returncode, errors) == (1, "Aborted!\n")
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
