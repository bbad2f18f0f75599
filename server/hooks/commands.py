"""The commands that an assistant's hooks call. They never fail, and never keep the assistant waiting for long."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from threading import Thread
from typing import Any

import click

from fleetlore.server.command_group import ENVIRONMENT, commands, data_option, json_option, learning_option, tell
from fleetlore.server.hooks.implied import implied
from fleetlore.server.hooks.payload import Payload, payload_of, read_input
from fleetlore.server.hooks.place import Place
from fleetlore.server.hooks.transcript import MOST_RECEIPTS, receipts_in
from fleetlore.storage.errors import known_fault
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.records import Implicit

Output = dict[str, Any]

_PATIENCE_SECONDS = 3.0
_STDOUT, _STDERR = 1, 2


class _Harmless(click.Command):
    """A command whose wrong usage is no failure either: an exit code of 2 would keep an assistant from stopping."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:  # noqa: ANN401  as click has it
        try:
            return super().make_context(*args, **extra)
        except click.ClickException as error:
            _write(_STDERR, f"fleetlore: {error.format_message()}")
            raise click.exceptions.Exit(0) from error


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where the memory is; the command is given a `Place`."""

    @data_option
    @click.option(
        "--url",
        default="",
        envvar=f"{ENVIRONMENT}_URL",
        help="The team's server, as http://host/mcp, in place of --data.",
    )
    @click.option(
        "--token-env",
        default="",
        envvar=f"{ENVIRONMENT}_TOKEN_ENV",
        help="Name of the environment variable that holds the server's token.",
    )
    @learning_option
    @wraps(command)
    def placed(*, data: Path, url: str, token_env: str, learning: bool, **rest: object) -> None:
        command(Place(data=data, url=url, token_env=token_env, learning=learning), **rest)

    return placed


class _Hooks(click.Group):
    """A group that ends with 1 for the name of a hook that is none: 2 would keep an assistant from stopping."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _mild():
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # noqa: ANN401  as click has it
        with _mild():
            return super().resolve_command(ctx, args)


@contextmanager
def _mild() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.show()
        raise click.exceptions.Exit(1) from error


@commands.group(cls=_Hooks)
def hook() -> None:
    """What the hooks of an assistant call: they read its JSON and never stand in its way."""


# What the answers need is imported behind the question whether there is anything to ask: most of what an assistant runs
# implies nothing, and then its hook ends at once.


@hook.command("session-start", cls=_Harmless)
@place_options
@click.option("--project", default="", envvar=f"{ENVIRONMENT}_PROJECT", help="What is worked on, as owner/name.")
@click.option(
    "--max-tokens",
    type=click.IntRange(100, 20_000),
    default=600,
    envvar=f"{ENVIRONMENT}_MAX_TOKENS",
    help="Budget of what is said (characters / 4).",
)
def session_start(place: Place, project: str, max_tokens: int) -> None:
    """Tell a session that starts what is best known of its project."""

    def work(payload: Payload) -> Output:
        if payload.text("source") == "resume":
            return {}  # it was told when it began
        from fleetlore.server.hooks.requests import SessionStart  # noqa: PLC0415
        from fleetlore.server.workplace import project_of  # noqa: PLC0415

        return place.say(SessionStart(project=project or project_of(_folder(payload)), max_tokens=max_tokens))

    _never_in_the_way(work)


@hook.command(cls=_Harmless)
@place_options
def stop(place: Place) -> None:
    """Ask once for the feedback that the receipts of a session still miss."""

    def work(payload: Payload) -> Output:
        receipts = () if payload.flag("stop_hook_active") else _receipts(payload)
        if not receipts:
            return {}
        from fleetlore.server.hooks.requests import Stop  # noqa: PLC0415

        return place.say(Stop(receipts=receipts))

    _never_in_the_way(work)


@hook.command("tool-use", cls=_Harmless)
@place_options
def tool_use(place: Place) -> None:
    """Note what a command that was run implies of the task: tests that passed or failed, work thrown away."""

    def work(payload: Payload) -> Output:
        saw = implied(payload.command, payload.ended)
        if saw is None or payload.text("agent_id") or not (receipts := _receipts(payload)):
            return {}
        from fleetlore.server.hooks.requests import ToolUse  # noqa: PLC0415

        return place.say(ToolUse(receipts=receipts, implicit=saw))

    _never_in_the_way(work)


@hook.command()
@place_options
@click.option("--receipt", required=True, help="Whose task it was: the r_… of a retrieval.")
@click.option(
    "--implicit",
    required=True,
    type=click.Choice(["tests-passed", "tests-failed", "command-failed", "reverted"]),
    help="What was seen.",
)
@json_option
def report(place: Place, receipt: str, implicit: Implicit, as_json: bool) -> None:
    """Report what a script or a pipeline saw of the task of a receipt."""
    from fleetlore.server.hooks.requests import Seen  # noqa: PLC0415

    tell(place.ask(Seen(receipt=ReceiptId(receipt), implicit=implicit)), as_json, _report_text)


def _report_text(found: Output) -> str:
    if found["known"]:
        return f"{found['feedback']}: {found['implicit']} was known already of {found['receipt']}"
    outcome = f"{found['implicit']}, an implicit {found['outcome']}"
    return f"{found['feedback']}: {outcome}, counts for {found['items']} items"


def _folder(payload: Payload) -> Path:
    """The folder that the assistant was started in: where it works now may be below."""
    return Path(os.environ.get("CLAUDE_PROJECT_DIR") or payload.text("cwd") or Path.cwd())


def _receipts(payload: Payload) -> tuple[ReceiptId, ...]:
    """The session's receipts: those that whoever calls the hook names, and those in its transcript."""
    named = [ReceiptId(receipt) for receipt in payload.texts("receipts")]
    return tuple(dict.fromkeys((*named, *receipts_in(payload.text("transcript_path")))))[:MOST_RECEIPTS]


def _never_in_the_way(work: Callable[[Payload], Output]) -> None:
    """Does the work and writes what it finds; whatever happens, and if nothing does, the process ends well and soon."""

    def carry_out() -> None:
        try:
            if found := work(payload_of(read_input())):
                _write(_STDOUT, json.dumps(found))
        except Exception as error:  # the edge: whatever is wrong here, the assistant goes on
            told = known_fault(error) or f"the hook failed ({type(error).__name__}: {error})"
            _write(_STDERR, f"fleetlore: {' '.join(str(told).split())}")

    thread = Thread(target=carry_out, daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    if thread.is_alive():
        _write(_STDERR, f"fleetlore: the hook gave up after {_PATIENCE_SECONDS:.0f} seconds")
    os._exit(0)  # a thread that hangs must not hold it up, nor a pipe that nobody reads turn it into a failure


def _write(descriptor: int, text: str) -> None:
    with suppress(OSError):  # whoever started this may be gone
        os.write(descriptor, f"{text}\n".encode())
