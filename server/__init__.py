"""How fleetlore runs: settings, assembly, identity, transports and the command line."""
