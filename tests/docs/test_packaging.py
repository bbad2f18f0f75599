"""What is published says of fleetlore what the code says: `server.json` and the manifest of the MCP bundle."""

import json
import re
import tomllib
from pathlib import Path

from fleetlore.server.serving import serve
from fleetlore.storage.embedders import EMBEDDERS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SERVER = json.loads((ROOT / "server.json").read_text("utf-8"))
MANIFEST = json.loads((ROOT / "packaging" / "mcpb" / "manifest.json").read_text("utf-8"))
[PACKAGE] = SERVER["packages"]


def test_name_version_and_description_are_the_projects():
    assert [SERVER["version"], PACKAGE["version"], MANIFEST["version"]] == [PROJECT["version"]] * 3
    assert [PACKAGE["identifier"], MANIFEST["name"]] == [PROJECT["name"]] * 2
    assert SERVER["description"] == MANIFEST["description"]
    assert MANIFEST["license"] == PROJECT["license"]
    assert MANIFEST["compatibility"]["runtimes"] == {"python": PROJECT["requires-python"]}
    assert {"name": MANIFEST["author"]["name"]} in PROJECT["authors"]


def test_the_readme_carries_the_name_by_which_the_registry_knows_whose_the_package_is():
    assert re.findall(r"^<!-- mcp-name: (\S+) -->$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE) == [
        SERVER["name"]
    ]


def test_the_registry_is_told_a_command_and_variables_that_exist():
    options = {option.envvar: option for option in serve.params}
    assert [argument["value"] for argument in PACKAGE["packageArguments"]] == [serve.name]
    assert {variable["name"] for variable in PACKAGE["environmentVariables"]} <= options.keys()
    choices = {variable["name"]: variable.get("choices") for variable in PACKAGE["environmentVariables"]}
    assert choices["FLEETLORE_EMBEDDER"] == list(EMBEDDERS)


async def test_the_bundle_names_the_tools_that_the_server_has(fleet):
    listed = [tool.name for tool in (await fleet.client.list_tools()).tools]
    assert [tool["name"] for tool in MANIFEST["tools"]] == listed
