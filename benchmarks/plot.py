"""The findings as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.findings import OUR_ENGINE, Findings, Spread
from benchmarks.runner import OURS

_OURS, _INT8, _FLOAT = "#0b6e4f", "#3f88c5", "#b0b7bf"


def draw(found: Findings, path: Path) -> None:
    """Frames per second above, invokes on one core below; whiskers are 10 to 90 % of the rounds."""
    import matplotlib  # noqa: PLC0415

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    ways = sorted({(way.cores, way.frames) for way in found.ways})
    models = list(dict.fromkeys(invoke.model for invoke in found.invokes))
    columns = max(len(ways), len(models))
    figure, axes = plt.subplots(2, columns, figsize=(3.6 * columns, 7.5), layout="constrained", squeeze=False)
    for axis, (cores, frames) in zip(axes[0], ways, strict=False):
        bars = {way.runner: way.fps for way in found.ways if (way.cores, way.frames) == (cores, frames)}
        _bars(axis, bars, f"frames per second\n{_cores(cores)}, frames {frames}", OURS)
    for axis, model in zip(axes[1], models, strict=False):
        bars = {each.engine: each.ms for each in found.invokes if (each.model, each.cores) == (model, 1)}
        _bars(axis, bars, f"ms an invoke, one core\n{model}", OUR_ENGINE)
    for row, used in ((0, len(ways)), (1, len(models))):
        for axis in axes[row, used:]:
            axis.set_visible(False)
    figure.suptitle(
        f"{found.machine}; green: ours, blue: INT8, grey: float; {found.paper} is the paper's"
        if found.paper
        else found.machine
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _bars(axis: Any, bars: dict[str, Spread], title: str, ours: str) -> None:
    names = list(bars)
    medians = np.array([bars[name].median for name in names])
    low = medians - [bars[name].p10 for name in names]
    high = np.array([bars[name].p90 for name in names]) - medians
    colours = [_OURS if name == ours else _FLOAT if name.endswith("float") else _INT8 for name in names]
    axis.barh(names, medians, xerr=np.stack([low, high]), color=colours, error_kw={"lw": 1, "capsize": 2})
    axis.bar_label(axis.containers[1], [f" {value:.3g}" for value in medians], fontsize=7, label_type="edge", padding=6)
    axis.invert_yaxis()
    axis.margins(x=0.18)
    axis.tick_params(labelsize=7)
    axis.set_title(title, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def _cores(cores: int) -> str:
    return "one core" if cores == 1 else f"{cores} cores"
