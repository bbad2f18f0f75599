"""Agents that do at random whatever can be done, with whosever things; what they are answered is searched.

Every private thing carries a word that tells whose it is: `zq3x17q` stands in what only the agent of number 3 may read
(its own items, its reports on them, why it forgets them), `zq3tq` in its tasks, which an operator may read too.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mcp import MCPError

from fleet import Fleet
from fleetlore.kmu.access import NEEDS, SCOPES, Principal, Scope, Way, authorise
from fleetlore.server.app import SharedMemory
from fleetlore.server.hooks.answers import answer as hook_answer
from fleetlore.server.hooks.requests import request_of
from fleetlore.storage.errors import FleetloreError
from fleetlore.storage.ledger import Ledger

AGENTS = ("ana", "Ana", "anna", "ana-", "ana@home", "anonymous", "bob")
THINGS = ("payment gateway", "signing keys", "staging database", "release branch", "mail queue")
DOINGS = ("rotate", "migrate", "deploy", "restore", "clean up")
SORTS = ("rotation", "deployment", "")
MARK = re.compile(r"zq(\d+)([xt])\d*q")
ITEM = re.compile(r"k_[0-9a-z]{20}")
# What needs a scope besides that of its way, and what is refused before scopes count.
_OTHERWISE_REFUSED = ("undo of an edit, an import or a revocation needs", "the token that came with this is")
_TELLS_OF_OTHERS = "receipts and reports of others"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What somebody asked in which way, and everything that came back; `operator` if it may tell of others' tasks."""

    way: Way
    agent: str
    asked: str
    said: str
    operator: bool = False
    forbidden: bool = False


class Login(SharedMemory):
    """A memory at which somebody else settles who calls, as a token does."""

    caller = Principal(agent=AGENTS[0])

    def principal(self, argument: str, client: str) -> Principal:
        return self.caller


