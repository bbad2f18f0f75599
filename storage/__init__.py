"""What fleetlore remembers: records, the ledger (SQLite), the two knowledge spaces (LanceDB) and embedding."""

import os

# Both must stand before the libraries are imported: LanceDB logs a warning per hybrid query otherwise, and BLAS threads
# triple the time of a search while anything else runs.
os.environ.setdefault("LANCEDB_LOG", "error")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
