"""`fleetlore completion`: what makes a shell complete commands, options and ids."""

from collections.abc import Callable
from pathlib import Path

import click
import platformdirs
from click.shell_completion import CompletionItem, get_completion_class

from fleetlore.server.command_group import commands, with_ledger
from fleetlore.server.identity import person
from fleetlore.storage.errors import FleetloreError
from fleetlore.storage.ledger import Ledger

_LATEST = 50
_PLACES = {
    "bash": "fleetlore completion bash > ~/.local/share/bash-completion/completions/fleetlore",
    "zsh": 'fleetlore completion zsh > "${fpath[1]}/_fleetlore"',
    "fish": "fleetlore completion fish > ~/.config/fish/completions/fleetlore.fish",
}


@commands.command()
@click.argument("shell", type=click.Choice(list(_PLACES)))
def completion(shell: str) -> None:
    """Print what makes a SHELL complete commands and ids.

    Options and their choices as well. Its last lines say where to put it; for this session alone:
    eval "$(fleetlore completion bash)".
    """
    found = get_completion_class(shell)
    assert found is not None
    script = found(commands, {}, "fleetlore", "_FLEETLORE_COMPLETE").source()
    click.echo(f"{script.rstrip()}\n\n# To have it in every new {shell}:\n#   {_PLACES[shell]}")


def ids_of(kinds: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Completes ids with one of these prefixes: the latest, newest first; none where there is no data."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        data = Path(context.params.get("data") or platformdirs.user_data_path("fleetlore"))
        agent = person(context.params.get("agent") or "")
        wanted = [kind for kind in kinds if f"{kind}_".startswith(incomplete[:2])]

        async def work(ledger: Ledger) -> list[str]:
            return [one for kind in wanted for one in await ledger.read.lately(kind, agent=agent, limit=_LATEST)]

        try:
            found = with_ledger(data, "", work)
        except FleetloreError:
            return []  # at the prompt nobody can be told; the command itself will say what is wrong
        return [CompletionItem(one) for one in found if one.startswith(incomplete)]

    return complete
