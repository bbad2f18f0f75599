"""`python -m fleetlore.server` is the `fleetlore` command."""

from fleetlore.server.cli import main

main()
