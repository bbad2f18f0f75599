"""The command line that the benchmarks have in common."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import anyio
from connection import ToolFailed, Transport
from process import ServerDidNotStart


def parser(description: str, epilog: str) -> argparse.ArgumentParser:
    """Make a parser with the options every benchmark has."""
    made = argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write settings, results and machine to this file")
    return made


def run(main: Callable[[argparse.Namespace], Awaitable[None]], options: argparse.Namespace) -> None:
    """Run a benchmark; a refused call, a dead server or missing data ends it with its own sentence and exit code 1."""
    # A library below configures logging for everybody; a line per HTTP request would be part of what is measured.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        anyio.run(main, options)
    except* (ToolFailed, ServerDidNotStart, FileNotFoundError) as failed:
        for line in dict.fromkeys(messages(failed)):
            print(line, file=sys.stderr)
        sys.exit(1)


def messages(failed: BaseException) -> list[str]:
    """Unfold nested groups: every open connection wraps an error once more on its way out."""
    if isinstance(failed, BaseExceptionGroup):
        return [line for inner in failed.exceptions for line in messages(inner)]
    return [str(failed)]


def add_transport(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--transport",
        type=Transport,
        choices=tuple(Transport),
        default=Transport.IN_PROCESS,
        help="how agents reach the server (default: %(default)s)",
    )


def add_seeds(to: argparse.ArgumentParser) -> None:
    to.add_argument("--seeds", type=seeds, default=(0, 1), help="comma-separated; each is a run (default: 0,1)")


def seeds(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def names(allowed: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """Make a reader of comma-separated names that refuses others than these."""

    def read(text: str) -> tuple[str, ...]:
        chosen = tuple(part.strip() for part in text.split(","))
        if unknown := sorted(set(chosen) - set(allowed)):
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(allowed)}")
        return chosen

    return read


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
