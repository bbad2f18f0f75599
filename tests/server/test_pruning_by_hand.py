"""`fleetlore prune`, `revoke` and `undo`, also at a terminal; colours; completion in a real shell."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from command import run, told

from fleet import COMMAND, in_process
from fleetlore.storage.errors import Refusal

TASK = "rotate the signing keys of the payment gateway"
ESCAPE = "\x1b["


@pytest.fixture
async def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
async def item(data):
    async with in_process(data) as fleet:
        return await fleet.teach("Keep the old key for a day", task=TASK)


def at_a_terminal(*arguments, typed="", **environment):
    """Exit code and output of a command at a terminal of its own, at which this is typed."""
    leader, follower = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environment
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdin=follower, stdout=follower, stderr=follower, env=clean, close_fds=True
    ) as process:
        os.close(follower)
        os.write(leader, typed.encode())
        output = b""
        while True:
            try:
                part = os.read(leader, 4_096)
            except OSError:  # the other end is closed: the command has ended
                break
            if not part:
                break
            output += part
        os.close(leader)
        process.wait(30)
        return process.returncode, output.decode()


async def living(data):
    return [found["id"] for found in (await told("search", "--data", data))["items"]]


async def test_a_plan_is_shown_then_carried_out_then_taken_back(data, item):
    plan = await told("prune", item, "--reason", "the gateway is gone", "--data", data)
    assert (plan["state"], [act["item"] for act in plan["acts"]], plan["kept"]) == ("not applied", [item], 0)
    assert await living(data) == [item]
    text = await run("show", plan["plan"], "--data", data)
    assert f"to carry it out: fleetlore prune --plan {plan['plan']} --apply" in text
    applied = await run("prune", "--plan", plan["plan"], "--apply", "--data", data)
    assert f"forgot 1 item, kept 0\nto take it back: fleetlore undo {plan['plan']}" in applied
    assert await living(data) == []
    assert await run("undo", plan["plan"].upper(), "--data", data) == f"took back {plan['plan']}: 1 act\n"
    assert await living(data) == [item]


async def test_what_was_taken_back_is_neither_taken_back_nor_carried_out_again(data, item):
    plan = (await told("prune", item.upper(), "--reason", "test", "--apply", "--data", data))["plan"]
    await run("undo", plan, "--data", data)
    assert await run("undo", plan, "--data", data) == f"{plan} was taken back already: nothing was changed\n"
    with pytest.raises(Refusal, match=f"plan: {plan} was undone"):
        await run("prune", "--plan", plan, "--apply", "--data", data)
    assert await living(data) == [item]


async def test_more_is_forgotten_at_once_than_agents_may(data):
    async with in_process(data) as fleet:
        for number in range(51):
            await fleet.teach(f"Lesson {number} of many", task=f"task {number}")
    ids = await living(data)
    ids += [found["id"] for found in (await told("search", "--limit", "60", "--data", data))["items"]]
    async with in_process(data) as fleet:
        assert "use 'fleetlore prune'" in await fleet.refusal("prune", ids=list(dict.fromkeys(ids)), reason="test")
    found = await told("prune", *ids, "--reason", "test", "--apply", "--data", data)
    assert (found["state"], len(found["acts"]), found["kept"]) == ("applied", 51, 0)


async def test_nothing_to_forget_says_what_to_do(data, item):
    assert (await run("prune", "--apply", "--data", data)).startswith("nothing to forget: no item is hardly trusted")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["k_x", "--reason", "test"], "there is no item k_x"),
        (["k_x"], "reason: it is required with ids"),
        (["k_x", "--plan", "p_x"], "Give --plan or ids, not both"),
        (["--plan", "p_x", "--apply"], "there is no plan p_x"),
    ],
)
async def test_what_cannot_be_pruned_is_refused(data, item, arguments, sentence):
    with pytest.raises(Refusal, match=sentence):
        await run("prune", *arguments, "--data", data)
    assert await living(data) == [item]


async def test_nobody_forgets_anothers_own_item(data):
    async with in_process(data) as fleet:
        own = await fleet.teach("Keep it", task=TASK, space="prompt", task_type="ops", agent="bob")
    with pytest.raises(Refusal, match=f"there is no item {own}"):
        await run("prune", own, "--reason", "test", "--agent", "ana", "--data", data)
    plan = await told("prune", own, "--reason", "test", "--agent", "bob", "--data", data)
    with pytest.raises(Refusal, match=f"there is no plan {plan['plan']}"):
        await run("prune", "--plan", plan["plan"], "--agent", "ana", "--apply", "--data", data)


async def test_at_a_terminal_one_is_asked_first_and_may_say_no(data, item):
    code, output = at_a_terminal("prune", item, "--reason", "test", "--apply", "--data", data, typed="n\n")
    assert code == 1
    assert "forget 1 item? [y/N]" in output
    assert await living(data) == [item]


async def test_at_a_terminal_revoking_asks_first_and_one_may_say_no_or_yes(data, item):
    code, output = at_a_terminal("revoke", "teacher", "--data", data, typed="n\n")
    assert code == 1
    assert "only teacher backs it" in output
    assert "revoke teacher? [y/N]" in output
    assert await living(data) == [item]
    code, output = at_a_terminal("revoke", "teacher", "--data", data, typed="y\n")
    assert code == 0
    assert "revoked teacher: 1 item changed" in output
    assert await living(data) == []


async def test_colours_are_for_terminals_and_go_with_no_color(data, item):
    coloured, plain = (at_a_terminal("show", item, "--data", data, **more)[1] for more in ({}, {"NO_COLOR": "1"}))
    assert ESCAPE in coloured
    assert ESCAPE not in plain
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain
    assert ESCAPE not in await run("show", item, "--data", data)


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["se"], {"serve", "search"}), (["completion", "z"], {"zsh"}), (["show", "k_"], None), (["show", "p_"], set())],
)
async def test_a_real_bash_completes_commands_choices_and_ids(data, item, words, expected):
    script = await run("completion", "bash")
    assert "~/.local/share/bash-completion/completions/fleetlore" in script
    line = " ".join(("fleetlore", *words))
    shell = f"""{script}
COMP_WORDS=({line}); COMP_CWORD={len(words)}; _fleetlore_completion fleetlore; printf '%s\\n' "${{COMPREPLY[@]}}" """
    here = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{here}:{os.environ['PATH']}", "FLEETLORE_DATA": str(data)}
    done = await anyio.run_process(["bash", "-c", shell], env=environment)
    assert set(done.stdout.decode().split()) == ({item} if expected is None else expected)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
async def test_completion_for_other_shells_says_where_to_put_it(shell):
    script = await run("completion", shell)
    assert "_FLEETLORE_COMPLETE" in script
    assert f"fleetlore completion {shell} > " in script
