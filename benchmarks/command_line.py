"""The command line that the benchmarks have in common."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import anyio
from arms import ARMS
from connection import ToolFailed, Transport
from process import ServerDidNotStart


def parser(description: str, epilog: str) -> argparse.ArgumentParser:
    """Make a parser with the options every benchmark has."""
    made = argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write settings, results and machine to this file")
    return made


def run(main: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> None:
    """Run a benchmark; a refused call, a dead server or missing data ends it with its own sentence and exit code 1."""
    quieten()
    try:
        main(options)
    except* (ToolFailed, ServerDidNotStart, FileNotFoundError) as failed:
        for line in dict.fromkeys(messages(failed)):
            print(line, file=sys.stderr)
        sys.exit(1)


def quieten() -> None:
    """A library below configures logging for everybody; a line per HTTP request would be part of what is measured."""
    for chatty in ("httpx2", "matplotlib"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def run_async(main: Callable[[argparse.Namespace], Awaitable[None]], options: argparse.Namespace) -> None:
    run(lambda read: anyio.run(main, read), options)


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


def add_matrix(to: argparse.ArgumentParser) -> None:
    """Add the options of a stream, which every arm goes through under every seed."""
    to.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    to.add_argument(
        "--arms", type=names(ARMS), default=tuple(ARMS), help=f"comma-separated (default: {','.join(ARMS)})"
    )
    to.add_argument("--seeds", type=numbers, default=(0, 1, 2), help="comma-separated; each is a run (default: 0,1,2)")
    add_transport(to)
    to.add_argument("--jobs", type=positive, default=1, help="runs at the same time (default: %(default)s)")
    to.add_argument("--resume", action="store_true", help="keep the runs that the file of --json holds already")
    to.add_argument("--picture", type=Path, metavar="FILE", help="draw learning curves to this .png or .svg")


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line of a stream."""
    options = made.parse_args()
    if options.resume and options.json is None:
        made.error("--resume needs --json FILE")
    return options


def numbers(text: str) -> tuple[int, ...]:
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
