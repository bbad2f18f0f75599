"""What `fleetlore report` says: whether knowledge helps, as text and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fleetlore.kmu.proportion import Difference, Proportion
from fleetlore.kmu.uplift import LEAST_SHOWN, Comparison, Uplift, uplift
from fleetlore.server.people.lines import one_line
from fleetlore.server.status import answered
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import Item

_LINES = 20
_INSIGHT = 60


async def measured(ledger: Ledger) -> tuple[Uplift, dict[ItemId, Item]]:
    """What the ledger's receipts say, and the items of the general space that it speaks of."""
    found = uplift(await ledger.read.attempts(), await ledger.read.traits())
    items = await ledger.read.items([ItemId(item.name) for item in found.items], agent="", pruned=True)
    return found, items


def report_of(found: Uplift) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "receipts": found.receipts,
        "answered": found.answered,
        "implicit_only": found.seen,
        "first_outcomes": {"count": found.outcomes, "implicit": found.implicit},
        "offered": _proportion(found.overall.offered),
        "shown": _proportion(found.shown),
        "nothing_shown": _proportion(found.nothing_shown),
        "held_out": _proportion(found.overall.held_out),
        "uplift": _difference(found.overall.uplift),
        "spaces": [_comparison(one) for one in found.spaces],
        "tags": [_comparison(one) for one in found.tags],
        "projects": [_comparison(one) for one in found.projects],
        "items": [_comparison(one) for one in found.items],
        "brier": _rounded(found.brier),
        "bands": [{"expected": _rounded(band.expected), **_proportion(band.actual)} for band in found.bands],
        "curve": [{"end": window.end, **_proportion(window.success)} for window in found.curve],
    }


def report_text(found: Uplift, items: dict[ItemId, Item]) -> str:
    """The report for people."""
    parts = [
        f"receipts: {answered(found.receipts, found.answered, found.seen)}{_seen(found)}",
        _table(
            ("success at first", "share", "95 % interval", "of"),
            [
                ("knowledge offered", *_told(found.overall.offered)),
                ("- something shown", *_told(found.shown)),
                ("- nothing shown", *_told(found.nothing_shown)),
                ("knowledge held out", *_told(found.overall.held_out)),
                ("uplift: offered less held out", *_uplift(found.overall.uplift), ""),
            ],
        ),
    ]
    for title, compared in (("space", found.spaces), ("tag", found.tags), ("project", found.projects)):
        parts += _compared(title, compared, [one_line(one.name) for one in compared])
    insights = [_clipped(items.get(ItemId(one.name)), one.name) for one in found.items]
    parts += _compared(f"item shown {LEAST_SHOWN} times or more", found.items, insights)
    if found.brier is not None:
        rows = [(f"{band.expected:.2f}", *_told(band.actual)) for band in found.bands]
        parts.append(_table((f"expected (Brier score {found.brier:.3f})", "came", "95 % interval", "of"), rows))
    if found.curve:
        rows = [(f"up to outcome {window.end:,}", *_told(window.success)) for window in found.curve]
        parts.append(_table(("learning curve", "share", "95 % interval", "of"), rows))
    return "\n\n".join(parts)


def _seen(found: Uplift) -> str:
    share = f"{found.implicit:,} of {found.outcomes:,} first outcomes"
    return f"\nimplicit: {share} were seen by hooks and not reported by the agent" if found.implicit else ""


def _compared(title: str, compared: Sequence[Comparison], names: Sequence[str]) -> list[str]:
    if not compared:
        return []
    rows = [
        (name, *_told(one.offered), *_told(one.held_out)[::2], *_uplift(one.uplift))
        for one, name in list(zip(compared, names, strict=True))[:_LINES]
    ]
    header = (f"by {title}", "share", "95 % interval", "of", "held out", "of", "uplift", "95 % interval")
    more = f"\n… and {len(compared) - _LINES:,} more (--json has all)" if len(compared) > _LINES else ""
    return [_table(header, rows) + more]


def _clipped(item: Item | None, name: str) -> str:
    """An item for a line of a table: what is only its owner's is not told."""
    if item is None:
        return f"{name} (an agent's own)"
    return f"{name} {one_line(item.insight, _INSIGHT)}"


def _told(found: Proportion) -> tuple[str, str, str]:
    if found.share is None:
        return "", "", "0"
    return f"{found.share:.3f}", f"{found.low:.3f} to {found.high:.3f}", f"{found.of:,}"


def _uplift(found: Difference | None) -> tuple[str, str]:
    return ("", "") if found is None else (f"{found.mean:+.3f}", f"{found.low:+.3f} to {found.high:+.3f}")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def _proportion(found: Proportion) -> dict[str, Any]:
    bounds = {"share": _rounded(found.share), "low": _rounded(found.low), "high": _rounded(found.high)}
    return {**asdict(found), **bounds}


def _difference(found: Difference | None) -> dict[str, Any] | None:
    return None if found is None else {name: _rounded(value) for name, value in asdict(found).items()}


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "offered": _proportion(one.offered),
        "held_out": _proportion(one.held_out),
        "uplift": _difference(one.uplift),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
