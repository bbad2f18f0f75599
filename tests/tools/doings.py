"""What strangers do: each act is one of them, at random, by one way of asking."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from strangers import AGENTS, DOINGS, SORTS, THINGS, Answer, Strangers

from fleetlore.kmu import editing
from fleetlore.kmu.access import SCOPES, Principal, Way
from fleetlore.server.exchange.exporting import exported
from fleetlore.server.exchange.importing import Import
from fleetlore.server.exchange.lines import Place
from fleetlore.server.exchange.record import arrival_of
from fleetlore.server.people.items import item_account, item_text
from fleetlore.server.people.plans import plan_account, plan_text
from fleetlore.server.people.reports import report_account, report_text
from fleetlore.server.why import why, why_text
from fleetlore.server.worth import measured, report_of
from fleetlore.server.worth import report_text as worth_text
from fleetlore.storage.identifiers import new_item_id, new_receipt_id

Act = Callable[[Strangers, str], Awaitable[None]]


async def live(world: Strangers, acts: int) -> str:
    """So many things that they do; what is wrong with the first answer that is not as it must be, "" if none is.

    It is returned, as a failure that is raised here would come out of the servers' tasks in groups of groups.
    """
    try:
        for agent in AGENTS:
            for act in (teach_all, teach_oneself, retrieve):
                await _done(world, act, agent)
        for _ in range(acts):
            [act] = world.rng.choices(list(_ACTS), weights=list(_ACTS.values()))
            await _done(world, act, world.rng.choice(AGENTS))
    except AssertionError as leak:
        return str(leak)
    return ""


async def _done(world: Strangers, act: Act, agent: str) -> None:
    world.memory.caller = Principal(agent=agent, scopes=frozenset(world.scopes[agent]))
    await act(world, agent)


async def grant(world: Strangers, agent: str) -> None:
    await world.allow(agent, {scope for scope in sorted(SCOPES) if world.rng.random() < 0.85})


async def retrieve(world: Strangers, agent: str) -> None:
    arguments: dict[str, Any] = {
        "task": world.task(agent),
        "limit": world.rng.choice((3, 10, 50)),
        "max_tokens": 20_000,
    }
    arguments["task_type"] = world.rng.choice(SORTS)
    _, found = await world.call(agent, "retrieve_knowledge", **arguments)
    if found:
        world.receipts[found["receipt"]] = agent
        world.shown[found["receipt"]] = [item["id"] for item in found["items"]]


async def submit(world: Strangers, agent: str, **arguments: Any) -> dict[str, Any]:
    answer, found = await world.call(agent, "submit_feedback", **arguments)
    key = (agent, arguments.get("key", ""))
    assert key in world.keys or "it was used before" not in answer.said, world.told(answer, "it tells of a key", key[1])
    if found:
        world.reports[found["feedback"]] = agent
        world.keys.add(key)
    return found


async def teach_all(world: Strangers, agent: str) -> None:
    thing, receipt = world.rng.choice(THINGS), world.rng.choice(world.given(agent)[-5:] or [""])
    harmful = world.rng.sample(world.shown.get(receipt, [])[-3:], k=min(1, len(world.shown.get(receipt, []))))
    private = any(item in world.own for item in harmful)
    found = await submit(
        world,
        agent,
        task=world.task(agent),
        outcome="failure" if harmful else "success",
        reasoning=f"it misled me {world.mark(agent)}" if private else "it went so",
        insight=f"{world.rng.choice(DOINGS)} the {thing} before {world.rng.randrange(12)}",
        applies_when=f"on the {thing}",
        receipt=receipt,
        harmful=harmful,
    )
    world.general += [one["id"] for one in found.get("learned", ()) if one["id"]]


async def teach_oneself(world: Strangers, agent: str) -> None:
    mark, thing = world.mark(agent), world.rng.choice(THINGS)
    receipt = world.rng.choice(world.given(agent)[-5:] or [""])
    found = await submit(
        world,
        agent,
        task=f"{world.task(agent)} {mark}",
        outcome=world.rng.choice(("success", "failure")),
        insight=f"{world.rng.choice(DOINGS)} the {thing} {mark}",
        reasoning=f"it went so {mark}",
        output=f"so {mark}",
        expected=f"not {mark}",
        space="prompt",
        task_type=world.rng.choice(SORTS),
        tags=[f"tag-{mark}"],
        receipt=receipt,
        **world.rng.choice(
            ({}, {"harmful": world.shown.get(receipt, [])[-2:]}, {"key": f"key{world.rng.randrange(3)}"})
        ),
    )
    for learned in found.get("learned", ()):
        if learned["id"]:
            world.own[learned["id"]] = agent


async def judge(world: Strangers, agent: str) -> None:
    receipt = world.rng.choice([*world.given(agent)[-5:], world.any_of(world.receipts)])
    named = list(world.shown.get(receipt, ()))
    if world.rng.random() < 0.2:
        named += list(world.own)[-5:]
    world.rng.shuffle(named)
    sides = {"helpful": named[: world.rng.randrange(3)], "harmful": named[3 : 3 + world.rng.randrange(4)]}
    private = any(item in world.own for items in sides.values() for item in items)
    await submit(
        world,
        agent,
        task=world.task(agent),
        outcome=world.rng.choice(("success", "failure", "observation")),
        reasoning=f"for it was so {world.mark(agent) if private else ''}",
        receipt=receipt,
        **sides,
    )


async def correct(world: Strangers, agent: str) -> None:
    replaced, thing = world.any_of(world.general, world.mine(agent), world.own), world.rng.choice(THINGS)
    space, mark = ("prompt", world.mark(agent)) if replaced in world.own else ("general", "")
    found = await submit(
        world,
        agent,
        task=world.task(agent),
        outcome="success",
        reasoning=f"the other was wrong {mark}",
        insight=f"{world.rng.choice(DOINGS)} the {thing} after all {mark}",
        applies_when=f"on the {thing}",
        replaces=[replaced],
        space=space,
    )
    for learned in found.get("learned", ()):
        if learned["space"] == "prompt":
            world.own[learned["id"]] = agent
        else:
            world.general.append(learned["id"])


async def prune(world: Strangers, agent: str) -> None:
    arguments: dict[str, Any] = {"apply": world.rng.random() < 0.3}
    if world.rng.random() < 0.8:
        ids = [
            world.any_of(world.general, world.own, *[world.mine(agent)] * 3) for _ in range(world.rng.randrange(1, 3))
        ]
        private = any(item in world.own for item in ids)
        arguments |= {"ids": ids, "reason": f"they are old {world.mark(agent) if private else ''}"}
    _, found = await world.call(agent, "prune", **arguments)
    if found:
        world.plans[found["plan"]] = agent


async def use_plan(world: Strangers, agent: str) -> None:
    plan = world.any_of(world.plans)
    arguments = world.rng.choice(({"plan": plan}, {"plan": plan, "apply": True}, {"undo": plan}, {"undo": plan}))
    await world.call(agent, "prune", **arguments)


async def read_item(world: Strangers, agent: str) -> None:
    item = world.any_of(world.general, world.own)
    await world.read(agent, "fleetlore://item/{id}", f"fleetlore://item/{item}")


async def read_spaces(world: Strangers, agent: str) -> None:
    whose = world.rng.choice(AGENTS)
    await world.read(agent, "fleetlore://general", "fleetlore://general")
    await world.read(agent, "fleetlore://prompt/{agent}", f"fleetlore://prompt/{whose}")


async def read_gaps(world: Strangers, agent: str) -> None:
    await world.read(agent, "fleetlore://gaps", "fleetlore://gaps")


async def read_status(world: Strangers, agent: str) -> None:
    await world.read(agent, "fleetlore://status", "fleetlore://status")


async def start(world: Strangers, agent: str) -> None:
    await world.prompted(agent, "start_task", task=world.task(agent))


async def report_outcome(world: Strangers, agent: str) -> None:
    await world.prompted(agent, "report_outcome", task=world.task(agent))


async def hook(world: Strangers, agent: str) -> None:
    receipts = [world.any_of(world.receipts) for _ in range(3)]
    seen = {"implicit": world.rng.choice(("tests-passed", "tests-failed", "reverted"))}
    way, body = world.rng.choice(
        (
            ("/hooks session-start", {"hook": "session-start", "project": ""}),
            ("/hooks stop", {"hook": "stop", "receipts": receipts}),
            ("/hooks tool-use", {"hook": "tool-use", "receipts": receipts} | seen),
            ("/hooks report", {"hook": "report", "receipt": receipts[0]} | seen),
        )
    )
    await world.work(agent, way, body, lambda principal: world.hooked(principal, body))


async def look_up(world: Strangers, agent: str) -> None:
    wanted = world.any_of(world.receipts, world.reports, world.plans, world.own, world.general)
    view = world.ledger.read

    async def account(principal: Principal) -> object:
        match wanted[0]:
            case "k":
                item = await view.item(wanted, agent=principal.agent, pruned=True)
                found, text = item and await item_account(view, item, principal.agent), item_text
            case "f":
                found, text = await report_account(view, wanted, principal), report_text
            case "p":
                found, text = await plan_account(view, wanted, principal), plan_text
            case _:
                found, text = await why(view, wanted, principal), why_text
        return found and [found, text(found)]

    way: Way = "fleetlore why" if wanted[0] == "r" else "fleetlore show"
    await world.work(agent, way, wanted, account, operator=True)


async def export(world: Strangers, agent: str) -> None:
    async def lines(principal: Principal) -> object:
        return [line async for line in exported(world.ledger.read, agent=principal.agent)]

    answer = await world.work(agent, "fleetlore export", "", lines)
    if answer.forbidden:
        return
    # Somebody else takes a part of it in, as it is and with its owner's name changed to his.
    other = world.rng.choice(AGENTS)
    world.memory.caller = Principal(agent=other, scopes=frozenset(world.scopes[other]))
    chosen = [json.loads(line) for line in json.loads(answer.said)][-4:]
    for values in chosen:
        values["owner"] = other if values["owner"] and world.rng.random() < 0.5 else values["owner"]
        if world.rng.random() < 0.2:
            values["superseded_by"] = world.any_of(world.own, world.general)

    async def take(principal: Principal) -> object:
        place = Place(file="export.jsonl", line=1)
        arrivals = [arrival_of(values, place, principal.agent) for values in chosen]
        return await Import(ledger=world.ledger, dry_run=False, agent=principal.agent).take(arrivals)

    await world.work(other, "fleetlore import", chosen, take)


async def search(world: Strangers, agent: str) -> None:
    words = world.rng.sample(("zq", "gateway", "keys", "rotate", "customer", "tag"), 2)
    status = world.rng.choice(("", "active", "contested", "superseded"))

    async def found(principal: Principal) -> object:
        view = world.ledger.read
        matches = await view.matching(words, agent=principal.agent, status=status, most=100)
        items = await view.items((match.item for match in matches), agent=principal.agent)
        return [items[match.item] for match in matches]

    await world.work(agent, "fleetlore search", words, found)


async def edit(world: Strangers, agent: str) -> None:
    item = world.any_of(world.general, world.own)

    async def reword(principal: Principal) -> object:
        known = await editing.known_item(world.ledger.read, item, principal.agent)
        words = f"{known.insight} again" if len(known.insight) < 100 else known.insight.replace(" again", "")
        wish = editing.Wording(
            **{name: getattr(known.wording, name) for name in known.wording.__slots__} | {"insight": words}
        )
        plan, _ = await editing.edit(world.ledger, item, read=known.wording, wish=wish, agent=principal.agent)
        if plan is not None:
            world.plans[plan.id] = agent
        return plan

    await world.work(agent, "fleetlore edit", item, reword)


async def measure(world: Strangers, agent: str) -> None:
    async def tell(principal: Principal) -> object:
        found, items = await measured(world.ledger)
        return [report_of(found), worth_text(found, items)]

    await world.work(agent, "fleetlore report", "", tell, operator=True)


async def list_gaps(world: Strangers, agent: str) -> None:
    async def tell(principal: Principal) -> object:
        return await (await world.memory.unit()).exploration.find()

    await world.work(agent, "fleetlore gaps", "", tell, operator=True)


async def guess(world: Strangers, agent: str) -> None:
    """Whether a thing of somebody else's is answered as one that there is not."""
    now = world.ledger.clock()
    others = [item for item, whose in world.own.items() if whose != agent]
    receipts = [receipt for receipt, whose in world.receipts.items() if whose != agent]
    if not others or not receipts:
        return
    item, receipt = world.any_of(others), world.any_of(receipts)
    task = world.task(agent)
    asks: tuple[tuple[str, str, Callable[[str], Awaitable[Any]]], ...] = (
        (item, new_item_id(now), lambda one: world.call(agent, "submit_feedback", task=task, helpful=[one])),
        (item, new_item_id(now), lambda one: world.call(agent, "submit_feedback", task=task, harmful=[one])),
        (
            item,
            new_item_id(now),
            lambda one: world.call(agent, "submit_feedback", task=task, insight="rotate it", replaces=[one]),
        ),
        (receipt, new_receipt_id(now), lambda one: world.call(agent, "submit_feedback", task=task, receipt=one)),
        (item, new_item_id(now), lambda one: world.call(agent, "prune", ids=[one], reason="old")),
        (item, new_item_id(now), lambda one: world.read(agent, "fleetlore://item/{id}", f"fleetlore://item/{one}")),
    )
    thing, nothing, ask = world.rng.choice(asks)
    answers = [_answer(await ask(one)).said.replace(one, "…") for one in (thing, nothing)]
    assert answers[0] == answers[1], answers


def _answer(found: Any) -> Answer:
    return found if isinstance(found, Answer) else found[0]


async def consolidate(world: Strangers, agent: str) -> None:
    unit = await world.memory.unit()
    async with unit.upkeep.lock.held():
        done = await unit.consolidate(rest=0)
    world.plans |= {plan.id: agent for plan in done.plans}


_ACTS: dict[Act, float] = {
    grant: 2,
    retrieve: 5,
    teach_all: 3,
    teach_oneself: 3,
    judge: 8,
    correct: 2,
    prune: 5,
    use_plan: 8,
    read_item: 16,
    read_spaces: 4,
    read_gaps: 0.3,
    read_status: 0.5,
    start: 0.5,
    report_outcome: 1,
    hook: 12,
    look_up: 24,
    export: 0.5,
    search: 5,
    edit: 1,
    measure: 0.5,
    list_gaps: 0.2,
    guess: 8,
    consolidate: 0.1,
}
