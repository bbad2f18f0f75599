"""What was seen from outside counts weakly, for as long as the agent has not said how its task went."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from team import counts

from fleet import slept
from fleetlore.kmu.evidence import log_odds, shared
from fleetlore.kmu.implicit import KINDS, Implied, imply, sign_of, trust_after
from fleetlore.server.settings import utc_now
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger import Ledger

LESSON, OTHER = "Keep the old key for a day", "Restart the gateway after the rotation"
TRUST, SHARE = st.floats(0.01, 0.99), st.floats(0, 1)


@pytest.fixture
async def ledger(fleet, tmp_path):
    """The ledger of the team's memory, as a hook opens it beside the server."""
    async with Ledger.open(tmp_path / "data", embedder="", fallback="wordllama-256", clock=utc_now) as opened:
        yield opened


async def _trusts(ledger, receipt):
    shown = (await ledger.read.receipt(receipt, agent=None)).shown
    return {entry.item: await ledger.read.trust(entry.item) for entry in shown}


async def _taught(team):
    """A receipt that bob was given for two lessons that ana taught."""
    first, second = await team.teach(LESSON), await team.teach(OTHER)
    return first, second, await team.receipt("bob")


async def test_tests_that_passed_speak_for_what_was_shown_and_tests_that_failed_against_it(team, ledger):
    _, _, receipt = await _taught(team)
    before = await _trusts(ledger, receipt)
    await imply(ledger, receipt, "tests-passed")
    passed = await _trusts(ledger, receipt)
    await imply(ledger, receipt, "tests-failed")
    failed = await _trusts(ledger, receipt)
    assert [failed[item] < before[item] < passed[item] for item in before] == [True, True]


async def test_what_is_seen_later_takes_the_place_of_what_was_seen_before(team, ledger):
    _, _, receipt = await _taught(team)
    await imply(ledger, receipt, "tests-passed")
    passed = await _trusts(ledger, receipt)
    for saw in ("command-failed", "tests-failed", "reverted", "tests-passed"):
        await imply(ledger, receipt, saw)
    assert await _trusts(ledger, receipt) == pytest.approx(passed)


async def test_seeing_the_same_once_more_stores_nothing(team, ledger):
    _, _, receipt = await _taught(team)
    first = await imply(ledger, receipt, "tests-passed")
    told, trusts = await ledger.read.reports(receipt), await _trusts(ledger, receipt)
    again = await imply(ledger, receipt, "tests-passed")
    assert first == Implied(
        feedback=first.feedback, receipt=receipt, implicit="tests-passed", outcome="success", items=2
    )
    assert again == Implied(
        feedback=first.feedback, receipt=receipt, implicit="tests-passed", outcome="success", known=True
    )
    assert (await ledger.read.reports(receipt), await _trusts(ledger, receipt)) == (told, trusts)


@pytest.mark.parametrize("saw", ["tests-passed", "reverted"])
@pytest.mark.parametrize(
    "answer",
    [
        {"outcome": "success"},
        {"outcome": "failure"},
        {"outcome": "success", "helpful": "none"},
        {"outcome": "success", "helpful": LESSON},
        {"outcome": "failure", "harmful": LESSON},
        {"outcome": "observation", "insight": "The gateway caches keys"},
    ],
    ids=lambda answer: " ".join(answer.values()),
)
async def test_the_agents_own_word_takes_the_place_of_everything_that_was_seen(team, ledger, saw, answer):
    first, second, receipt = await _taught(team)
    answer = {name: [first] if value == LESSON else value for name, value in answer.items()}
    before = await _trusts(ledger, receipt)
    await imply(ledger, receipt, saw)
    await team.answer("bob", receipt, **answer)
    verdicts = [verdict for item in (first, second) for verdict in await ledger.read.verdicts(item)]
    assert not any(verdict.implicit for verdict in verdicts)
    said = {verdict.item: verdict.delta for verdict in verdicts if verdict.source == receipt}
    moved = {item: log_odds(trust) - log_odds(before[item]) for item, trust in (await _trusts(ledger, receipt)).items()}
    assert moved == pytest.approx({item: said.get(item, 0.0) for item in before}, abs=1e-9)


