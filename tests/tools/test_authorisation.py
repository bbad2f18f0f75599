"""Authorisation: every way of asking needs its scope, and says so in one sentence where it is missing."""

import pytest
from mcp import Client, MCPError
from strangers import Login
from team import TASK

from fleet import Fleet, in_process
from fleetlore.kmu import editing
from fleetlore.kmu.access import NEEDS, SCOPES, Principal
from fleetlore.server.app import serve_memory
from fleetlore.server.hooks.answers import answer
from fleetlore.server.hooks.requests import request_of
from fleetlore.server.settings import Settings
from fleetlore.storage.errors import Forbidden

LESSON = "Keep the old key for a day"


def sentence(way, agent="ana"):
    return str(Forbidden(agent, way, NEEDS[way]))


@pytest.fixture
async def login(tmp_path):
    """A memory at which a login settles who calls, and a client of it."""
    memory = Login(Settings(data=tmp_path / "data"))
    async with Client(serve_memory(memory)) as client:
        yield memory, Fleet(client)


def without(memory, way, agent="ana"):
    """Somebody with every scope but the one that the way needs."""
    memory.caller = Principal(agent=agent, scopes=SCOPES - {NEEDS[way]})


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("retrieve_knowledge", {"task": TASK}),
        ("submit_feedback", {"task": TASK, "outcome": "success", "insight": LESSON}),
        ("prune", {}),
    ],
)
async def test_a_tool_is_refused_to_whoever_lacks_its_scope(login, tool, arguments):
    memory, fleet = login
    without(memory, tool)
    assert await fleet.refusal(tool, **arguments) == sentence(tool)
    memory.caller = Principal(agent="ana", scopes=frozenset({NEEDS[tool]}))
    await fleet.call(tool, **arguments)


@pytest.mark.parametrize(
    "uri",
    ["fleetlore://general", "fleetlore://prompt/ana", "fleetlore://item/k_1", "fleetlore://gaps", "fleetlore://status"],
)
async def test_a_resource_is_refused_to_whoever_lacks_its_scope(login, uri):
    memory, fleet = login
    way = uri.replace("/ana", "/{agent}").replace("/k_1", "/{id}")
    without(memory, way)
    with pytest.raises(MCPError) as refused:
        await fleet.resource(uri)
    assert str(refused.value) == sentence(way)


@pytest.mark.parametrize("prompt", ["start_task", "report_outcome"])
async def test_a_prompt_is_refused_to_whoever_lacks_its_scope(login, prompt):
    memory, fleet = login
    without(memory, prompt)
    with pytest.raises(MCPError) as refused:
        await fleet.client.get_prompt(prompt, {"task": TASK})
    assert str(refused.value) == sentence(prompt)


@pytest.mark.parametrize("hook", ["session-start", "stop", "tool-use", "report"])
async def test_a_hook_is_refused_to_whoever_lacks_its_scope(login, hook):
    memory, _ = login
    way = f"/hooks {hook}"
    body = {"hook": hook, "receipts": [], "receipt": "r_1", "implicit": "reverted"}
    without(memory, way)
    with pytest.raises(Forbidden) as refused:
        await answer((await memory.unit()).ledger, request_of(body), principal=memory.caller)
    assert str(refused.value) == sentence(way)


async def test_what_a_person_did_is_not_taken_back_by_whoever_may_only_prune(login, tmp_path):
    memory, fleet = login
    item = await fleet.teach(LESSON, task=TASK)
    unit = await memory.unit()
    known = await unit.ledger.read.item(item, agent="ana")
    wish = type(known.wording)(insight="Keep it for a week", applies_when=TASK, kind="do")
    plan, _ = await editing.edit(unit.ledger, item, read=known.wording, wish=wish, agent="ana")
    memory.caller = Principal(agent="bob", scopes=frozenset({"prune"}))
    refused = await fleet.refusal("prune", undo=plan.id)
    assert refused == sentence("undo of an edit, an import or a revocation", "bob")
    memory.caller = Principal(agent="bob", scopes=frozenset({"prune", "admin"}))
    await fleet.call("prune", undo=plan.id)


async def test_who_prunes_may_undo_what_another_pruned(login):
    memory, fleet = login
    item = await fleet.teach(LESSON, task=TASK)
    plan = (await fleet.call("prune", ids=[item], reason="old", apply=True))["plan"]
    memory.caller = Principal(agent="bob", scopes=frozenset({"prune"}))
    assert (await fleet.call("prune", undo=plan))["applied"] is False


async def test_where_nobody_logs_in_everybody_may_everything(tmp_path):
    async with in_process(tmp_path / "data") as fleet:
        item = await fleet.teach(LESSON, task=TASK)
        await fleet.call("prune", ids=[item], reason="old", apply=True, agent="bob")
