"""From a file that was looked through to its lines."""

from collections.abc import Iterator
from pathlib import Path

from fleetlore.server.exchange.files import MOST_MARKDOWN, Source
from fleetlore.server.exchange.lines import Line
from fleetlore.server.exchange.markdown import read_markdown
from fleetlore.server.exchange.objects import read_csv, read_json_lines
from fleetlore.server.marked_block import blocks
from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import AgentName


def lines_of(source: Source, *, agent: AgentName) -> Iterator[Line]:
    """The lines of a file, for that agent.

    Raises a refusal where the file as a whole cannot be taken, before its first line.
    """
    match source.format:
        case "jsonl":
            yield from read_json_lines(source.text(), source.name, agent=agent)
        case "csv":
            yield from read_csv(source.text(newline=""), source.name)
        case "markdown":
            if source.size > MOST_MARKDOWN:
                raise Refusal(
                    source.name,
                    f"it has {source.size / 1e6:,.1f} MB, and Markdown is read up to {MOST_MARKDOWN / 1e6:,.1f} MB",
                    "Split it, or write its lessons as JSON lines, which may be of any size",
                )
            text = source.text(newline="").read()
            yield from read_markdown(text, source.name, blocks(text, Path(source.name)))
