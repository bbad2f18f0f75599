"""The commands that an assistant's hooks call. They never fail, and never keep the assistant waiting for long."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import click
import platformdirs

from fleetlore.server.command_group import ENVIRONMENT, commands, data_option, json_option, tell, with_ledger
from fleetlore.server.hooks.implied import implied
from fleetlore.server.hooks.payload import Payload, payload_of, read_input
from fleetlore.server.hooks.transcript import receipts_in
from fleetlore.storage.errors import ServerUnreachable, known_fault
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.ledger import LEDGER_FILE

Output = dict[str, Any]

_PATIENCE_SECONDS = 4.0
_PRAGMAS = {"busy_timeout": 500}
_STDOUT, _STDERR = 1, 2


class _Harmless(click.Command):
    """A command whose wrong usage is no failure either: an exit code of 2 would keep an assistant from stopping."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:  # noqa: ANN401  as click has it
        try:
            return super().make_context(*args, **extra)
        except click.ClickException as error:
            _write(_STDERR, f"fleetlore: {error.format_message()}")
            raise click.exceptions.Exit(0) from error


url_option = click.option(
    "--url", default="", envvar=f"{ENVIRONMENT}_URL", help="The team's server, as http://host/mcp, in place of --data."
)
token_option = click.option(
    "--token-env",
    default="",
    envvar=f"{ENVIRONMENT}_TOKEN_ENV",
    help="Name of the environment variable that holds the server's token.",
)


@commands.group()
def hook() -> None:
    """What the hooks of an assistant call: they read its JSON and never stand in its way."""


@hook.command("session-start", cls=_Harmless)
@data_option
@url_option
@token_option
@click.option("--project", default="", envvar=f"{ENVIRONMENT}_PROJECT", help="What is worked on, as owner/name.")
@click.option(
    "--max-tokens",
    type=click.IntRange(100, 20_000),
    default=600,
    envvar=f"{ENVIRONMENT}_MAX_TOKENS",
    help="Budget of what is said (characters / 4).",
)
def session_start(data: Path, url: str, token_env: str, project: str, max_tokens: int) -> None:
    """Tell a session that starts what is best known of its project."""

    def work() -> Output:
        payload = payload_of(read_input())
        if payload.text("source") == "resume":
            return {}  # it was told when it began
        from fleetlore.server.hooks.requests import SessionStart  # noqa: PLC0415
        from fleetlore.server.workplace import project_of  # noqa: PLC0415

        request = SessionStart(project=project or project_of(_folder(payload)), max_tokens=max_tokens)
        return _answered(request, data, url, token_env)

    _never_in_the_way(work)


@hook.command(cls=_Harmless)
@data_option
@url_option
@token_option
def stop(data: Path, url: str, token_env: str) -> None:
    """Ask once for the feedback that the receipts of a session still miss."""

    def work() -> Output:
        payload = payload_of(read_input())
        receipts = () if payload.flag("stop_hook_active") else _receipts(payload)
        if not receipts:
            return {}
        from fleetlore.server.hooks.requests import Stop  # noqa: PLC0415

        return _answered(Stop(receipts=receipts), data, url, token_env)

    _never_in_the_way(work)


@hook.command("tool-use", cls=_Harmless)
@data_option
@url_option
@token_option
def tool_use(data: Path, url: str, token_env: str) -> None:
    """Note what a command that was run implies of the task: tests that passed or failed, work thrown away."""

    def work() -> Output:
        payload = payload_of(read_input())
        saw = implied(payload.command, payload.ended)
        receipts = _receipts(payload) if saw and not payload.text("agent_id") else ()
        if saw is None or not receipts:
            return {}
        from fleetlore.server.hooks.requests import ToolUse  # noqa: PLC0415

        return _answered(ToolUse(receipts=receipts, implicit=saw), data, url, token_env)

    _never_in_the_way(work)


@hook.command()
@data_option
@url_option
@token_option
@click.option("--receipt", required=True, help="Whose task it was: the r_… of a retrieval.")
@click.option(
    "--implicit",
    required=True,
    type=click.Choice(["tests-passed", "tests-failed", "command-failed", "reverted"]),
    help="What was seen.",
)
@json_option
def report(data: Path, url: str, token_env: str, receipt: str, implicit: Any, as_json: bool) -> None:  # noqa: ANN401
    """Report what a script or a pipeline saw of the task of a receipt."""
    from fleetlore.server.hooks.requests import Seen  # noqa: PLC0415

    found = _asked(Seen(receipt=ReceiptId(receipt), implicit=implicit), data, url, token_env)
    tell(found, as_json, _report_text)


def _report_text(found: Output) -> str:
    if found["known"]:
        return f"{found['feedback']}: {found['implicit']} was known already of {found['receipt']}"
    return (
        f"{found['feedback']}: {found['implicit']}, an implicit {found['outcome']}, counts for {found['items']} items"
    )


def _asked(request: Any, data: Path, url: str, token_env: str) -> Output:  # noqa: ANN401  a Request
    if url:
        from fleetlore.server.hooks.remote import ask  # noqa: PLC0415

        return ask(url, request, token=os.environ.get(token_env, ""))
    from fleetlore.server.hooks.answers import answer  # noqa: PLC0415

    return with_ledger(data, "", lambda ledger: answer(ledger, request), pragmas=_PRAGMAS)


def _answered(request: Any, data: Path, url: str, token_env: str) -> Output:  # noqa: ANN401  a Request
    """What there is to say to the assistant; nothing where there is no data yet."""
    if not url:
        return _asked(request, data, url, token_env) if (data / LEDGER_FILE).exists() else {}
    from fleetlore.server.hooks.remote import Outage  # noqa: PLC0415

    outage = Outage(platformdirs.user_state_path("fleetlore"), url)
    try:
        found = _asked(request, data, url, token_env)
    except ServerUnreachable as error:
        return {"systemMessage": f"fleetlore: {error}"} if outage.begins() else {}
    outage.ends()
    return found


def _folder(payload: Payload) -> Path:
    """The folder that the assistant was started in: where it works now may be below."""
    return Path(os.environ.get("CLAUDE_PROJECT_DIR") or payload.text("cwd") or Path.cwd())


def _receipts(payload: Payload) -> tuple[ReceiptId, ...]:
    """The session's receipts: those in its transcript, and those that whoever calls the hook names."""
    return tuple(
        dict.fromkeys((*map(ReceiptId, payload.texts("receipts")), *receipts_in(payload.text("transcript_path"))))
    )


def _never_in_the_way(work: Callable[[], Output]) -> None:
    """Does the work and writes what it finds; whatever happens, and if nothing does, the process ends well and soon."""
    thread = Thread(target=partial(_work, work), daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    if thread.is_alive():
        _write(_STDERR, f"fleetlore: the hook gave up after {_PATIENCE_SECONDS:.0f} seconds")
    os._exit(0)  # a thread that hangs must not hold it up, nor a pipe that nobody reads turn it into a failure


def _work(work: Callable[[], Output]) -> None:
    try:
        if found := work():
            _write(_STDOUT, json.dumps(found))
    except Exception as error:  # the edge: whatever is wrong here, the assistant goes on
        told = known_fault(error) or f"the hook failed ({type(error).__name__}: {error})"
        _write(_STDERR, f"fleetlore: {' '.join(str(told).split())}")


def _write(descriptor: int, text: str) -> None:
    with suppress(OSError):  # whoever started this may be gone
        os.write(descriptor, f"{text}\n".encode())
