"""The server's default model behind an OpenAI-compatible address on loopback, so that peers rank by the same vectors.

Run by itself, it serves `/v1/embeddings` on the port that it is given.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import uvicorn
from legs import Embedder, Vector
from process import environment, free_port, healthy, stop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@asynccontextmanager
async def embeddings(log: Path) -> AsyncIterator[str]:
    """Serve in a process of its own until the block ends. Yields the address that clients call their base."""
    port = free_port()
    with log.open("ab") as errors:
        process = await anyio.open_process(
            [sys.executable, __file__, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            env=environment(),
        )
        try:
            await healthy(process, f"http://127.0.0.1:{port}/healthz", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            with anyio.CancelScope(shield=True):
                await stop(process)


def application() -> Starlette:
    embedder = Embedder()

    async def embed(request: Request) -> Response:
        asked = await request.json()
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        told = encoded if asked.get("encoding_format") == "base64" else listed
        data = [
            {"object": "embedding", "index": place, "embedding": told(vector)}
            for place, vector in enumerate(embedder.embed(texts))
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return JSONResponse({"object": "list", "data": data, "model": asked.get("model", ""), "usage": usage})

    async def healthz(_: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/v1/embeddings", embed, methods=["POST"]), Route("/healthz", healthz)])


def listed(vector: Vector) -> list[float]:
    return [float(part) for part in vector]


def encoded(vector: Vector) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


if __name__ == "__main__":
    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
