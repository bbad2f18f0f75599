"""The audit of the ledger: verifying its chain, showing and exporting its events."""
