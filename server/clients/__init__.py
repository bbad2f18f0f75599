"""Connecting clients: what each one reads where, and how to change its files without touching what is not ours."""
