"""Commands for people: add, search, show, edit and prune knowledge, and see why."""
