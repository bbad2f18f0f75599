"""How the commands for people write: one line for a text, as wide as the terminal, and colours that tell something."""

import re
import shutil
import sys

import click

from fleetlore.storage.records import Item

OWN = "an agent's own"  # in place of what only its owner may read
ERASED = "erased for good"  # in place of what nobody can read any more
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOURS = {
    "active": "green",
    "provisional": "yellow",
    "contested": "magenta",
    "superseded": "bright_black",
    "pruned": "red",
    "erased": "red",
}


def harmless(text: str) -> str:
    """Somebody else's text without what could steer a terminal: escape sequences, marks that turn its direction."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str, most: int = 0) -> str:
    """A text without its line breaks, harmless, cut to `most` characters; 0 cuts nothing."""
    line = harmless(" ".join(text.split()))
    return line if not most or len(line) <= most else f"{line[: most - 1]}…"


def room(taken: int) -> int:
    """How many characters are left of a terminal's line; 0, as many as one likes, where nobody reads along."""
    return max(shutil.get_terminal_size().columns - taken, 20) if sys.stdout.isatty() else 0


def coloured(status: str, width: int = 0) -> str:
    """A status in its colour."""
    return click.style(status.ljust(width), fg=_COLOURS.get(status))


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
