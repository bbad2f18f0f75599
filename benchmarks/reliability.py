"""Reliability: of what was foreseen with about this probability, how much came? As numbers and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from fleetlore.kmu.proportion import Proportion

matplotlib.use("Agg")

BANDS = 10
COLOURS = {"expected": "#D55E00", "no calibration": "#56B4E9", "confidence": "#009E73"}
"""After Okabe and Ito (2008), which colour-blind people can tell apart."""


def bands(pairs: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """Group pairs of probability and truth by probability, with the interval (95 %) of what came."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for foreseen, came in pairs:
        groups.setdefault(min(int(foreseen * BANDS), BANDS - 1), []).append((foreseen, came))
    found = []
    for _, group in sorted(groups.items()):
        actual = Proportion.among(came for _, came in group)
        found.append(
            {
                "foreseen": round(sum(foreseen for foreseen, _ in group) / len(group), 4),
                "came": round(actual.successes / actual.of, 4),
                "low": round(actual.low, 4),
                "high": round(actual.high, 4),
                "of": actual.of,
            }
        )
    return found


def draw(path: Path | None, results: Sequence[dict[str, Any]]) -> None:
    """Draw a panel per condition to a file in the format that its suffix names. No path: nothing is drawn."""
    if path is None:
        return
    figure = Figure(figsize=(max(3.3 * len(results), 4.5), 3.6), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
    for panel, result in zip(panels, results, strict=True):
        panel.plot((0, 1), (0, 1), color="#999999", linestyle=":", linewidth=1)
        for name, found in result["calibration"].items():
            foreseen, came = ([band[key] for band in found["bands"]] for key in ("foreseen", "came"))
            panel.plot(foreseen, came, marker="o", markersize=4, color=COLOURS[name], label=name)
            for band in found["bands"]:
                panel.plot([band["foreseen"]] * 2, [band["low"], band["high"]], color=COLOURS[name], alpha=0.4)
        panel.set(title=result["condition"], xlabel="foreseen", xlim=(0, 1), ylim=(0, 1))
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("came")
    lines, labels = panels[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=len(lines), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
