"""Calls as models really make them: each is understood and does what was meant, or is refused by a helpful sentence.

In the tables `<a>` and `<b>` are items that the caller was shown under `<receipt>`; `<fresh>` is one that no other call
touches.
"""

import time
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from team import TASK, Team, refusal

from fleet import Fleet
from fleetlore.tools import prune, retrieve_knowledge, submit_feedback

PARCELS = "label the parcels in the warehouse"
PASTED = "You are a careful assistant.\nFollow these rules:\n" + "- be brief and check every fact\n" * 20
KNOWN = 7
ARGUMENTS = {
    "retrieve_knowledge": retrieve_knowledge.ARGUMENTS,
    "submit_feedback": submit_feedback.ARGUMENTS,
    "prune": prune.ARGUMENTS,
}
OPTIONAL = [(tool, argument.name) for tool, taken in ARGUMENTS.items() for argument in taken if not argument.required]
PLAIN = {
    "retrieve_knowledge": {"task": TASK},
    "submit_feedback": {"task": PARCELS, "output": "4", "expected": "4.0"},
    "prune": {},
}


def retrieve(**arguments: Any) -> tuple[str, dict[str, Any]]:
    return "retrieve_knowledge", {"task": TASK} | arguments


def submit(**arguments: Any) -> tuple[str, dict[str, Any]]:
    return "submit_feedback", {"task": TASK, "outcome": "success"} | arguments


def learn(**arguments: Any) -> tuple[str, dict[str, Any]]:
    return submit(**{"task": PARCELS, "insight": "Weigh what <fresh> speaks of"} | arguments)


def compare(output: Any, expected: Any) -> tuple[str, dict[str, Any]]:
    return submit(outcome="auto", output=output, expected=expected)


def forget(**arguments: Any) -> tuple[str, dict[str, Any]]:
    return "prune", {"ids": "<fresh>", "reason": "asked by ops"} | arguments


NOBODY = {"credited": None, "blamed": None}
ONE = {"credited": ["<a>"], "blamed": None}
BOTH = {"credited": ["<a>", "<b>"], "blamed": None}
PLANNED = {"applied": False, "items": [{"id": "<fresh>"}]}
PRUNED = {"applied": True, "items": [{"id": "<fresh>"}]}

