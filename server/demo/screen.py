"""Where the demo is shown: lines that stay for a while, and on a terminal one last line that is written anew."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import click

_WIDEST = 80
_BLOCKS = " ▁▂▃▄▅▆▇█"
_PLAIN = " .:-=+*%#"


@dataclass(kw_only=True, slots=True)
class Screen:
    """Standard output; `live` is a terminal. A line stays for `pace` seconds before the next comes."""

    live: bool
    pace: float
    width: int = _WIDEST
    _status: str = field(default="", init=False)

    @classmethod
    def of_stdout(cls, pace: float | None) -> "Screen":
        """The screen there is; without a `pace` a terminal's is one to read at, anything else waits for nobody."""
        live = sys.stdout.isatty()
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        return cls(live=live, pace=(0.2 if live else 0.0) if pace is None else pace, width=width)

    async def line(self, text: str, *, stays: int = 1) -> None:
        """Writes a line that stays for so many paces; the status stays below it."""
        self._wipe()
        click.echo(text)
        self._write(self._status)
        await anyio.sleep(self.pace * stays)

    def status(self, text: str) -> None:
        """Writes the last line anew; "" takes it away. Does nothing where that cannot be."""
        self._wipe()
        self._status = clipped(text, self.width - 1)
        self._write(self._status)

    def _wipe(self) -> None:
        if self.live and self._status:
            click.echo(f"\r{' ' * (self.width - 1)}\r", nl=False)

    def _write(self, text: str) -> None:
        if self.live and text:
            click.echo(text, nl=False)


def blocks(shares: Sequence[float], *, rows: int = 1) -> list[str]:
    """Shares of one as a graph of that many rows, the upper first; in ASCII where standard output knows no blocks."""
    levels = _levels()
    heights = [round(share * rows * (len(levels) - 1)) for share in shares]
    return [
        "".join(
            levels[min(max(height - row * (len(levels) - 1), int(row == 0)), len(levels) - 1)] for height in heights
        )
        for row in reversed(range(rows))
    ]


def _levels() -> str:
    try:
        _BLOCKS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _PLAIN
    return _BLOCKS


def clipped(text: str, width: int) -> str:
    """The text in that many columns."""
    return text if len(text) <= width else f"{text[: width - 3].rstrip()}..."
