"""Agents whose reports others do not bear out decide nothing, and taking new names does not help them."""

import pytest

from fleetlore.server.settings import utc_now
from fleetlore.storage.ledger import Ledger

TRUTH, LIE = "key length: 4096", "key length: 512"
LIARS = ("eve", "mal")


@pytest.fixture
async def ledger(fleet, tmp_path):
    """The ledger of the team's memory."""
    async with Ledger.open(tmp_path / "data", embedder="", fallback="wordllama-256", clock=utc_now) as opened:
        yield opened


async def _caught(team, ledger, *names):
    """Agents whose reports were hardly ever borne out."""
    for name in names:
        await team.receipt(name)
        await ledger.write(lambda transaction, name=name: transaction.set_slip(name, 0.9))


async def test_whoever_contradicts_what_others_said_slips_more_and_whoever_says_the_same_less(team, ledger):
    for agent in ("ana", "ben"):
        await team.teach(TRUTH, agent)
    for agent, insight in (("cy", TRUTH), ("eve", LIE)):
        await team.report(agent, insight=insight)
    assert await ledger.read.slip("cy") < 0.2 < await ledger.read.slip("eve")


async def test_agents_that_are_never_borne_out_promote_nothing_and_hardly_move_trust(team, ledger):
    await _caught(team, ledger, *LIARS)
    item = await team.teach(TRUTH)
    taught = await ledger.read.trust(item)
    for liar in LIARS:
        await team.report(liar, helpful=[item])
    praised = await ledger.read.trust(item)
    assert (await team.statuses())[item] == "provisional"
    for agent in ("ben", "cy"):
        await team.report(agent, helpful=[item])
    assert (await team.statuses())[item] == "active"
    assert await ledger.read.trust(item) - praised > 3 * (praised - taught)


async def test_what_they_call_harmful_stays_active_and_no_lesson_is_blamed_for_it(team, ledger):
    await _caught(team, ledger, *LIARS)
    item = await team.teach(TRUTH)
    for agent in ("ben", "cy"):
        await team.report(agent, helpful=[item])
    for liar in LIARS:
        await team.report(liar, outcome="failure", harmful=[item])
    assert (await team.statuses())[item] == "active"
    assert (await ledger.read.item(item, agent="")).blames == 0


async def test_a_new_name_starts_where_the_latest_new_names_came_to_and_is_heard_once_it_is_borne_out(team, ledger):
    for agent in ("ana", "ben"):
        await team.teach(TRUTH, agent)
    await _caught(team, ledger, *(f"eve-{number}" for number in range(8)))
    await team.report("dee", insight=TRUTH)
    slips = [await ledger.read.slip("dee")]
    for number in range(12):
        await team.report("dee", insight=TRUTH, applies_when=f"{team.task}, gateway {number}")
        slips.append(await ledger.read.slip("dee"))
    assert 0.9 > slips[0] > 0.85
    assert slips == sorted(slips, reverse=True)
    assert slips[-1] < slips[0] - 0.05


async def test_one_of_two_that_contradict_each_other_is_to_be_verified_whoever_says_it_loudest(team, ledger):
    item = await team.teach(TRUTH)
    for agent in ("ben", "cy"):
        await team.report(agent, helpful=[item])
    await team.teach(LIE, "eve")
    assert (await team.ask("dee"))["control"]["mode"] == "verify"
