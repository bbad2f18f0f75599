"""Which embedders there are: name, which stands for model and dimension for good, and dimension."""

DEFAULT_EMBEDDER = "wordllama-256"
EMBEDDERS = {"wordllama-256": 256, "wordllama-128": 128, "wordllama-64": 64}
