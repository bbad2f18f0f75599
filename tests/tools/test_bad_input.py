"""Bad input: what is refused, in whose name and with what advice; and odd texts, which come back as they were sent, but
for what is hidden in them: that is written out."""

import json
import re

import pytest
from team import TASK, Team, counts, refusal

from fleet import in_process
from fleetlore.kmu.hidden import visible
from fleetlore.storage.errors import Refusal
from fleetlore.tools import prune, retrieve_knowledge, submit_feedback
from fleetlore.tools.arguments import read_arguments

ARGUMENTS = {
    "retrieve_knowledge": retrieve_knowledge.ARGUMENTS,
    "submit_feedback": submit_feedback.ARGUMENTS,
    "prune": prune.ARGUMENTS,
}
NOT_GIVEN = (
    "receipt: {} was not given to {} here. "
    "Send the receipt of your own retrieval, or leave it out and send the report again."
)
ONE_LINE = {
    "quotes": "it's \"quoted\" `here` ''and'' \\there\\",
    "SQL": "'); DROP TABLE items; -- ' OR '1'='1",
    "a filter": "x' OR owner != '' OR 'a%' LIKE '_",
    "markup": "<b>&amp;</b> {insight} %s ${HOME} {{7*7}}",
    "right-to-left text": "شغّل הבדיקות \u202eabc\u202c قبل",
    "zero-width characters": "de\u200bploy\u200d the\ufeff app\u2060",
    "emoji": "👩🏽‍🚀 ships 🚢🇦🇹 it 🏴‍☠️",
    "combining characters": "Z̷a̴l̵g̶o̷ é e\u0301 ﬁ Å Å",
    "another plane": "𝔣𝔯𝔞𝔨𝔱𝔲𝔯 𐍈 \U0010ffff",
}
LINES = {
    "NUL bytes": "before\x00after \x00",
    "line breaks": "one\ntwo\r\nthree\rfour\n",
    "rare line breaks": "one\u2028two\u2029three\x85four\x0bfive",
    "control characters": "\x1b[31mred\x1b[0m \x07\x7f\ttab",
}
TEXTS = ONE_LINE | LINES
NAMES = ONE_LINE | {
    "doubled quotes": "'' it''s ''",
    "an escaped quote": "\\' OR 1=1 --",
    "an escaped quote and a parenthesis": "\\') OR 1=1 --",
    "a backslash at the end": "C:\\keys\\",
}
SURROGATE = "half \ud83d of a pair"
STRAYS = {"a name of one's own": "item", "SQL": "' OR 1=1 --", "a path": "../../etc/passwd", "spaces": "a b c"}


@pytest.fixture(scope="module")
async def known(shared):
    """An item that ana taught and bob was shown."""
    item = await Team(shared).teach("Keep the old key for a day")
    await Team(shared).ask("bob")
    return item


def submit(**arguments):
    return {"tool": "submit_feedback", "task": TASK, "outcome": "success", "agent": "bob"} | arguments


# What is refused


@pytest.mark.parametrize("tool", ["retrieve_knowledge", "submit_feedback"])
@pytest.mark.parametrize("task", ["", " ", "\n\t\r\n", "\u2003\u00a0"])
async def test_an_empty_task_is_refused(shared, tool, task):
    assert (await refusal(shared, tool, task=task)).startswith("task: it is empty. ")


@pytest.mark.parametrize("tool", ["retrieve_knowledge", "submit_feedback"])
async def test_a_task_of_20000_characters_is_taken(shared, tool):
    arguments = {"outcome": "observation"} if tool == "submit_feedback" else {}
    for task in ("x" * 20_000, "deploy " * 2_857 + "x", "é🚀" * 10_000):
        assert len(task) == 20_000
        await shared.call(tool, task=task, **arguments)


@pytest.mark.parametrize("tool", ["retrieve_knowledge", "submit_feedback"])
async def test_a_task_of_20001_characters_is_refused(shared, tool):
    sentence = await refusal(shared, tool, task="x" * 20_001)
    assert sentence.startswith("task: it has 20,001 characters, at most 20,000 are allowed. ")