@pytest.mark.parametrize("answered", [False, True])
async def test_what_was_seen_of_an_item_goes_along_with_a_merge_and_back_with_its_undo(
    team, ledger, tmp_path, answered
):
    when = ("rotating the signing keys of the gateway", "rotating signing keys of gateway")
    first = await team.teach("Rotate the old key before the deploy", applies_when=when[0])
    second = await team.teach("Rotate old key before deploy", "bob", applies_when=when[1])
    receipt = await team.receipt("cy")
    before = await _trusts(ledger, receipt)
    await imply(ledger, receipt, "tests-failed")
    seen = await _trusts(ledger, receipt)
    [plan] = (await slept(tmp_path / "data")).plans
    assert [[v.implicit for v in await ledger.read.verdicts(first)].count(True), plan.items[0].item] == [1, second]
    if answered:
        await team.answer("cy", receipt, outcome="observation", insight="The gateway caches keys")
    await team.fleet.call("prune", undo=plan.id, agent="ops")
    assert await _trusts(ledger, receipt) == pytest.approx(before if answered else seen)


async def test_what_is_seen_after_the_agents_own_word_is_stored_and_changes_nothing(team, ledger):
    _, _, receipt = await _taught(team)
    await team.answer("bob", receipt, outcome="success")
    before = await _trusts(ledger, receipt)
    assert (await imply(ledger, receipt, "tests-failed")).items == 0
    assert await _trusts(ledger, receipt) == before
    assert [(r["outcome"], r.get("implicit")) for r in await ledger.read.reports(receipt)] == [
        ("success", None),
        ("failure", "tests-failed"),
    ]


async def test_it_answers_no_receipt_bears_nothing_out_and_teaches_nothing_of_reports(team, ledger):
    first, _, receipt = await _taught(team)
    item, experience = await ledger.read.item(first, agent=""), await ledger.read.experience()
    before, slip = await counts(team.fleet), await ledger.read.slip("bob")
    for saw in KINDS:
        await imply(ledger, receipt, saw)
    after = await ledger.read.item(first, agent="")
    told = [(e.support, e.contradiction, e.agents, e.projects) for e in (item.evidence, after.evidence)]
    assert told[0] == told[1]
    assert (after.stage, after.updated_at, after.blames) == (item.stage, item.updated_at, item.blames)
    assert (await ledger.read.experience(), await ledger.read.slip("bob")) == (experience, slip)
    receipts = {**before["receipts"], "implicit_only": 1}
    assert await counts(team.fleet) == {**before, "receipts": receipts}
    assert not (await ledger.read.receipt(receipt, agent=None)).answered


async def test_nobody_vouches_for_himself_by_tests_that_pass(team, ledger):
    await _taught(team)
    receipt = await team.receipt("ana")
    before = await _trusts(ledger, receipt)
    await imply(ledger, receipt, "tests-passed")
    assert await _trusts(ledger, receipt) == before


async def test_a_receipt_that_was_never_given_is_refused(ledger):
    with pytest.raises(Refusal, match="r_01hzzzzzzzzzzzzzzzzz is unknown here"):
        await imply(ledger, "r_01hzzzzzzzzzzzzzzzzz", "tests-passed")


async def test_without_learning_it_is_stored_and_counts_for_nothing(team, ledger):
    _, _, receipt = await _taught(team)
    before = await _trusts(ledger, receipt)
    assert (await imply(ledger, receipt, "reverted", learning=False)).items == 0
    assert await _trusts(ledger, receipt) == before


async def test_the_first_outcome_is_the_agents_own_else_what_was_seen_last(team, ledger):
    await _taught(team)
    seen, both = await team.receipt("bob"), await team.receipt("carl")
    for receipt, saw in itertools.product((seen, both), ("tests-failed", "tests-passed")):
        await imply(ledger, receipt, saw)
    await team.answer("carl", both, outcome="failure")
    attempts = {a.receipt: (a.outcome, a.implicit, a.answered) for a in await ledger.read.attempts()}
    assert (attempts[seen], attempts[both]) == (("success", "tests-passed", False), ("failure", "", True))


async def test_an_item_shows_what_was_only_seen_as_such(team, ledger):
    first, _, receipt = await _taught(team)
    await imply(ledger, receipt, "tests-passed")
    assert [v.get("implicit", False) for v in (await team.item(first))["verdicts"]] == [False, True]


@given(TRUST, SHARE, st.sampled_from(KINDS))
def test_what_was_seen_moves_trust_the_same_way_as_a_report_and_less(trust, share, saw):
    seen, said = trust_after(trust, saw, share), shared(trust, sign_of(saw), share)
    assert min(trust, said) - 1e-9 <= seen <= max(trust, said) + 1e-9
