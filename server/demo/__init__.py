"""`fleetlore demo`: a scripted fleet that learns before your eyes, on a real server."""
