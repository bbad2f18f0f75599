"""Learning curves as small multiples: a panel per world, a line per arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from accuracy import Run
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matrix import World
from recovery import mean_hits, running
from tables import by_arm

matplotlib.use("Agg")

COLUMNS = 4
SMOOTHED = 10
"""A curve is the moving mean over this part of the stream, at most a window."""
STYLES = {
    "none": ("#999999", ":"),
    "private": ("#E69F00", "-."),
    "keep-all": ("#56B4E9", "--"),
    "fleetlore": ("#D55E00", "-"),
    "lazy": ("#CC79A7", (0, (3, 1, 1, 1, 1, 1))),
    "oracle": ("#009E73", (0, (5, 1))),
}
"""Colours after Okabe and Ito (2008), which colour-blind people can tell apart; dashes for print in grey."""


def draw(path: Path | None, ylabel: str, worlds: Sequence[World], runs: Sequence[Run]) -> None:
    """Draw to a file in the format that its suffix names. No path: nothing is drawn."""
    if path is None:
        return
    columns = min(COLUMNS, len(worlds))
    rows = math.ceil(len(worlds) / columns)
    figure = Figure(figsize=(3.6 * columns, 2.9 * rows + 0.5), layout="constrained")
    panels: list[Axes] = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for panel, world in zip(panels, worlds, strict=False):
        fill(panel, world, runs)
    for panel in panels[len(worlds) :]:
        panel.set_axis_off()
    for panel in panels[::columns]:
        panel.set_ylabel(ylabel)
    lines = {str(line.get_label()): line for panel in panels for line in panel.get_lines() if line.get_gid() == "arm"}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=len(lines), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def fill(panel: Axes, world: World, runs: Sequence[Run]) -> None:
    window = max(1, min(world.window, world.tasks // SMOOTHED))
    for turn in world.turns:
        panel.axvline(turn, color="#BBBBBB", linewidth=1)
    for arm, group in by_arm(runs, world).items():
        curve = running(mean_hits(group), window)
        colour, dashes = STYLES[arm]
        ends = np.arange(window, window + len(curve))
        panel.plot(ends, curve, color=colour, linestyle=dashes, linewidth=1.6, label=arm, gid="arm")
    panel.set_title(world.name)
    panel.set_xlabel(f"tasks (moving mean of {window})")
    panel.set_ylim(0, 1)
    panel.set_xlim(0, world.tasks)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
