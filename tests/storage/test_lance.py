"""What of LanceDB is imported."""

import subprocess
import sys

PROGRAM = """
import sys
import fleetlore.storage.spaces
left_out = ("lance_namespace", "lance_namespace_urllib3_client", "overrides")
print([name for name in sys.modules if name.partition(".")[0] in left_out], len(sys.meta_path))
from lance_namespace import ListTablesResponse
from lance_namespace_urllib3_client.api.table_api import TableApi
print(hasattr(ListTablesResponse, "model_fields"), hasattr(TableApi, "create_table"))
"""


def test_the_client_for_remote_catalogues_is_left_out_and_is_there_for_whoever_asks():
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print([], len(sys.meta_path))"], capture_output=True, text=True, check=True
    )
    ours = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ours.stdout == f"{bare.stdout}True True\n"
