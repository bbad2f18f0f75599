"""Every way of asking needs a scope, and the table in the docs says which."""

import re
from pathlib import Path

from fleetlore.kmu.access import NEEDS
from fleetlore.server.command_group import MODULES
from fleetlore.storage.queries import QUERIES

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([^|`]+)` \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
ASKING_NOTHING = {"install", "uninstall", "demo", "serve", "hook", "doctor"}


def test_the_table_has_every_way_with_the_scope_that_it_needs_in_their_order():
    assert [(way, scope) for way, scope, _ in ROWS] == list(NEEDS.items())


def test_a_check_that_the_table_names_is_a_query_of_the_ledger():
    named = {
        name
        for *_, check in ROWS
        for part in re.findall(r"\((`[^)]+)\)", check)
        for name in re.findall(r"`(\w+)`", part)
    }
    assert named
    assert named - {"items"} <= set(QUERIES)


def test_every_command_is_a_way_of_asking_or_asks_nothing():
    assert {command for command in MODULES if f"fleetlore {command}" not in NEEDS} == ASKING_NOTHING
    [rest] = re.findall(r"^The other commands (.+?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", rest)) == ASKING_NOTHING


async def test_every_tool_resource_and_prompt_is_a_way_of_asking(fleet):
    client = fleet.client
    offered = [tool.name for tool in (await client.list_tools()).tools]
    offered += [str(resource.uri) for resource in (await client.list_resources()).resources]
    offered += [template.uri_template for template in (await client.list_resource_templates()).resource_templates]
    offered += [prompt.name for prompt in (await client.list_prompts()).prompts]
    assert set(offered) <= set(NEEDS)