@dataclass
class Strangers:
    """The agents, what each may, what there is by id, and what happened, for who looks for the way of a leak."""

    rng: Random
    fleet: Fleet
    memory: Login
    scopes: dict[str, set[Scope]] = field(default_factory=lambda: {agent: set(SCOPES) for agent in AGENTS})
    own: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[str]] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)
    story: list[Answer] = field(default_factory=list)
    planted: int = 0

    # What is kept of an answer, and when it is a leak.

    def hear(self, answer: Answer) -> Answer:
        """Searches what was answered."""
        self.story.append(answer)
        permitted = NEEDS[answer.way] in self.scopes[answer.agent]
        heeded = answer.forbidden != permitted or any(words in answer.said for words in _OTHERWISE_REFUSED)
        assert heeded, self.told(answer, "a scope was not heeded", "")
        for mark in MARK.finditer(answer.said):
            owner, task = AGENTS[int(mark[1])], mark[2] == "t"
            if owner != answer.agent and not (task and answer.operator) and mark[0] not in answer.asked:
                raise AssertionError(self.told(answer, f"it tells of what is {owner}'s", mark[0]))
        for item in () if answer.operator else ITEM.findall(answer.said):
            if self.own.get(item, answer.agent) != answer.agent and item not in answer.asked:
                raise AssertionError(self.told(answer, f"it names an item of {self.own[item]}'s", item))
        return answer

    def told(self, answer: Answer, trouble: str, what: str) -> str:
        """A leak with all that had been said or asked of the same thing before."""
        lines = [f"{answer.agent} by {answer.way}: {trouble}: {what}", f"asked: {answer.asked}", f"said: {answer.said}"]
        before = [one for one in self.story[:-1] if what and (what in one.asked or what in one.said)]
        return "\n".join([*lines, "before:", *(f"  {one.agent} by {one.way}: {one.asked}" for one in before[:10])])

    def ways_of_own(self) -> set[Way]:
        """The ways by which somebody was told of its own things."""
        return {
            answer.way
            for answer in self.story
            if any(AGENTS[int(mark[1])] == answer.agent for mark in MARK.finditer(answer.said))
        }

    def mark(self, agent: str) -> str:
        """A new word of what only this agent may read."""
        self.planted += 1
        return f"zq{AGENTS.index(agent)}x{self.planted}q"

    def task(self, agent: str) -> str:
        """A task of the agent's."""
        number = self.rng.randrange(100)
        mark = f"zq{AGENTS.index(agent)}tq"
        if self.rng.random() < 0.2:  # a sort of tasks that only this agent has
            return f"chart the isle {mark} on voyage {number}"
        return f"{self.rng.choice(DOINGS)} the {self.rng.choice(THINGS)} for customer {number} {mark}"

    def mine(self, agent: str) -> list[str]:
        """An agent's own items."""
        return [item for item, owner in self.own.items() if owner == agent]

    def given(self, agent: str) -> list[str]:
        """The receipts that were given to an agent."""
        return [receipt for receipt, whose in self.receipts.items() if whose == agent]

    def any_of(self, *kinds: list[str] | dict[str, str]) -> str:
        """One of the latest of a kind, or one that there is not."""
        ids = list(self.rng.choice(kinds))
        return self.rng.choice(ids[-30:]) if ids else "k_00000000000000000000"

    # The ways of asking.

    async def call(self, agent: str, tool: Way, **arguments: Any) -> tuple[Answer, dict[str, Any]]:
        """A tool's answer, and its structured form; {} where it was refused."""
        result = await self.fleet_of(agent).client.call_tool(tool, arguments)
        text = "\n".join(content.text for content in result.content)
        said = f"{text}\n{json.dumps(result.structured_content, ensure_ascii=False)}"
        forbidden = result.is_error and "needs the scope" in text
        answer = Answer(way=tool, agent=agent, asked=_dumped(arguments), said=said, forbidden=forbidden)
        return self.hear(answer), {} if result.is_error else result.structured_content

    async def read(self, agent: str, way: Way, uri: str) -> Answer:
        """What a resource says."""
        try:
            said = "\n".join(
                content.text for content in (await self.fleet_of(agent).client.read_resource(uri)).contents
            )
        except MCPError as error:
            said = str(error)
        return self.hear(Answer(way=way, agent=agent, asked=uri, said=said, forbidden="needs the scope" in said))

    async def prompted(self, agent: str, way: Way, **arguments: str) -> Answer:
        """What a prompt says."""
        try:
            messages = (await self.fleet_of(agent).client.get_prompt(way, arguments)).messages
            said = "\n".join(message.content.text for message in messages)
        except MCPError as error:
            said = str(error)
        forbidden = "needs the scope" in said
        return self.hear(Answer(way=way, agent=agent, asked=_dumped(arguments), said=said, forbidden=forbidden))

    async def work(
        self,
        agent: str,
        way: Way,
        asked: object,
        job: Callable[[Principal], Awaitable[object]],
        *,
        operator: bool = False,
    ) -> Answer:
        """What is answered elsewhere: to a hook, by a command."""
        forbidden = False
        try:
            if way.startswith("fleetlore "):
                authorise(self.memory.caller, way)
            said = _dumped(await job(self.memory.caller))
        except FleetloreError as error:
            said, forbidden = str(error), "needs the scope" in str(error)
        operator = operator and NEEDS[_TELLS_OF_OTHERS] in self.scopes[agent]
        return self.hear(
            Answer(way=way, agent=agent, asked=_dumped(asked), said=said, forbidden=forbidden, operator=operator)
        )

    def fleet_of(self, agent: str) -> Fleet:
        """As whom an agent connects."""
        return self.fleet

    async def allow(self, agent: str, scopes: set[Scope]) -> None:
        """Grants an agent these scopes and takes the others away."""
        self.scopes[agent] = scopes

    async def hooked(self, principal: Principal, body: dict[str, Any]) -> object:
        """What a hook is answered."""
        return await hook_answer(self.ledger, request_of(body), principal=principal)

    @property
    def ledger(self) -> Ledger:
        assert self.memory._ledger is not None
        return self.memory._ledger


def _dumped(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
