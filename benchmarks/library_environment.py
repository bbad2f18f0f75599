"""Environment of the numeric and storage libraries, which they read when they are imported: import this before them.

More BLAS threads than free cores slow small searches down threefold, and LanceDB's engine logs a warning per query.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("LANCEDB_LOG", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
