"""A fleet of four shares one memory: what the first learns the hard way, the others are spared.

python examples/two_agents.py                             # every agent starts its own stdio server, as an IDE does
python examples/two_agents.py http://127.0.0.1:8717/mcp   # all connect to one running server
"""

import sys
import tempfile
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

TASK = "Run the integration tests of acme/billing; docker compose fails with 'bind: address already in use' on 5432"
LESSON = "Stop the host's own postgresql before `docker compose up`: it holds port 5432 (systemctl stop postgresql)."


def connect(data: str) -> AbstractAsyncContextManager[Client]:
    """A client of the server at an address, or of a new stdio server over a data directory."""
    if data.startswith("http"):
        return Client(data)
    server = StdioServerParameters(command=sys.executable, args=["-m", "fleetlore.server", "serve", "--data", data])
    return Client(stdio_client(server))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    result = await client.call_tool(tool, arguments)
    if result.is_error:
        sys.exit(f"{tool}: {result.content}")
    answer: dict[str, Any] = result.structured_content
    return answer


async def retrieve(client: Client, agent: str) -> dict[str, Any]:
    answer = await call(client, "retrieve_knowledge", task=TASK, project="acme/billing", agent=agent)
    print(f"\n{agent} asks before the task: {answer['control']['mode']}. {answer['control']['advice']}")
    for item in answer["items"]:
        status = item.get("status", "active")
        print(f"  {item['confidence']:.0%} sure, {status}, backed by {item['agents']}: {item['insight']}")
    return answer


async def first_agent(client: Client) -> None:
    answer = await retrieve(client, "ana")
    learnt = await call(
        client,
        "submit_feedback",
        task=TASK,
        outcome="failure",
        reasoning="The container could not bind 5432; lsof showed the host's postgres.",
        insight=LESSON,
        receipt=answer["receipt"],
        agent="ana",
    )
    print(f"ana fails, finds out why, and reports: {learnt['learned'][0]['decision']}")


async def later_agent(client: Client, agent: str) -> None:
    answer = await retrieve(client, agent)
    helped = [item["id"] for item in answer["items"]]
    done = await call(
        client,
        "submit_feedback",
        task=TASK,
        outcome="success",
        helpful=helped,
        receipt=answer["receipt"],
        agent=agent,
    )
    print(f"{agent} succeeds at once and says what helped: {len(done.get('credited', []))} item gains trust")


async def main(data: str) -> None:
    async with connect(data) as client:
        await first_agent(client)
    for agent in ("bob", "cleo"):
        async with connect(data) as client:
            await later_agent(client, agent)
    async with connect(data) as client:
        answer = await retrieve(client, "dan")
    assert any(item["insight"] == LESSON for item in answer["items"])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        anyio.run(main, sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            anyio.run(main, folder)
