"""The commands that read a data directory and change nothing."""

import json
from pathlib import Path

import click

from fleetlore.server.command_group import commands, data_option, json_option, with_ledger
from fleetlore.server.status import answered, describe
from fleetlore.server.why import why as explained
from fleetlore.server.why import why_text
from fleetlore.storage.identifiers import ReceiptId


@commands.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show what a data directory holds and how it is."""
    found = with_ledger(data, "", lambda ledger: describe(ledger, data, degraded={}))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for space, counts in found["items"].items():
        total = sum(counts.values())
        detail = ", ".join(f"{count:,} {status}" for status, count in counts.items())
        click.echo(f"{space + ' space':<16}{total:,} items{f' ({detail})' if detail else ''}")
    receipts = found["receipts"]
    rows = {
        "pruned": f"{found['pruned']:,} items",
        "agents": f"{found['agents']:,}",
        "feedback": f"{found['feedback']:,}",
        "receipts": answered(receipts["given"], receipts["answered"], receipts["implicit_only"]),
        "learning": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found["learning"].items()),
        "disk": f"{found['disk_bytes'] / 1e6:,.1f} MB in {found['data']}",
        "embedder": found["embedder"],
        "versions": f"fleetlore {found['version']}, SQLite {found['sqlite']}",
        "health": found["status"],
    }
    for name, value in rows.items():
        click.echo(f"{name:<16}{value}")


@commands.command()
@data_option
@click.option("--limit", type=click.IntRange(1), default=20, help="Most gaps to show.")
@json_option
def gaps(data: Path, limit: int, as_json: bool) -> None:
    """Show where the fleet fails and knows nothing reliable, most to be gained first."""
    from fleetlore.kmu.exploration import Exploration  # noqa: PLC0415  the embedder's weights take a while to load
    from fleetlore.storage.embedding import load_embedder  # noqa: PLC0415

    found = with_ledger(data, "", lambda ledger: Exploration(ledger, load_embedder(ledger.info.embedder)).find())
    told = [
        {name: getattr(gap, name) for name in ("id", "name", "tasks", "failures", "expected_gain", "example")}
        for gap in found[:limit]
    ]
    if as_json:
        click.echo(json.dumps({"gaps": told}, indent=2, ensure_ascii=False))
        return
    for gap in told:
        counts = f"{gap['tasks']} tasks, {gap['failures']} failed"
        click.echo(f"{gap['id']}  gain {gap['expected_gain']:.4f}  {counts}: {gap['name']} (as in {gap['example']})")
    if not told:
        click.echo("no gaps: nothing fails time and again without anything reliable being known")


@commands.command()
@data_option
@json_option
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the learning curve to this .png or .svg.",
)
def report(data: Path, as_json: bool, picture: Path | None) -> None:
    """Show what knowledge is worth: success at first with it and without, what was expected, the learning curve."""
    from fleetlore.server.picture import SUFFIXES, draw  # noqa: PLC0415
    from fleetlore.server.worth import measured, report_of, report_text  # noqa: PLC0415

    if picture is not None and picture.suffix not in SUFFIXES:
        raise click.BadParameter(f"{picture} must end in {' or '.join(SUFFIXES)}", param_hint="--picture")
    found, items = with_ledger(data, "", measured)
    if picture is not None:
        draw(found, picture)
    click.echo(json.dumps(report_of(found), indent=2) if as_json else report_text(found, items))


@commands.command()
@click.argument("receipt")
@data_option
@json_option
def why(receipt: str, data: Path, as_json: bool) -> None:
    """Show what a receipt showed to whom, and which states led the controller to its word."""
    found = with_ledger(data, "", lambda ledger: explained(ledger.read, ReceiptId(receipt)))
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else why_text(found))
