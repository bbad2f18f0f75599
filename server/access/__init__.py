"""Who comes in by the network: tokens, the gate that every request passes, and its limits."""
