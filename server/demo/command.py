"""The command that shows a fleet learning."""

import json
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import click
from anyio.abc import TaskStatus

from fleetlore.server.command_group import commands, json_option
from fleetlore.server.demo.attempt import Tally
from fleetlore.server.demo.screen import Screen
from fleetlore.server.demo.story import Story, opening
from fleetlore.server.demo.summary import farewell, summary, summary_of
from fleetlore.server.demo.world import NAMES, World, make_world
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger import LEDGER_FILE


@commands.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    show_default="one that is removed afterwards",
    help="A new data directory, to look into it later.",
)
@click.option("--agents", type=click.IntRange(1, len(NAMES)), default=6, help="How many agents there are.")
@click.option("--tasks", type=click.IntRange(8, 10_000), default=160, help="How many tasks they do, in turns.")
@click.option("--seed", default=1, help="Another seed makes another world.")
@click.option(
    "--learning/--no-learning",
    default=True,
    help="Without, the same agents do the same tasks while the server holds all knowledge back (serve --hold-out 1).",
)
@click.option(
    "--pace",
    type=click.FloatRange(0, 10),
    default=None,
    show_default="0.2 on a terminal, else 0",
    help="Seconds that a line stays before the next comes.",
)
@click.option("--fast", is_flag=True, help="As fast as it goes: --pace 0.")
@json_option
def demo(
    data: Path | None,
    agents: int,
    tasks: int,
    seed: int,
    learning: bool,
    pace: float | None,
    fast: bool,
    as_json: bool,
) -> None:
    """Watch a small scripted fleet learn, on a real server with a memory of its own.

    A seed settles the world: the tasks, who does them, and what each agent would guess alone. Your own memory is not
    touched.
    """
    if data is not None and (data / LEDGER_FILE).exists():
        raise Refusal(
            "--data", f"{data} holds a memory already, and the demo's lessons are made up", "Name a new directory"
        )
    world = make_world(seed=seed, agents=agents, tasks=tasks)
    screen = None if as_json else Screen.of_stdout(0.0 if fast else pace)
    if screen:
        click.echo(f"{opening(world, seed=seed, learning=learning)}\n")
    with TemporaryDirectory(prefix="fleetlore-demo-") as temporary:
        place = (data or Path(temporary) / "data").expanduser().absolute()
        tally = anyio.run(_until_signal, partial(_play, world, place, learning=learning, screen=screen))
    if screen is None:
        click.echo(json.dumps(summary_of(tally, seed=seed, learning=learning), indent=2))
    else:
        click.echo(f"\n{summary(tally)}\n\n{farewell(world, seed=seed, learning=learning, data=str(data or ''))}")


async def _play(world: World, data: Path, *, learning: bool, screen: Screen | None) -> Tally:
    """Has the fleet do all tasks on a server of its own, which has ended when this returns."""
    from fleetlore.server.demo.fleet import Fleet, serving  # noqa: PLC0415  the SDK takes most of a second to import

    # Without questions and with nothing held out by lot, equal stores give equal answers.
    options = ["--no-explore", "--hold-out", "0" if learning else "1"]
    async with serving(data, *options) as address, Fleet.connected(world, address) as fleet:
        story = Story(screen, world, fleet.statement) if screen else None
        attempts = []
        try:
            for task in world.tasks:
                attempts.append(await fleet.attempt(task))
                if story:
                    await story.attempt(attempts[-1])
        finally:
            if story:
                story.over()
        return Tally(world=world, attempts=attempts, lessons=await fleet.lessons(), receipts=await fleet.receipts())


async def _until_signal(work: Callable[[], Awaitable[Tally]]) -> Tally:
    """Carries out work; a signal that would end the process ends it in order instead, and is `click.Abort`."""
    done: list[Tally] = []

    async def listen(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async for _ in signals:
                scope.cancel()

    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(listen, tasks.cancel_scope)
            done.append(await work())
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise _only(group) from group
    if not done:
        raise click.Abort
    return done[0]


def _only(error: BaseException) -> BaseException:
    """The error itself, where groups hold one alone."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
