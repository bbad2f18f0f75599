"""Findings as people read them."""

from collections.abc import Sequence
from typing import Any

import click

from fleetlore.server.doctor.finding import Finding

_MARKS = {"ok": ("ok", "green"), "warning": ("!!", "yellow"), "failure": ("XX", "red")}


def line(finding: Finding) -> str:
    """A finding, and under it what to do."""
    mark, colour = _MARKS[finding.state]
    told = f"{click.style(mark, fg=colour)}  {finding.subject}: {finding.seen}"
    return f"{told}\n      {finding.remedy}" if finding.remedy else told


def summary(found: Sequence[Finding]) -> str:
    """What they come to."""
    counts: dict[str, Any] = {state: sum(finding.state == state for finding in found) for state in _MARKS}
    if counts["failure"]:
        return f"{counts['failure']} of {len(found)} do not work, {counts['warning']} could go better"
    return f"all is well, {counts['warning']} could go better" if counts["warning"] else "all is well"
