"""What agents see: three tools, resources and prompts. No decisions are made here."""
