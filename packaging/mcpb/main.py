"""Starts the bundle's server."""

import os
import sys
from pathlib import Path

from fleetlore.server.cli import main

# A stdio server takes the folder it is started in for the project; the bundle's own is none, and home counts as none.
os.chdir(Path.home())
sys.argv[1:1] = ["serve"]
main()
