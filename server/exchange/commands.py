"""The commands that carry knowledge in and out: `import`, `export`."""

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager, contextmanager
from itertools import accumulate, islice
from pathlib import Path

import anyio
import click
from click._termui_impl import ProgressBar

from fleetlore.server.clients.files import target_of
from fleetlore.server.command_group import (
    ENVIRONMENT,
    agent_option,
    commands,
    data_option,
    json_option,
    network_disk,
    with_ledger,
)
from fleetlore.server.exchange.digest import lessons_block, put_into
from fleetlore.server.exchange.exporting import exported
from fleetlore.server.exchange.files import FORMATS, STANDARD_INPUT, Format, found, opened
from fleetlore.server.exchange.importing import TOGETHER, Import
from fleetlore.server.exchange.reading import lines_of
from fleetlore.server.exchange.telling import Telling, write
from fleetlore.server.marked_block import put
from fleetlore.server.settings import utc_now
from fleetlore.server.whole_file import replacing
from fleetlore.server.workplace import project_of
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import FileRefused, NotWritable, Refusal
from fleetlore.storage.ledger import LEDGER_FILE, Ledger
from fleetlore.storage.records import SPACES, AgentName
from fleetlore.tools.shared_arguments import PROJECT, TAGS

_PATIENCE_SECONDS = 1.0
_BAR_STEP = 100


def _encoding(_context: click.Context, _option: click.Parameter, name: str) -> str:
    try:
        "".encode(name or "utf-8")
    except (LookupError, UnicodeError):
        raise click.BadParameter(f"{name} is no text encoding that Python knows") from None
    return name


def _tags(_context: click.Context, _option: click.Parameter, tags: Sequence[str]) -> tuple[str, ...]:
    read: tuple[str, ...] = TAGS.read(list(tags))
    return read


