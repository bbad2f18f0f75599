"""`fleetlore doctor`: looks at everything that a fleet's memory hangs on, and says what to do about what it finds."""
