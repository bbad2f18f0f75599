"""Both generations of the official TypeScript SDK against fleetlore, over every transport that each has.

Prints a line for each check and a summary; exits with 1 if one failed. `run` starts it.
"""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from node import NodeFolder, node_folder
from serving import clean_environment, free_port, serving

PACKAGES = ("@modelcontextprotocol/sdk@1.32.2", "@modelcontextprotocol/client@2.4.0")
CLIENTS = ("sdk_v1.mjs", "sdk_v2.mjs")
SERVE = (sys.executable, "-m", "fleetlore.server", "serve")
_PATIENCE_SECONDS = 240


def main() -> int:
    """Runs every client; returns the exit code."""
    counts: Counter[str] = Counter()
    with node_folder(*PACKAGES) as folder, TemporaryDirectory(prefix="fleetlore-clients-") as temporary:
        for script in Path(__file__).parent.glob("*.mjs"):
            shutil.copy(script, folder.path)  # a module finds its packages beside itself only
        port, data = free_port(), Path(temporary)
        command = [*SERVE, "--transport", "http", "--port", str(port), "--data", str(data / "http")]
        with serving(command, port) as address:
            for client in CLIENTS:
                counts += _talk(folder, client, address, data / "stdio")
    print(f"{counts['pass']} passed, {counts['FAIL']} failed")
    return 1 if counts["FAIL"] or not counts["pass"] else 0


def _talk(folder: NodeFolder, client: str, address: str, data: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    command = [str(folder.node), client, address, str(data), *SERVE]
    with subprocess.Popen(
        command, cwd=folder.path, env=clean_environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            counts[line.partition(" ")[0]] += 1
        code = process.wait(_PATIENCE_SECONDS)
    if (code == 0) == (counts["FAIL"] > 0) or not counts["pass"]:
        print(f"FAIL {client}: exit code {code}")
        counts["FAIL"] += 1
    return counts


if __name__ == "__main__":
    sys.exit(main())