@pytest.mark.parametrize("name", ["reasoning", "insight", "applies_when", "output", "expected", "project", "key"])
async def test_an_oversized_text_is_refused_by_name(shared, name):
    sentence = await refusal(shared, **submit(**{name: "x" * 200_001}))
    assert sentence.startswith(f"{name}: it has 200,001 characters, at most ")


@pytest.mark.parametrize(("name", "least", "most"), [("limit", 1, 50), ("max_tokens", 100, 20_000)])
async def test_a_number_out_of_range_is_refused_and_the_bounds_are_not(shared, name, least, most):
    for number in (least - 1, most + 1, -least, 10**18):
        sentence = await refusal(shared, "retrieve_knowledge", task=TASK, **{name: number})
        assert sentence == f"{name}: '{number}' is out of range. Send a whole number from {least} to {most:,}."
    for number in (least, most):
        await shared.retrieve(TASK, **{name: number})


@pytest.mark.parametrize(
    ("tool", "name", "allowed"),
    [
        ("submit_feedback", "outcome", "success, failure, observation, auto"),
        ("submit_feedback", "kind", "do, avoid, fact, auto"),
        ("submit_feedback", "space", "auto, general, prompt"),
        ("prune", "space", "all, general, prompt"),
    ],
)
async def test_an_unknown_choice_is_refused_and_the_known_ones_are_told(shared, tool, name, allowed):
    arguments = {"task": TASK, "outcome": "success"} if tool == "submit_feedback" else {}
    sentence = await refusal(shared, tool, **arguments | {name: "whatever"})
    assert sentence == f"{name}: 'whatever' is not known. Use one of: {allowed}."


async def test_an_unknown_receipt_is_refused_and_what_to_do_is_told(shared):
    sentence = await refusal(shared, **submit(receipt="r_00000000000000000000"))
    assert sentence == NOT_GIVEN.format("r_00000000000000000000", "bob")


async def test_the_receipt_of_another_agent_is_refused(shared, known):
    receipt = await Team(shared).receipt("cy")
    sentence = await refusal(shared, **submit(receipt=receipt))
    assert sentence == NOT_GIVEN.format(receipt, "bob")


@pytest.mark.parametrize("stray", ["k_00000000000000000000", *STRAYS.values()])
@pytest.mark.parametrize("name", ["helpful", "harmful", "replaces"])
async def test_an_unknown_item_is_refused_in_the_name_of_the_list_that_has_it(shared, known, name, stray):
    sentence = await refusal(shared, **submit(insight="Call the partner first", **{name: [known, stray]}))
    assert sentence.startswith(f"{name}: there is no item {stray}. ")


@pytest.mark.parametrize("stray", ["k_00000000000000000000", *STRAYS.values()])
async def test_an_unknown_item_to_forget_is_refused(shared, known, stray):
    sentence = await refusal(shared, "prune", ids=[known, stray], reason="asked")
    assert sentence.startswith(f"ids: there is no item {stray}. ")


async def test_an_item_of_another_agents_own_space_is_an_unknown_item(shared, known):
    own = await shared.teach("Start with the tests", task=TASK, space="prompt", agent="cy")
    for name in ("helpful", "harmful", "replaces"):
        sentence = await refusal(shared, **submit(insight="Call the partner first", **{name: [own]}))
        assert sentence.startswith(f"{name}: there is no item {own}. ")
    assert (await refusal(shared, "prune", ids=[own], reason="x", agent="bob")).startswith("ids: there is no item")


async def test_an_item_that_the_agent_was_never_shown_neither_helped_nor_harmed_it(shared, known):
    for name in ("helpful", "harmful"):
        sentence = await refusal(shared, **submit(agent="newcomer", **{name: [known]}))
        assert sentence.startswith(f"{name}: {known} was not shown to newcomer ")


async def test_an_item_cannot_have_helped_and_harmed_at_once(shared, known):
    sentence = await refusal(shared, **submit(helpful=[known], harmful=["none", known]))
    assert sentence == f"harmful: {known} is in helpful too. Name each item in one of the two lists."


