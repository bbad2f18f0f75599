"""mem0 as a process of its own: reads one JSON call per line and answers each with one line.

It runs inside mem0's environment, with nothing else of the benchmarks.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

OWNER = "fleet"
ALL = 1_000_000


def memory(store: Path, embeddings: str, dimension: int) -> Any:  # noqa: ANN401  mem0 is not there for the type checker
    """Open mem0 on its default kind of store, a local Qdrant, kept on disk; no model is ever asked."""
    vectors = {"path": str(store / "qdrant"), "embedding_model_dims": dimension, "on_disk": True}
    embedder = {
        "model": "lessons",
        "embedding_dims": dimension,
        "openai_base_url": embeddings,
        "api_key": "none",
    }
    return importlib.import_module("mem0").Memory.from_config(
        {
            "vector_store": {"provider": "qdrant", "config": vectors},
            "embedder": {"provider": "openai", "config": embedder},
            "llm": {"provider": "openai", "config": {"api_key": "none", "openai_base_url": embeddings}},
            "history_db_path": str(store / "history.db"),
        }
    )


def answer(opened: Any, call: dict[str, Any]) -> list[str]:  # noqa: ANN401
    owner = {"user_id": OWNER}
    match call:
        case {"write": text}:
            return [one["memory"] for one in opened.add(text, user_id=OWNER, infer=False)["results"]]
        case {"search": query, "limit": limit}:
            return [one["memory"] for one in opened.search(query, filters=owner, top_k=limit)["results"]]
        case _:
            return [one["memory"] for one in opened.get_all(filters=owner, top_k=ALL)["results"]]


def main(store: str, embeddings: str, dimension: str) -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever mem0 prints goes where its log goes
    opened = memory(Path(store), embeddings, int(dimension))
    out.write("[]\n")
    out.flush()
    for line in sys.stdin:
        try:
            said: object = answer(opened, json.loads(line))
        except Exception as error:  # an edge: the other side decides
            said = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(said) + "\n")
        out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
