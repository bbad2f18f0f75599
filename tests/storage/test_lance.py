"""What of LanceDB is imported."""

import subprocess
import sys

PROGRAM = """
import sys
import fleetlore.storage.spaces
print([name for name in sys.modules if name.startswith("lance_namespace_urllib3_client.api.")], len(sys.meta_path))
from lance_namespace_urllib3_client.api.table_api import TableApi
print(hasattr(TableApi, "create_table"))
"""


def test_the_operations_of_remote_catalogues_are_left_out_and_are_there_for_whoever_asks():
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print([], len(sys.meta_path))"], capture_output=True, text=True, check=True
    )
    ours = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ours.stdout == f"{bare.stdout}True\n"
