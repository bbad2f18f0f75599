"""How the commands for people write: one line for a text, as wide as the terminal, and colours that tell something."""

import shutil
import sys
from collections.abc import Sequence

import click

from fleetlore.kmu.harmless import harmless
from fleetlore.storage.records import Item

OWN = "an agent's own"  # in place of what only its owner may read
ERASED = "erased for good"  # in place of what nobody can read any more
_COLOURS = {
    "active": "green",
    "provisional": "yellow",
    "contested": "magenta",
    "superseded": "bright_black",
    "pruned": "red",
    "erased": "red",
}


def one_line(text: str, most: int = 0) -> str:
    """A text without its line breaks, harmless, cut to `most` characters; 0 cuts nothing."""
    line = " ".join(harmless(text).split())
    return line if not most or len(line) <= most else f"{line[: most - 1]}…"


def room(taken: int) -> int:
    """How many characters are left of a terminal's line; 0, as many as one likes, where nobody reads along."""
    return max(shutil.get_terminal_size().columns - taken, 20) if sys.stdout.isatty() else 0


def coloured(status: str, width: int = 0) -> str:
    """A status in its colour."""
    return click.style(status.ljust(width), fg=_COLOURS.get(status))


def flagged(flags: Sequence[str]) -> str:
    """Why an item is held."""
    return click.style(f"held until a person has looked: {', '.join(flags).replace('_', ' ')}", fg="red")


def heading(text: str) -> str:
    """The title of a paragraph."""
    return click.style(text, bold=True)


def hint(text: str) -> str:
    """What one may do next."""
    return click.style(text, dim=True)


def state_of(item: Item) -> str:
    """What has become of an item, in one word."""
    return "erased" if item.erased else "merged" if item.merged_into else "pruned" if item.pruned_by else item.status


def seen_by(owner: str) -> str:
    """The option without which an agent's own item is not seen."""
    return f" --agent {owner}" if owner else ""


def moment(at: str) -> str:
    """An ISO time as people read it: to the minute, in UTC."""
    return at[:16].replace("T", " ")


def quoted(text: str) -> str:
    """Somebody's words."""
    return f"“{text}”"


def counted(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def secrets_removed(number: int) -> list[str]:
    """What is told of secrets that were taken out of what somebody said; nothing where there were none."""
    return [f"{counted(number, 'secret')} removed before anything was stored"] if number else []
