"""What an import tells while it goes: a line for each line of the files, then what came of it all."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from fleetlore.server.command_group import hang_up
from fleetlore.server.exchange.importing import Told
from fleetlore.server.people.lines import one_line, secrets_removed
from fleetlore.storage.records import Plan

_CLIPPED = 100
_DECISIONS = ("new", "known", "twice", "skipped", "refused")


class Telling:
    """Writes to stdout as things happen, for people or as one JSON object: an import may be of any length."""

    def __init__(self, *, as_json: bool, dry_run: bool) -> None:
        self._as_json = as_json
        self._dry_run = dry_run
        self._any = False
        if as_json:
            write(b'{"lines": [')

    def line(self, told: Told) -> None:
        """One line of a file."""
        if self._as_json:
            values = {
                "file": told.place.file,
                "line": told.place.line,
                "decision": told.decision,
                "item": told.item,
                "text": told.text,
                "because": told.because,
            }
            write(f"{',' if self._any else ''}\n{json.dumps(values, ensure_ascii=False)}".encode())
            self._any = True
            return
        because = f" ({told.because})" if told.because else ""
        item = f" {told.item}" if told.item else ""
        write(f"{told.place}: {told.decision}{item}: {one_line(told.text, _CLIPPED)}{because}\n".encode())

    def end(self, totals: Mapping[str, int], redacted: int, plans: Sequence[Plan], unread: Sequence[str]) -> None:
        """The sums, how to take it all back, and which files could not be read."""
        counts = {decision: totals.get(decision, 0) for decision in _DECISIONS}
        if self._as_json:
            rest: dict[str, Any] = {
                "totals": counts,
                "redacted": redacted,
                "plans": [plan.id for plan in plans],
                "unread": list(unread),
                "dry_run": self._dry_run,
            }
            write(f"\n], {json.dumps(rest, ensure_ascii=False)[1:]}\n".encode())
            return
        said = ", ".join(f"{count:,} {decision}" for decision, count in counts.items() if count) or "nothing in it"
        write(f"{'would import' if self._dry_run else 'imported'}: {said}\n".encode())
        for sentence in secrets_removed(redacted):
            write(f"{sentence}\n".encode())
        for plan in plans:
            write(f"to take {len(plan.items):,} of them back: fleetlore undo {plan.id}\n".encode())


def write(data: bytes) -> None:
    """Writes to stdout in UTF-8; whoever has read enough and closed it does not stop the work."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        hang_up()