UNDERSTOOD = {
    "one id as a string": (submit(helpful="<a>"), ONE),
    "one id with spaces around it": (submit(helpful="  <a> "), ONE),
    "ids between commas in one string": (submit(helpful="<a>, <b>"), BOTH),
    "ids between spaces in one string": (submit(helpful="<a> <b>"), BOTH),
    "ids between semicolons in one string": (submit(helpful="<a>;<b>"), BOTH),
    "ids on lines of one string": (submit(helpful="<a>\n<b>\n"), BOTH),
    "a list of one id as JSON text": (submit(helpful='["<a>"]'), ONE),
    "a list of two ids as JSON text": (submit(helpful=' ["<a>", "<b>"] '), BOTH),
    "a list of ids as Python writes it": (submit(helpful="['<a>', '<b>']"), BOTH),
    "a list of ids that is not closed": (submit(helpful='["<a>", "<b>"'), BOTH),
    "the same id twice": (submit(helpful=["<a>", "<a> "]), ONE),
    "a list with a null in it": (submit(helpful=["<a>", None]), ONE),
    "a list with an empty string in it": (submit(helpful=["<a>", ""]), ONE),
    "an empty list in a string": (submit(helpful="[]"), NOBODY),
    "an empty string for a list": (submit(helpful="", harmful=""), NOBODY),
    "none as a string": (submit(helpful="none", receipt="<receipt>"), NOBODY),
    "None with a capital": (submit(helpful=["None"], receipt="<receipt>"), NOBODY),
    "none as what was harmful": (submit(helpful="<a>", harmful="none"), ONE),
    "harmful as a string": (submit(harmful="<a>"), {"credited": None, "blamed": ["<a>"]}),
    "harmful as JSON text": (submit(harmful='["<a>"]'), {"credited": None, "blamed": ["<a>"]}),
    "harmful ids between spaces": (submit(harmful="<a> <b>"), {"credited": None, "blamed": ["<a>", "<b>"]}),
    "one helped and one misled": (submit(helpful="<a>", harmful=["<b>"]), {"credited": ["<a>"], "blamed": ["<b>"]}),
    "a receipt with spaces around it": (submit(receipt=" <receipt> ", helpful="<a>"), ONE),
    "an empty receipt": (submit(receipt="", helpful="<a>"), ONE),
    "replaces as a string": (learn(replaces="<fresh>"), {"learned": [{"decision": "superseding"}]}),
    "replaces as JSON text": (learn(replaces='["<fresh>"]'), {"learned": [{"decision": "superseding"}]}),
    "replaces twice the same": (learn(replaces="<fresh>, <fresh>"), {"learned": [{"decision": "superseding"}]}),
    "Success with a capital": (submit(outcome="Success"), {"outcome": "success"}),
    "failure with spaces": (submit(outcome=" failure "), {"outcome": "failure"}),
    "OBSERVATION in capitals": (submit(outcome="OBSERVATION\n"), {"outcome": "observation"}),
    "an empty outcome is auto": (submit(outcome="", output="4", expected="4"), {"outcome": "success"}),
    "an outcome of null is auto": (submit(outcome=None, output="4", expected="5"), {"outcome": "failure"}),
    "a kind with a capital": (learn(kind="Avoid"), {"item": {"kind": "avoid"}}),
    "an empty kind is auto": (learn(kind="", insight="Never weigh <fresh>"), {"item": {"kind": "avoid"}}),
    "an empty space is auto": (learn(space=""), {"item": {"space": "general"}}),
    "a space in capitals": (learn(space=" GENERAL "), {"item": {"space": "general"}}),
    "a number as the insight": (learn(insight=42, applies_when="<fresh>"), {"item": {"insight": "42"}}),
    "a number as the condition": (learn(applies_when=3.11), {"item": {"applies_when": "3.11"}}),
    "a number as the project": (learn(project=17), {"item": {"project": "17"}}),
    "a number as the key": (learn(key=17), {"learned": [{"decision": "new"}]}),
    "tags between commas": (learn(tags="scale, label"), {"item": {"tags": ["scale", "label"]}}),
    "tags as JSON text": (learn(tags='["scale", "label"]'), {"item": {"tags": ["scale", "label"]}}),
    "one tag as a string": (learn(tags="scale"), {"item": {"tags": ["scale"]}}),
    "a tag of two words": (learn(tags="kitchen scale"), {"item": {"tags": ["kitchen scale"]}}),
    "the same tag twice": (learn(tags=["scale", " scale"]), {"item": {"tags": ["scale"]}}),
    "output and expected as objects": (
        compare({"b": [1, 2], "a": None}, {"a": None, "b": [1, 2]}),
        {"outcome": "success"},
    ),
    "output as an object, expected as its text": (compare({"a": 1}, '{"a": 1.0}'), {"outcome": "success"}),
    "output as a list, expected as another": (compare([1, 2], [1, 3]), {"outcome": "failure"}),
    "output as a number": (compare(5, "5.0"), {"outcome": "success"}),
    "output as true": (compare(True, "True"), {"outcome": "success"}),
    "output as false": (compare(False, True), {"outcome": "failure"}),
    "output as zero": (compare(0, 0.0), {"outcome": "success"}),
    "output as an empty list": (compare([], "[ ]"), {"outcome": "success"}),
    "a number as the task": (submit(task=404), {"outcome": "success"}),
    "a limit as a string": (retrieve(limit="4"), {"shown": 4}),
    "a limit as a string with a point": (retrieve(limit="3.0"), {"shown": 3}),
    "a limit as a string with spaces": (retrieve(limit=" 3 "), {"shown": 3}),
    "a limit as a float": (retrieve(limit=3.0), {"shown": 3}),
    "the largest limit": (retrieve(limit=50, max_tokens=20_000), {"shown": KNOWN}),
    "the smallest limit": (retrieve(limit="1"), {"shown": 1}),
    "a budget as a string": (retrieve(limit=50, max_tokens="20000"), {"shown": KNOWN}),
    "the smallest budget": (retrieve(max_tokens="100.0"), {"shown": 0}),
    "a sort of task with a space": (retrieve(task_type="code review"), {"shown": 5}),
    "one tag to search by, as a string": (retrieve(tags="partners"), {"shown": 5}),
    "tags to search by, between commas": (retrieve(tags="partners,keys", limit=50), {"shown": 5}),
    "tags to search by, as JSON text": (retrieve(tags='["keys"]', limit=50), {"shown": KNOWN}),
    "tags that nothing carries": (retrieve(tags=["keys", "nothing"]), {"shown": 0}),
    "an empty agent": (retrieve(agent=""), {"shown": 5}),
    "one id to forget": (forget(), PLANNED),
    "ids to forget as JSON text": (forget(ids='["<fresh>"]'), PLANNED),
    "ids to forget between spaces": (
        forget(ids="<a> <fresh>"),
        {"applied": False, "items": [{"id": "<a>"}, {"id": "<fresh>"}]},
    ),
    "apply as true in a string": (forget(apply="true"), PRUNED),
    "apply as yes": (forget(apply="Yes"), PRUNED),
    "apply as one": (forget(apply=1), PRUNED),
    "apply as false in a string": (forget(apply="False"), PLANNED),
    "apply as zero": (forget(apply=0), PLANNED),
    "apply as an empty string": (forget(apply=""), PLANNED),
    "a number as the reason": (forget(reason=7), PLANNED),
    "an empty space to forget in": (forget(space=""), PLANNED),
    "a space to forget in, with a capital": (forget(space="General"), PLANNED),
}

