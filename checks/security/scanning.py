"""Scanners that others wrote: bandit over the code, pip-audit over what it depends on, and Cisco's MCP scanner (its
offline YARA rules) over tools, prompts, resources and instructions as a client is told them.

Prints a line for each check; exits with 1 if one found something. `run` starts it.
"""

import json
import subprocess
import sys
import sysconfig
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serving import clean_environment, free_port, serving

ROOT = Path(__file__).resolve().parents[2]
JUSTIFIED = Path(__file__).with_name("justified.toml")
ROOMS = ("server", "tools", "kmu", "storage")
CODE_TOOLS = ("bandit==1.9.*", "pip-audit==2.*")
MCP_SCANNER = "cisco-ai-mcp-scanner==4.8.*"
_PATIENCE_SECONDS = 300


def main() -> int:
    """Runs everything; returns the exit code."""
    with TemporaryDirectory(prefix="fleetlore-security-") as name:
        temporary = Path(name)
        code_tools = _environment(temporary / "code", *CODE_TOOLS)
        found = [
            ("bandit: nothing in the code that is not justified", _bandit(code_tools)),
            ("pip-audit: no known vulnerability in the dependencies that its service knows", _audit(code_tools)),
            *_told(_environment(temporary / "mcp", MCP_SCANNER), temporary),
        ]
    for what, problems in found:
        print("\n".join([f"FAIL {what}", *problems]) if problems else f"pass {what}", flush=True)
    return 1 if any(problems for _, problems in found) else 0


def _environment(folder: Path, *packages: str) -> Path:
    """An environment of their own for the packages; its folder of programs."""
    print(f"installing {', '.join(packages)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *packages], check=True)
    return folder / "bin"


def _bandit(programs: Path) -> list[str]:
    """What is found and not justified, and what is justified and not found."""
    justified = tomllib.loads(JUSTIFIED.read_text("utf-8"))
    left_out = ",".join(justified["everywhere"])
    answer = _run([str(programs / "bandit"), "--quiet", "--recursive", *ROOMS, "--skip", left_out, "--format", "json"])
    if not answer.stdout.strip():
        return [answer.stderr]
    told = json.loads(answer.stdout)
    found = Counter((one["filename"], one["test_id"]) for one in told["results"])
    expected = Counter({(one["file"], one["test"]): one.get("times", 1) for one in justified["found"]})
    lines = [f"{error['filename']}: {error['reason']}" for error in told["errors"]]
    for one in told["results"]:
        if found[where := (one["filename"], one["test_id"])] > expected[where]:
            lines.append(f"{one['filename']}:{one['line_number']} {one['test_id']}: {one['issue_text']}")
    stale = [f"justified and no longer found: {file} {test}" for file, test in expected - found]
    return lines + stale


def _audit(programs: Path) -> list[str]:
    """Vulnerabilities; says how many packages the service does not know, as where there is no network."""
    packages = sysconfig.get_path("purelib")
    answer = _run([str(programs / "pip-audit"), "--path", packages, "--format", "json", "--progress-spinner", "off"])
    if not answer.stdout.strip():
        return [answer.stderr]
    told = json.loads(answer.stdout)["dependencies"]
    unknown = [package["name"] for package in told if "skip_reason" in package]
    print(f"pip-audit: {len(told) - len(unknown)} packages audited, {len(unknown)} unknown to its service", flush=True)
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {vulnerability['fix_versions']}"
        for package in told
        for vulnerability in package.get("vulns", ())
    ]


def _told(programs: Path, temporary: Path) -> list[tuple[str, list[str]]]:
    """What the scanner says of everything that a client is told, over both transports."""
    fleetlore = [sys.executable, "-m", "fleetlore.server", "serve", "--data", str(temporary / "data")]
    port = free_port()
    scanner = [str(programs / "mcp-scanner"), "--analyzers", "yara", "--raw"]
    over_stdio = [f"--stdio-arg={part}" for part in fleetlore[1:]]
    with serving([*fleetlore, "--transport", "http", "--port", str(port)], port) as address:
        url = ["--server-url", f"{address}/mcp"]
        asked = {
            "tools over stdio": ["stdio", "--stdio-command", fleetlore[0], *over_stdio],
            "prompts": ["prompts", *url],
            "resources": ["resources", *url, "--mime-types", "application/json"],
            "instructions": ["instructions", *url],
        }
        return [(f"mcp-scanner: {what}", _findings([*scanner, *command])) for what, command in asked.items()]


def _findings(command: Sequence[str]) -> list[str]:
    answer = _run(command)
    try:
        told: list[dict[str, Any]] = json.loads(answer.stdout)
    except ValueError:
        return [f"it said no JSON: {answer.stdout}{answer.stderr}"]
    unsafe = [one for one in told if not one["is_safe"] or one["status"] != "completed"]
    return [json.dumps(one, indent=2) for one in unsafe] if told else ["it found nothing to scan"]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
