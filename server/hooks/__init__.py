"""What the hooks of an assistant call: knowledge when a session starts, a reminder when it stops, outcomes between."""