REFUSED = {
    "query for task": (("retrieve_knowledge", {"query": TASK}), ["'query'", "Did you mean task?"]),
    "prompt for task": (("retrieve_knowledge", {"prompt": TASK}), ["'prompt'", "Did you mean task?"]),
    "question for task": (("retrieve_knowledge", {"question": TASK}), ["'question'", "Did you mean task?"]),
    "description for task": (("submit_feedback", {"description": TASK}), ["Did you mean task?"]),
    "a misspelt task": (("retrieve_knowledge", {"taks": TASK}), ["'taks'", "Did you mean task?"]),
    "lesson for insight": (submit(lesson="Use <a>"), ["'lesson'", "Did you mean insight?"]),
    "learning for insight": (submit(learning="Use <a>"), ["'learning'", "Did you mean insight?"]),
    "content for insight": (submit(content="Use <a>"), ["'content'", "Did you mean insight?"]),
    "insights for insight": (submit(insights=["Use <a>"]), ["'insights'", "Did you mean insight?"]),
    "result for outcome": (submit(result="success"), ["'result'", "Did you mean outcome?"]),
    "success for outcome": (submit(success=True), ["'success'", "Did you mean outcome?"]),
    "a misspelt receipt": (submit(recipt="<receipt>"), ["'recipt'", "Did you mean receipt?"]),
    "a receipt's id": (submit(receipt_id="<receipt>"), ["Did you mean receipt?"]),
    "a misspelt helpful": (submit(helpfull=["<a>"]), ["'helpfull'", "Did you mean helpful?"]),
    "a misspelt reasoning": (submit(reasonning="It worked"), ["'reasonning'", "Did you mean reasoning?"]),
    "helpful ids": (submit(helpful_ids=["<a>"]), ["Did you mean helpful?"]),
    "supersedes for replaces": (submit(supersedes=["<a>"]), ["Did you mean replaces?"]),
    "appliesWhen in camel case": (submit(appliesWhen="on Linux"), ["'appliesWhen'", "Did you mean applies_when?"]),
    "taskType in camel case": (retrieve(taskType="review"), ["'taskType'", "Did you mean task_type?"]),
    "maxTokens in camel case": (retrieve(maxTokens=500), ["'maxTokens'", "Did you mean max_tokens?"]),
    "max-tokens with a dash": (retrieve(**{"max-tokens": 500}), ["'max-tokens'", "Did you mean max_tokens?"]),
    "Task with a capital": (("retrieve_knowledge", {"Task": TASK}), ["'Task'", "Did you mean task?"]),
    "top_k for limit": (retrieve(top_k=3), ["'top_k'", "Did you mean limit?"]),
    "repo for project": (retrieve(repo="acme/billing"), ["'repo'", "Did you mean project?"]),
    "item_ids for ids": (("prune", {"item_ids": ["<fresh>"]}), ["Did you mean ids?"]),
    "dry_run for apply": (forget(dry_run=True), ["'dry_run'", "Did you mean apply?"]),
    "arguments inside arguments": (
        ("retrieve_knowledge", {"arguments": {"task": TASK}}),
        ["'arguments'", "takes task,"],
    ),
    "params inside arguments": (("submit_feedback", {"params": {"task": TASK}}), ["'params'", "takes task,"]),
    "a name like no other": (retrieve(xyzzy=1), ["'xyzzy'", "there is no such argument", "takes task, limit"]),
    "a very long name": (retrieve(**{"x" * 5_000: 1}), ["there is no such argument", "xxx…'"]),
    "no arguments at all": (("retrieve_knowledge", {}), ["task: it is required", "Describe the task"]),
    "a task of null": (("submit_feedback", {"task": None, "outcome": "success"}), ["task: it is required"]),
    "an empty task": (retrieve(task=""), ["task: it is empty", "Describe the task"]),
    "a task of spaces": (retrieve(task=" \n\t "), ["task: it is empty"]),
    "an object as the task": (retrieve(task={"text": TASK}), ["task: it is an object", "one string"]),
    "a list as the task": (retrieve(task=[TASK]), ["task: it is a list", "one string"]),
    "true as the task": (retrieve(task=True), ["task: it is true or false"]),
    "an object as the insight": (submit(insight={"do": "x"}), ["insight: it is an object"]),
    "a list as the insight": (submit(insight=["one", "two"]), ["insight: it is a list"]),
    "true as the insight": (submit(insight=True), ["insight: it is true or false"]),
    "a list as the reasoning": (submit(reasoning=["because"]), ["reasoning: it is a list"]),
    "succeeded as the outcome": (
        submit(outcome="succeeded"),
        ["outcome: 'succeeded'", "did you mean success", "failure"],
    ),
    "failed as the outcome": (submit(outcome="failed"), ["outcome: 'failed'", "success, failure, observation, auto"]),
    "true as the outcome": (submit(outcome=True), ["outcome: it is true or false", "success, failure"]),
    "one as the outcome": (submit(outcome=1), ["outcome: it is a number", "success, failure"]),
    "a list as the outcome": (submit(outcome=["success"]), ["outcome: it is a list", "success, failure"]),
    "auto with nothing to compare": (submit(outcome="auto"), ["outcome: 'auto' compares output with expected"]),
    "auto with output alone": (submit(outcome="auto", output={"a": 1}), ["outcome: 'auto'", "Send both"]),
    "an unknown kind": (submit(insight="x", kind="warning"), ["kind: 'warning' is not known", "do, avoid, fact, auto"]),
    "an unknown space": (
        submit(insight="x", space="private"),
        ["space: 'private' is not known", "auto, general, prompt"],
    ),
    "a space that another tool knows": (forget(space="auto"), ["space: 'auto' is not known", "all, general, prompt"]),
    "a limit in words": (retrieve(limit="five"), ["limit: 'five' is not a number", "from 1 to 50"]),
    "a limit with a unit": (retrieve(limit="5 items"), ["limit: '5 items' is not a number"]),
    "an empty limit": (retrieve(limit=""), ["limit: '' is not a number"]),
    "a limit of true": (retrieve(limit=True), ["limit: 'True' is not a whole number"]),
    "a limit of two and a half": (retrieve(limit=2.5), ["limit: '2.5' is not a whole number"]),
    "a limit of nearly three": (retrieve(limit="2.999"), ["limit: '2.999' is not a whole number"]),
    "a limit of none": (retrieve(limit=0), ["limit: '0' is out of range", "from 1 to 50"]),
    "a negative limit": (retrieve(limit=-5), ["limit: '-5' is out of range"]),
    "a limit too large": (retrieve(limit="51"), ["limit: '51' is out of range"]),
    "an endless limit": (retrieve(limit="inf"), ["limit: 'inf' is not a whole number"]),
    "a limit that is no number": (retrieve(limit="nan"), ["limit: 'nan' is not a whole number"]),
    "a limit in a list": (retrieve(limit=[5]), ["limit: '[5]' is not a whole number"]),
    "a limit in an object": (retrieve(limit={"value": 5}), ["limit: ", "is not a whole number"]),
    "a limit of a thousand digits": (retrieve(limit=10**1_000), ["limit: ", "is out of range"]),
    "a limit of ten thousand digits": (retrieve(limit="9" * 10_000), ["limit: "]),
    "a budget too small": (retrieve(max_tokens=99), ["max_tokens: '99' is out of range", "from 100 to 20,000"]),
    "a budget too large": (retrieve(max_tokens=20_001), ["max_tokens: '20001' is out of range"]),
    "a budget with a letter": (retrieve(max_tokens="2k"), ["max_tokens: '2k' is not a number"]),
    "a pasted prompt as the sort of task": (retrieve(task_type=PASTED), ["task_type: ", "into task"]),
    "a short prompt as the sort of task": (retrieve(task_type="Be brief.\nBe kind."), ["task_type: ", "into task"]),
    "a long line as the sort of task": (submit(task_type="review " * 20), ["task_type: it has 140", "into task"]),
    "an object as the project": (retrieve(project={"name": "x"}), ["project: it is an object"]),
    "an object as the agent": (retrieve(agent={"name": "x"}), ["agent: it is an object"]),
    "an object as tags": (retrieve(tags={"keys": True}), ["tags: it is an object, not a list"]),
    "numbers as tags": (retrieve(tags=[1, 2]), ["tags: it holds a number"]),
    "a sentence as a tag": (learn(tags=["word " * 20]), ["tags: an entry has 99 characters"]),
    "too many tags": (learn(tags=[f"tag-{number}" for number in range(21)]), ["tags: it has 21 entries"]),
    "objects as helpful": (submit(helpful=[{"id": "<a>"}]), ["helpful: it holds an object"]),
    "an object around helpful": (submit(helpful={"ids": ["<a>"]}), ["helpful: it is an object, not a list"]),
    "lists in the list of helpful": (submit(helpful='[["<a>"]]'), ["helpful: it holds a list"]),
    "true as helpful": (submit(helpful=True), ["helpful: it is true or false, not a list"]),
    "a number as harmful": (submit(harmful=1), ["harmful: it is a number, not a list"]),
    "an item's number as helpful": (submit(helpful=["1"]), ["helpful: there is no item 1", "k_…"]),
    "an insight's text as helpful": (submit(helpful="the second one"), ["helpful: there is no item the second one"]),
    "two ids in one entry": (submit(helpful=["<a>, <b>"]), ["helpful: there is no item <a>, <b>"]),
    "none beside an item": (submit(helpful=["none", "<a>"]), ["helpful: it names items and 'none' at once"]),
    "helpful and harmful at once": (submit(helpful="<a>", harmful="<a>"), ["harmful: <a> is in helpful too"]),
    "an id that was not shown": (submit(helpful="<fresh>"), ["helpful: <fresh> was not shown"]),
    "replaces without insight": (submit(replaces="<fresh>"), ["replaces: it needs the insight"]),
    "an item as the receipt": (
        submit(receipt="<a>"),
        ["receipt: <a> was not given to", "leave it out and send the report"],
    ),
    "the word none as the receipt": (submit(receipt="none"), ["receipt: none was not given to", "leave it out"]),
    "a list as the receipt": (submit(receipt=["<receipt>"]), ["receipt: it is a list"]),
    "an object as the receipt": (submit(receipt={"receipt": "<receipt>"}), ["receipt: it is an object"]),
    "a list that never ends": (submit(helpful="[" * 100_000), ["helpful: "]),
    "maybe as apply": (forget(apply="maybe"), ["apply: 'maybe' is neither true nor false"]),
    "a list as apply": (forget(apply=[True]), ["apply: '[True]' is neither true nor false"]),
    "two as apply": (forget(apply=2), ["apply: '2' is neither true nor false"]),
    "ids without a reason": (forget(reason=None), ["reason: it is required with ids"]),
    "an item as the plan": (("prune", {"plan": "<fresh>", "apply": True}), ["plan: there is no plan <fresh>", "p_…"]),
    "true as undo": (("prune", {"undo": True}), ["undo: it is true or false"]),
    "a plan and ids": (forget(plan="p_1"), ["plan: a plan says itself which items it takes"]),
}


