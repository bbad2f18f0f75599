"""The picture of `fleetlore report`: the learning curve, and what was expected against what came."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fleetlore.kmu.proportion import Proportion
from fleetlore.kmu.uplift import Uplift
from fleetlore.storage.errors import MissingLibrary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
# After Okabe and Ito (2008): colour-blind people can tell them apart.
_BLUE, _GREY = "#0072B2", "#999999"


def draw(found: Uplift, path: Path) -> None:
    """Draws to a file in the format that its suffix names.

    Raises `MissingLibrary` without matplotlib.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  an extra: who draws nothing needs none
    except ImportError as error:
        raise MissingLibrary("matplotlib", "report") from error
    # A figure of its own, without pyplot, is drawn by Agg or as SVG; it needs no screen.
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    curve, reliability = figure.subplots(1, 2, width_ratios=(3, 2))
    _curve(curve, found)
    _reliability(reliability, found)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _curve(axes: "Axes", found: Uplift) -> None:
    ends = [window.end for window in found.curve]
    lows, highs = ([getattr(window.success, bound) for window in found.curve] for bound in ("low", "high"))
    axes.fill_between(ends, lows, highs, color=_BLUE, alpha=0.2, linewidth=0)
    axes.plot(ends, _shares(window.success for window in found.curve), color=_BLUE, marker=".")
    if (without := found.overall.held_out.share) is not None:
        axes.axhline(without, color=_GREY, linestyle="--", label="held out, all in all")
        axes.legend(frameon=False, loc="lower right")
    axes.set(title="Success at first", xlabel="outcomes", ylim=(0, 1))
    axes.grid(alpha=0.25)


def _reliability(axes: "Axes", found: Uplift) -> None:
    axes.plot((0, 1), (0, 1), color=_GREY, linestyle="--", linewidth=1)
    for band in found.bands:
        axes.plot([band.expected] * 2, [band.actual.low, band.actual.high], color=_BLUE, alpha=0.4)
    expected, came = [band.expected for band in found.bands], _shares(band.actual for band in found.bands)
    axes.plot(expected, came, "o", color=_BLUE)
    title = "Expected and actual" if found.brier is None else f"Expected and actual, Brier score {found.brier:.3f}"
    axes.set(title=title, xlabel="expected success", xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.25)


def _shares(proportions: Iterable[Proportion]) -> list[float]:
    return [one.successes / one.of for one in proportions]