@pytest.mark.parametrize("sides", [{"output": "42"}, {"expected": "42"}, {"output": "42", "expected": ""}, {}])
async def test_auto_without_both_sides_is_refused(shared, sides):
    sentence = await refusal(shared, **submit(outcome="auto", **sides))
    assert sentence.startswith("outcome: 'auto' compares output with expected, and one of them is missing. ")


@pytest.mark.parametrize("insight", ["", "  \n"])
async def test_what_is_replaced_needs_an_insight_in_its_place(shared, known, insight):
    sentence = await refusal(shared, **submit(replaces=[known], insight=insight))
    assert sentence.startswith("replaces: it needs the insight ")


async def test_an_insight_replaces_no_item_of_the_other_space(shared, known):
    sentence = await refusal(shared, **submit(replaces=[known], insight="Start with the tests", space="prompt"))
    assert sentence.startswith(f"replaces: {known} is in the general space ")


async def test_a_key_that_is_used_again_with_other_content_is_refused(shared):
    first = submit(key="nightly-1", insight="Call the partner first")
    await shared.call(**first)
    for change in ({"insight": "Call the partner last"}, {"outcome": "failure"}, {"tags": ["x"]}, {"task": "x"}):
        sentence = await refusal(shared, **first | change)
        assert sentence == "key: it was used before with other content. Use a new key for a new report."


async def test_a_key_that_is_used_again_with_the_same_content_gets_the_same_answer_and_is_stored_once(shared):
    first = submit(key="nightly-2", insight="Write the date on the old key", tags=["keys"])
    answer = await shared.call(**first)
    before = await counts(shared)
    same = [first, first | {"tags": "keys", "outcome": " Success"}, first | {"reasoning": "", "helpful": None}]
    assert [await shared.call(**call) for call in same] == [answer] * 3
    assert await counts(shared) == before


async def test_two_agents_may_use_the_same_key(shared):
    answers = [await shared.call(**submit(key="nightly-3", agent=agent)) for agent in ("bob", "cy")]
    assert answers[0]["feedback"] != answers[1]["feedback"]


async def test_a_key_whose_report_was_refused_is_still_free(shared, known):
    await refusal(shared, **submit(key="nightly-4", helpful=["k_1"]))
    assert (await shared.call(**submit(key="nightly-4", helpful=[known])))["credited"] == [known]


@pytest.mark.parametrize("reason", ["", " "])
async def test_naming_items_to_forget_needs_a_reason(shared, known, reason):
    sentence = await refusal(shared, "prune", ids=[known], reason=reason)
    assert sentence == "reason: it is required with ids. Say why these items shall be forgotten."


@pytest.mark.parametrize("name", ["plan", "undo"])
@pytest.mark.parametrize("plan", ["p_00000000000000000000", *STRAYS.values()])
async def test_an_unknown_plan_is_refused(shared, name, plan):
    sentence = await refusal(shared, "prune", **{name: plan})
    assert sentence == f"{name}: there is no plan {plan}. Use the plan (p_…) that an earlier call returned."


async def test_a_plan_that_was_never_applied_cannot_be_undone(shared, known):
    plan = (await shared.call("prune", ids=[known], reason="asked"))["plan"]
    assert (
        await refusal(shared, "prune", undo=plan) == f"undo: {plan} was never applied. There is nothing to take back."
    )


async def test_a_plan_that_was_undone_is_not_applied_again(shared, known):
    plan = (await shared.call("prune", ids=[known], reason="asked", apply=True))["plan"]
    await shared.call("prune", undo=plan)
    assert (await refusal(shared, "prune", plan=plan, apply=True)).startswith(f"plan: {plan} was undone. ")


@pytest.mark.parametrize("others", [{"ids": ["k_1"], "reason": "x"}, {"plan": "p_1"}, {"apply": True}])
async def test_undo_goes_with_nothing_else(shared, others):
    assert (await refusal(shared, "prune", undo="p_1", **others)).startswith("undo: ")