@dataclass(frozen=True)
class Scene:
    """A caller who was shown two items, and a third item that is there for this call alone."""

    fleet: Fleet
    caller: str
    names: dict[str, str]

    def filled(self, value: Any) -> Any:
        """The value with the names in it replaced by what they stand for."""
        if isinstance(value, dict):
            return {key: self.filled(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.filled(entry) for entry in value]
        if isinstance(value, str):
            for name, meant in self.names.items():
                value = value.replace(name, meant)
        return value

    def arguments(self, sent: dict[str, Any]) -> dict[str, Any]:
        """What is sent, from this caller unless it says otherwise."""
        return {"agent": self.caller} | self.filled(sent)

    async def seen(self, tool: str, sent: dict[str, Any]) -> dict[str, Any]:
        """The answer, with how many items were shown and the item that was learnt."""
        answer = await self.fleet.call(tool, **self.arguments(sent))
        seen = answer | {"shown": len(answer.get("items", ()))}
        if "learned" in answer:
            seen["item"] = await self.fleet.resource(f"fleetlore://item/{answer['learned'][0]['id']}")
        return seen


_numbers = count()


@pytest.fixture(scope="module")
async def named(shared):
    """Two items that calls name, and five beside them, all on one task."""
    team = Team(shared)
    lessons = {"<a>": "Keep the old key for a day", "<b>": "Log who asked for the new one"}
    named = {name: await team.teach(lesson, tags="keys") for name, lesson in lessons.items()}
    for number in range(KNOWN - len(named)):
        await team.teach(f"Tell partner {number} before the new key is used", tags="keys, partners")
    return named


@pytest.fixture
async def scene(shared, named, request):
    """The scene of a call, with what the call speaks of."""
    number, call = next(_numbers), str(request.node.callspec.params["call"])
    caller, names = f"caller-{number}", dict(named)
    if call.startswith("('submit_feedback'"):
        names["<receipt>"] = await Team(shared).receipt(caller)
    if "<fresh>" in call:
        names["<fresh>"] = await shared.teach(f"Print label {number} twice", task=PARCELS)
    return Scene(fleet=shared, caller=caller, names=names)


def part(whole: Any, like: Any) -> Any:
    """Of an answer, what is expected to be in it; None stands for what was left out."""
    if isinstance(like, dict) and isinstance(whole, dict):
        return {name: part(whole.get(name), expected) for name, expected in like.items()}
    if isinstance(like, list) and isinstance(whole, list) and len(like) == len(whole):
        return [part(entry, expected) for entry, expected in zip(whole, like, strict=True)]
    return whole


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("receipt", "feedback", "plan")}


