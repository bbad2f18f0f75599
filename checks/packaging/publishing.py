"""What is published beside the wheel: `server.json` for the MCP registry, and the MCP bundle.

`server.json` is held to the registry's released schema and rules, which skillsaw carries. The bundle is laid out,
validated, packed and unpacked by the official tool, and started as its manifest says by uv, in an empty home.

Prints a line for each check; exits with 1 if one failed. `run` starts it.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from bundle import ROOT, lay_out
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from node import NodeFolder, node_folder
from serving import clean_environment

BUNDLER = "@anthropic-ai/mcpb@2.1.2"
TOOLS = ("uv==0.13.*", "skillsaw==0.22.0")
RULES = ("mcp-registry-server-json-valid", "mcp-registry-version-semver")
_PATIENCE_SECONDS = 240


def main() -> int:
    """Runs everything; returns the exit code."""
    with node_folder(BUNDLER) as node, TemporaryDirectory(prefix="fleetlore-packaging-") as name:
        temporary = Path(name)
        bin_folder = _tools(temporary / "tools")
        passed = _checked(
            "server.json is what the registry takes", lambda: _registry(bin_folder, temporary / "registry")
        )
        passed &= _checked("the bundle is valid, packed and unpacked", lambda: _pack(node, temporary)) and _checked(
            "the bundle starts and has the tools that it names", lambda: _start(bin_folder, temporary)
        )
    return 0 if passed else 1


def _checked(what: str, check: Callable[[], None]) -> bool:
    started = time.monotonic()
    try:
        check()
    except subprocess.CalledProcessError as error:
        print(f"FAIL {what}: {error.stdout or ''}{error.stderr or ''}", flush=True)
        return False
    except AssertionError as error:
        print(f"FAIL {what}: {error}", flush=True)
        return False
    print(f"pass {what} ({time.monotonic() - started:.0f} s)", flush=True)
    return True


def _tools(folder: Path) -> Path:
    """An environment with uv and skillsaw; its folder of programs."""
    print(f"installing {', '.join(TOOLS)}", flush=True)
    _run(sys.executable, "-m", "venv", str(folder))
    _run(str(folder / "bin" / "pip"), "install", "--quiet", *TOOLS)
    return folder / "bin"


def _registry(bin_folder: Path, folder: Path) -> None:
    folder.mkdir()
    shutil.copy(ROOT / "server.json", folder)
    rules = [part for rule in RULES for part in ("--rule", rule)]
    _run(str(bin_folder / "skillsaw"), "lint", "--strict", "--type", "mcp-registry", *rules, str(folder))


def _pack(node: NodeFolder, temporary: Path) -> None:
    lay_out(temporary / "laid out")
    mcpb = node.script("mcpb")
    _run(*mcpb, "validate", str(temporary / "laid out" / "manifest.json"))
    _run(*mcpb, "pack", str(temporary / "laid out"), str(temporary / "fleetlore.mcpb"))
    _run(*mcpb, "unpack", str(temporary / "fleetlore.mcpb"), str(temporary / "unpacked"))


def _start(bin_folder: Path, temporary: Path) -> None:
    """Starts the unpacked bundle as a host does, and holds what it says of itself to its manifest."""
    folder, home = temporary / "unpacked", temporary / "home"
    home.mkdir()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    environment = {
        **clean_environment(),
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "UV_PYTHON": sys.executable,
    }
    config = manifest["server"]["mcp_config"]
    command, *arguments = [part.replace("${__dirname}", str(folder)) for part in (config["command"], *config["args"])]
    parameters = StdioServerParameters(command=command, args=arguments, env=environment)
    assert anyio.run(_asked, parameters) == (manifest["version"], [tool["name"] for tool in manifest["tools"]])


async def _asked(parameters: StdioServerParameters) -> tuple[str, list[str]]:
    """The version and the tools of a server, which also answers a question."""
    with anyio.fail_after(_PATIENCE_SECONDS):
        async with Client(stdio_client(parameters)) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("retrieve_knowledge", {"task": "start a bundle"})
            return client.server_info.version, [] if found.is_error else listed


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