@commands.command("import")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, allow_dash=True, readable=False),  # one that cannot be read stops no other
)
@data_option
@agent_option
@click.option(
    "--project",
    default=None,
    show_default="the git remote or folder here",
    envvar=f"{ENVIRONMENT}_PROJECT",
    help="What the lessons are about.",
)
@click.option("--tag", "tags", multiple=True, callback=_tags, help="Added to every lesson; may be given several times.")
@click.option(
    "--format",
    "stated",
    type=click.Choice(FORMATS),
    default=None,
    show_default="told from the name",
    help="What the files are.",
)
@click.option(
    "--encoding", default="", show_default="as the file says, else UTF-8", callback=_encoding, help="Of the files."
)
@click.option("--dry-run", is_flag=True, help="Only say what would happen to each line.")
@json_option
def import_(
    files: Sequence[Path],
    data: Path,
    agent: AgentName,
    project: str | None,
    tags: tuple[str, ...],
    stated: Format | None,
    encoding: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take lessons from rule files, Markdown, JSON lines or CSV; of a folder, from the rule files in it.

    A FILE may be - for standard input, with --format. What is known already is left alone.
    """
    if Path(STANDARD_INPUT) in files and stated is None:
        raise click.UsageError("standard input has no name to tell its format from: add --format")
    project = PROJECT.read(project) if project is not None else project_of(Path.cwd())
    paths = found(files)
    telling = Telling(as_json=as_json, dry_run=dry_run)
    unread: list[str] = []

    async def run() -> None:
        async with _importing(data, agent, project, tags, dry_run=dry_run) as importing:
            try:
                with _progress(paths) as reached:
                    for path in paths:
                        try:
                            await _import_file(importing, telling, path, stated, encoding, reached)
                        except (Refusal, FileRefused) as refusal:
                            unread.append(str(refusal))
                            click.echo(f"fleetlore: {refusal}", err=True)
            finally:
                telling.end(importing.totals, importing.redacted, importing.plans, unread)

    anyio.run(run)
    if unread:
        click.get_current_context().exit(1)


@commands.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@data_option
@agent_option
@click.option(
    "--format",
    "stated",
    type=click.Choice(["jsonl", "agents-md"]),
    default=None,
    show_default="agents-md for a FILE that ends in .md, else jsonl",
    help="Every item with its evidence, or the best lessons as a block for AGENTS.md.",
)
@click.option("--space", type=click.Choice(["all", *SPACES]), default="all", help="Only items of this space.")
@click.option(
    "--project", default=None, show_default="jsonl: all; agents-md: the git remote or folder here", help="Only of it."
)
@click.option(
    "--tag", "tags", multiple=True, callback=_tags, help="Only items that carry it, and every other one given."
)
@click.option("--max-tokens", type=click.IntRange(100, 20_000), default=1_500, help="Budget of the block in agents-md.")
def export(
    file: Path | None,
    data: Path,
    agent: AgentName,
    stated: str | None,
    space: str,
    project: str | None,
    tags: tuple[str, ...],
    max_tokens: int,
) -> None:
    """Write what is known to FILE or stdout: the general space and your own items, as JSON lines or for AGENTS.md."""
    file = None if file == Path(STANDARD_INPUT) else file
    if (stated or ("agents-md" if file and file.suffix.lower() == ".md" else "jsonl")) == "agents-md":
        if tags or space == "prompt":
            raise click.UsageError("agents-md takes the best of the general space: leave --tag and --space out")
        project = project_of(Path.cwd()) if project is None else project
        content, count = with_ledger(
            data, "", lambda ledger: lessons_block(ledger.read, project=project, max_tokens=max_tokens)
        )
        if file is None:
            click.echo(put("", "lessons", content, Path("stdout")), nl=False)
        else:
            put_into(file, content)
            click.echo(f"put {count:,} lessons into {file}", err=True)
        return

    async def write_lines(ledger: Ledger) -> int:
        count = 0
        lines = exported(ledger.read, agent=agent, space=space, project=project or "", tags=tags)
        total = len(await ledger.read.exportable(agent=agent, space=space, project=project or "", tags=tags))
        hidden = file is None or not sys.stderr.isatty()
        bar = click.progressbar(length=total, label="exporting", file=sys.stderr, hidden=hidden)
        async with aclosing(lines):
            with bar, _output(file) as put_line:
                async for line in lines:
                    put_line(f"{line}\n".encode())
                    count += 1
                    if count % _BAR_STEP == 0 or count == total:
                        bar.update(count - bar.pos)
        return count

    async def write_on_record(ledger: Ledger) -> int:
        count = await write_lines(ledger)
        try:
            await ledger.write(
                lambda transaction: transaction.record("exported", agent=agent, subject=ledger.info.id, items=count)
            )
        except NotWritable as refusal:
            click.echo(f"{refusal.brief}: this export is not on record", err=True)
        return count

    count = with_ledger(data, "", write_on_record)
    if file is not None:
        click.echo(f"exported {count:,} items to {file}", err=True)


@asynccontextmanager
async def _importing(
    data: Path, agent: AgentName, project: str, tags: tuple[str, ...], *, dry_run: bool
) -> AsyncIterator[Import]:
    """An import over the data, which is made if there is none; a dry run makes none."""
    async with AsyncExitStack() as stack:
        if dry_run and not await anyio.Path(data).is_file() and not await anyio.Path(data / LEDGER_FILE).exists():
            data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        network_disk(data)
        ledger = await stack.enter_async_context(
            Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now)
        )
        yield Import(ledger=ledger, dry_run=dry_run, agent=agent, project=project, tags=tags)


async def _import_file(
    importing: Import,
    telling: Telling,
    path: Path,
    stated: Format | None,
    encoding: str,
    reached: Callable[[Path, float], None],
) -> None:
    with opened(path, stated=stated, encoding=encoding) as source:
        lines = lines_of(source, agent=importing.agent)
        while part := list(islice(lines, TOGETHER)):
            for told in await importing.take(part):
                telling.line(told)
            reached(path, part[-1].place.line / source.lines)


@contextmanager
def _progress(paths: Sequence[Path]) -> Iterator[Callable[[Path, float], None]]:
    """Tells how far an import has come that takes over a second, unless its report is seen as it goes."""
    sizes = {path: path.stat().st_size for path in paths if path.is_file()}
    before = dict(zip(sizes, accumulate(sizes.values(), initial=0), strict=False))
    total = sum(sizes.values())
    began = time.monotonic()
    with ExitStack() as stack:
        bars: list[ProgressBar[int]] = []

        def reached(path: Path, share: float) -> None:
            if sys.stdout.isatty() or path not in sizes or time.monotonic() - began < _PATIENCE_SECONDS:
                return
            if not bars:
                bar = click.progressbar(
                    length=total, label="importing", file=sys.stderr, hidden=not sys.stderr.isatty()
                )
                bars.append(stack.enter_context(bar))
            bars[0].update(round(before[path] + share * sizes[path]) - bars[0].pos)

        yield reached


@contextmanager
def _output(file: Path | None) -> Iterator[Callable[[bytes], object]]:
    if file is None:
        yield write
        return
    _checked(file)
    try:
        with replacing(target_of(file)) as stream:
            yield stream.write
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileRefused(file, None, f"it cannot be written: {reason}", "Choose another file") from error


def _checked(file: Path) -> None:
    """Refuses to write an export over something that is none."""
    try:
        with file.open("rb") as there:
            beginning = there.read(12)
    except OSError:
        return  # there is nothing, or writing will say what is wrong
    if beginning and not beginning.startswith(b'{"fleetlore"'):
        raise FileRefused(file, None, "it is there already and is no export", "Choose another name, or remove it first")