@pytest.mark.parametrize(("call", "expected"), UNDERSTOOD.values(), ids=UNDERSTOOD)
async def test_a_call_whose_meaning_is_plain_does_what_was_meant(scene, call, expected):
    expected = scene.filled(expected)
    assert part(await scene.seen(*call), expected) == expected


@pytest.mark.parametrize(("call", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_call_that_cannot_be_understood_is_refused_by_a_sentence_that_names_the_argument(scene, call, words):
    tool, sent = call
    sentence = await refusal(scene.fleet, tool, **scene.arguments(sent))
    assert [word for word in scene.filled(words) if word not in sentence] == [], sentence


@pytest.mark.parametrize(("tool", "name"), OPTIONAL, ids=[f"{name} of {tool}" for tool, name in OPTIONAL])
async def test_null_means_left_out(shared, named, tool, name):
    plain = {"task": PARCELS, "outcome": "observation"} if name in ("output", "expected") else PLAIN[tool]
    assert without_ids(await shared.call(tool, **plain | {name: None})) == without_ids(await shared.call(tool, **plain))


@pytest.mark.parametrize("tool", PLAIN)
async def test_null_for_everything_that_may_be_left_out_means_left_out(shared, named, tool):
    nothing = {argument.name: None for argument in ARGUMENTS[tool]} | PLAIN[tool]
    assert without_ids(await shared.call(tool, **nothing)) == without_ids(await shared.call(tool, **PLAIN[tool]))


async def test_a_call_without_any_arguments_object_is_refused_for_what_it_lacks(shared):
    result = await shared.client.call_tool("retrieve_knowledge")
    assert (result.is_error, result.content[0].text) == (
        True,
        "task: it is required and was left out. Describe the task in 1 to 20,000 characters.",
    )


async def test_a_string_that_looks_like_ids_is_read_at_once_however_long_it_is(shared):
    started = time.process_time()
    await refusal(shared, "submit_feedback", task=TASK, outcome="success", helpful=f"{'k_a' * 24}!")
    assert time.process_time() - started < 1
