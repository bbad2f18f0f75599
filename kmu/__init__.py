"""What fleetlore decides: the knowledge management unit, its feedback agents and its controller."""