async def test_a_plan_for_another_agents_own_items_is_refused_as_if_there_were_none(shared):
    own = await shared.teach("Read the log first", task=TASK, space="prompt", agent="cy")
    plan = (await shared.call("prune", ids=[own], reason="asked", agent="cy"))["plan"]
    for arguments in ({"plan": plan}, {"plan": plan, "apply": True}):
        sentence = await refusal(shared, "prune", agent="bob", **arguments)
        assert sentence == f"plan: there is no plan {plan}. Use the plan (p_…) that an earlier call returned."
    await shared.call("prune", plan=plan, apply=True, agent="cy")
    sentence = await refusal(shared, "prune", agent="bob", undo=plan)
    assert sentence == f"undo: there is no plan {plan}. Use the plan (p_…) that an earlier call returned."


@pytest.mark.parametrize(
    "call", [("retrieve_knowledge", {"task": TASK}), ("submit_feedback", {"task": TASK}), ("prune", {})]
)
async def test_an_agent_that_differs_from_the_settled_one_is_refused_by_name(tmp_path, call):
    tool, arguments = call
    async with in_process(tmp_path, agent="ana") as fleet:
        sentence = await refusal(fleet, tool, **arguments, agent="bob")
    assert sentence == "agent: this server speaks for ana, not for bob. Leave agent out."


async def test_the_settled_agent_may_be_named_or_left_out(tmp_path):
    async with in_process(tmp_path, agent="ana maria") as fleet:
        for agent in ("", "ana maria", " ana-maria ", None):
            await fleet.teach("Keep the old key for a day", agent=agent)
        [item] = (await fleet.resource("fleetlore://general"))["items"]
    assert item["author"] == "ana-maria"


