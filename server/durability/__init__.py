"""Commands that prove, keep and put back what a data directory holds."""
