"""Settings of the property tests: no deadline on a shared machine, nothing written beside the code."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("fleetlore", deadline=None, database=None, print_blob=True)
settings.load_profile("fleetlore")