# Odd texts


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_an_insight_and_its_condition_come_back_as_they_were_sent(shared, text):
    insight, condition = f"{text} rotates twice", f"{TASK} {text}"
    item = await shared.teach(insight, task=text, applies_when=condition)
    shown = {found["id"]: found for found in (await shared.retrieve(condition, limit=50, max_tokens=20_000))["items"]}
    whole = await shared.resource(f"fleetlore://item/{item}")
    listed = [one for one in (await shared.resource("fleetlore://general"))["items"] if one["id"] == item]
    planned = (await shared.call("prune", ids=[item], reason=text))["items"]
    assert [entry["insight"] for entry in (shown[item], whole, *listed, *planned)] == [visible(insight)] * 4
    assert [entry["applies_when"] for entry in (shown[item], whole, *listed)] == [visible(condition)] * 3


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_an_odd_text_is_quoted_on_one_line_of_the_text_form(shared, text):
    item = await shared.teach(f"{text} turns twice", applies_when=f"{TASK} {text}")
    answer = await shared.text("retrieve_knowledge", task=f"{TASK} {text}", limit=50, max_tokens=20_000)
    [line] = [line for line in answer.split("\n") if line.startswith(f"- {item} ")]
    assert json.dumps(visible(f"{text} turns twice"), ensure_ascii=False) in line


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_task_may_be_any_text(shared, text):
    assert (await shared.retrieve(text))["receipt"].startswith("r_")
    assert (await shared.submit(text, outcome="observation"))["outcome"] == "observation"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_reasoning_comes_back_as_it_was_sent(shared, text):
    team = Team(shared)
    item = await team.teach(f"Skip the second check {text}")
    await team.report("bob", harmful=[item], insight=f"Keep the second check {visible(text)}", reasoning=text)
    [planned] = (await shared.call("prune", ids=[item], reason="asked"))["items"]
    assert planned["because"] == f"asked; reports say bob: “{visible(text)}”"
    assert (await team.shown("cy"))[item]["against"] == visible(text)
    report = (await team.item(item))["verdicts"][-1]["feedback"]
    assert planned["feedback"] == [report]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_what_came_with_a_lesson_is_kept_as_it_was_sent(shared, text):
    item = await shared.teach(f"Check the seal {text}", reasoning=text)
    assert (await shared.resource(f"fleetlore://item/{item}"))["origin"]["assessment"] == [visible(text)]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_an_output_is_compared_with_what_was_expected_as_both_were_sent(shared, text):
    outputs = (text, f"{text}x", f"x {text}")
    answers = [await shared.submit(TASK, output=output, expected=text) for output in outputs]
    assert [answer["outcome"] for answer in answers] == ["success", "failure", "failure"]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_reason_to_forget_comes_back_as_it_was_sent(shared, known, text):
    plan = await shared.call("prune", ids=[known], reason=text)
    assert [item["because"] for item in plan["items"]] == [visible(text)]
    assert await shared.call("prune", plan=plan["plan"]) == plan


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
async def test_a_name_of_one_line_is_kept_and_found_as_it_was_sent(shared, text):
    text, agent = text[:60].strip(), "dee"
    learnt = {"task": TASK, "task_type": text, "project": text, "tags": [text], "agent": agent}
    item = await shared.teach(f"Sharpen the tool for {text}", **learnt, space="prompt")
    asked = {"task": "something else", "task_type": text, "project": text, "tags": [text], "agent": agent}
    [found] = (await shared.retrieve(**asked))["items"]
    assert (found["id"], found["project"], found["tags"]) == (item, visible(text), [visible(text)])
    assert (await shared.retrieve(**asked | {"task_type": f"{text}'"}))["items"] == []
    assert (await shared.retrieve(**asked | {"tags": [f"{text}'"]}))["items"] == []


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
async def test_no_name_widens_what_is_asked_for(shared, known, text):
    await shared.teach("Start at the back", task=TASK, space="prompt", agent="eve", task_type="review", tags=["back"])
    assert (await shared.retrieve(TASK, tags=["keys", text], agent="eve"))["items"] == []
    own = (await shared.retrieve(TASK, task_type=f"not {text}"[:64].strip(), agent="eve"))["items"]
    assert [item for item in own if item.get("space") == "prompt"] == []


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
async def test_a_key_of_one_line_is_known_again(shared, text):
    answer = await shared.call(**submit(key=text))
    assert await shared.call(**submit(key=text)) == answer
    assert await shared.call(**submit(key=f"{text}'")) != answer


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
async def test_an_agents_name_is_folded(shared, text):
    item = await shared.teach(f"Oil the lock {text}", agent=text, space="general")
    author = (await shared.resource(f"fleetlore://item/{item}"))["author"]
    assert re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", author)


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
@pytest.mark.parametrize("name", ["task_type", "project", "tags", "agent", "key", "receipt"])
async def test_a_name_with_line_breaks_or_control_characters_is_refused_by_name(shared, name, text):
    sentence = await refusal(shared, **submit(**{name: [text] if name == "tags" else text}))
    assert sentence.startswith(f"{name}: ")
    assert "line breaks or control characters" in sentence


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
@pytest.mark.parametrize("name", ["plan", "undo", "agent"])
async def test_a_plan_with_line_breaks_or_control_characters_is_refused_by_name(shared, name, text):
    sentence = await refusal(shared, "prune", **{name: text})
    assert sentence.startswith(f"{name}: it has line breaks or control characters")


@pytest.mark.parametrize(
    ("tool", "name"),
    [(tool, argument.name) for tool, taken in ARGUMENTS.items() for argument in taken if argument.form != "flag"],
)
async def test_half_of_a_surrogate_pair_is_refused_wherever_it_stands(shared, tool, name):
    required = {} if tool == "prune" else {"task": TASK}
    with pytest.raises(Refusal, match=rf"^{name}: "):
        read_arguments(ARGUMENTS[tool], required | {name: SURROGATE})
    assert (await refusal(shared, tool, **required | {name: SURROGATE})).startswith(f"{name}: ")


async def test_half_of_a_surrogate_pair_inside_an_object_is_refused(shared):
    with pytest.raises(Refusal, match=r"^output: "):
        read_arguments(submit_feedback.ARGUMENTS, {"task": TASK, "output": {"deep": ["down", SURROGATE]}})


async def test_a_resource_that_does_not_exist_says_so_and_stores_nothing(shared):
    before = await counts(shared)
    for item in ("k_00000000000000000000", "' OR 1=1 --", "🚀"):
        with pytest.raises(Exception, match="There is no item"):
            await shared.resource(f"fleetlore://item/{item}")
    assert await counts(shared) == before
