"""What fleetlore remembers: records, the ledger (SQLite), the two knowledge spaces (LanceDB) and embedding."""

import os

# All must stand before the libraries are imported: LanceDB logs a warning per hybrid query otherwise, and with more
# threads for BLAS or the tokenizer, what takes a tenth of a millisecond waits for a core while anything else runs.
os.environ.setdefault("LANCEDB_LOG", "error")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
