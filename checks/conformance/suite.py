"""The official conformance suite and the inspector's strict check against fleetlore.

The suite runs for each revision against the application that `fleetlore serve` serves, where `expected_failures.toml`
says what cannot pass and why, and against the same server with sessions and event streams, where everything must.

Prints a line for each scenario and a summary; exits with 1 if one failed. `run` starts it.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from node import NodeFolder, node_folder
from serving import clean_environment, free_port, serving

SUITE = "@modelcontextprotocol/conformance"
PACKAGES = (f"{SUITE}@0.2.0-alpha.12", "@modelcontextprotocol/inspector@2.12.0")
REVISIONS = ("2025-11-25", "2026-07-28")
HERE = Path(__file__).parent
_PATIENCE_SECONDS = 240
_PASSED, _FAILED, _EXPECTED = "pass", "FAIL", "expected"


def main() -> int:
    """Runs everything; returns the exit code."""
    expected = tomllib.loads((HERE / "expected_failures.toml").read_text("utf-8"))
    counts: Counter[str] = Counter()
    with node_folder(*PACKAGES) as folder, TemporaryDirectory(prefix="fleetlore-conformance-") as name:
        temporary = Path(name)
        for way, options in (("as served", []), ("with sessions", ["--sessions"])):
            port, data = free_port(), temporary / f"data, {way}"
            command = [sys.executable, str(HERE / "fixture_server.py"), str(data), str(port), *options]
            with serving(command, port) as address:
                for revision in REVISIONS:
                    known = {} if options else expected.get(revision, {})
                    results = temporary / f"{revision}, {way}"
                    for verdict, line in _scenarios(folder, f"{address}/mcp", revision, results, known):
                        print(f"{verdict} {revision} {way}: {line}", flush=True)
                        counts[verdict] += 1
        for verdict, line in _inspections(folder, temporary):
            print(f"{verdict} inspector: {line}", flush=True)
            counts[verdict] += 1
    print(f"{counts[_PASSED]} passed, {counts[_FAILED]} failed, {counts[_EXPECTED]} expected to fail")
    return 1 if counts[_FAILED] or not counts[_PASSED] else 0


def _scenarios(
    folder: NodeFolder, url: str, revision: str, results: Path, known: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    command = folder.script("conformance")
    # Its exit code also counts warnings against a scenario once failures are expected, so the results are read instead.
    subprocess.run(
        [*command, "server", "--url", url, "--requirements", revision, "--output-dir", str(results)],
        stdout=subprocess.DEVNULL,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    scenarios = _required(folder, revision)
    if unknown := set(known) - set(scenarios):
        yield _FAILED, f"no such scenarios to expect failures of: {', '.join(sorted(unknown))}"
    for scenario in scenarios:
        faults = _faults(results, scenario)
        if scenario in known:
            verdict = _EXPECTED if faults else _FAILED
            reason = known[scenario] if faults else "it passes: remove it from the expected failures"
            yield verdict, f"{scenario}: {reason}"
        elif faults:
            yield _FAILED, f"{scenario}: {'; '.join(faults)}"
        else:
            yield _PASSED, scenario


def _required(folder: NodeFolder, revision: str) -> list[str]:
    """The server scenarios that count for a revision."""
    text = (folder.path / "node_modules" / SUITE / "requirements" / f"{revision}.yaml").read_text("utf-8")
    section = re.search(r"^server:\n((?:  .*\n|\n)*)", text, re.MULTILINE)
    assert section is not None
    return re.findall(r"^  - (\S+)", section[1], re.MULTILINE)


def _faults(results: Path, scenario: str) -> list[str]:
    """What was wrong in a scenario."""
    folders = [
        folder
        for folder in results.glob(f"server-{scenario}-*")
        if re.fullmatch(rf"server-{re.escape(scenario)}-\d{{4}}-\d\d-\d\dT[\d-]+Z", folder.name)
    ]
    if not folders:
        return ["it has no result"]
    checks = [check for folder in folders for check in json.loads((folder / "checks.json").read_text("utf-8"))]
    return [f"{check['id']}: {check.get('errorMessage', '')}" for check in checks if check["status"] == "FAILURE"]


def _inspections(folder: NodeFolder, temporary: Path) -> Iterator[tuple[str, str]]:
    """The tools' schemas as the inspector sees them, over every transport."""
    serve = [sys.executable, "-m", "fleetlore.server", "serve", "--data", str(temporary / "inspected")]
    port = free_port()
    with serving([*serve, "--transport", "http", "--port", str(port)], port) as address:
        for target in ([f"{address}/mcp"], [f"{address}/sse"], serve):
            yield _inspection(folder, temporary, target)


def _inspection(folder: NodeFolder, temporary: Path, target: list[str]) -> tuple[str, str]:
    command = [*folder.script("mcp-inspector"), "--cli", *target, "--method", "tools/list", "--strict"]
    found = subprocess.run(
        command,
        env={**clean_environment(), "MCP_CATALOG_PATH": str(temporary / "catalog.json"), "HOME": str(temporary)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    name = f"tools/list --strict over {target[0].rpartition('/')[2] if len(target) == 1 else 'stdio'}"
    if found.returncode:
        return _FAILED, f"{name}: exit code {found.returncode}: {' '.join(found.stderr.split())}"
    tools = [tool["name"] for tool in json.loads(found.stdout)["tools"]]
    if tools != ["retrieve_knowledge", "submit_feedback", "prune"]:
        return _FAILED, f"{name}: the tools are {', '.join(tools)}"
    return _PASSED, name


if __name__ == "__main__":
    sys.exit(main())
