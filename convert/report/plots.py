"""The plots of the conversion report, each as one piece of inline SVG that needs nothing from outside."""

from __future__ import annotations

import html
import io
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from convert.gate.verdict import Gate, GateFigure
from convert.quantizing.search import Trial
from convert.quantizing.tensor_errors import Outlier, TensorError
from edge.errors import MissingExtraError
from edge.html import BAD, GOOD, QUIET, UNSURE

_WIDTH = 4.3  # inch: narrow, so that the letters can still be read on a phone
_ENDS = (-3.0, 8.0)  # margins: what lies beyond is drawn as an arrow at the edge
_LABELLED = 3  # tensors that are named in the plot
_MARKS = {"passed": ("o", GOOD), "failed": ("X", BAD), "undecided": ("D", UNSURE)}


def forest(gates: Sequence[Gate]) -> str:
    """Loss, 95 % interval and one-sided bound of each gated figure, in margins; empty where there is none."""
    rows = [(gate, figure) for gate in gates for figure in gate.figures if figure.margin is not None and figure.ci95]
    if not rows:
        return ""
    several = len(gates) > 1
    names = [_short(f"{gate.of}: {figure.name}" if several else figure.name) for gate, figure in rows]
    with drawing(0.8 + 0.3 * len(rows)) as (figure, svg):
        axes = figure.subplots()
        for y, (_, each) in enumerate(rows):
            _interval(axes, y, each)
        axes.axvline(0, color=QUIET, linewidth=0.8)
        axes.axvline(1, color=BAD, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, -0.25), max(high, 1.25))  # as float and the margin are always seen
        axes.set_xlabel("loss, in margins")
        return svg("loss of each figure with its 95 % interval, in margins")


def snr_along(tensors: Sequence[TensorError], worst: Sequence[TensorError], outliers: Sequence[Outlier]) -> str:
    """SNR of each tensor in the order of the graph, the first of `worst` named; empty where there is no tensor."""
    if not tensors:
        return ""
    place = {error.tensor: number for number, error in enumerate(tensors)}
    with drawing(3.0) as (figure, svg):
        axes = figure.subplots()
        axes.plot(_known([error.snr_db for error in tensors]), color=QUIET, linewidth=1, label="with all before it")
        own = _known([error.own_snr_db for error in tensors])
        axes.plot(own, ".", color="#0b5cad", markersize=4, label="its own steps")
        circled = sorted({place[outlier.tensor] for outlier in outliers if outlier.tensor in place})
        if circled:
            ring = {"markersize": 8, "markerfacecolor": "none", "color": UNSURE}
            axes.plot(circled, [own[i] for i in circled], "o", label="outlier channel", **ring)
        named = [error for error in worst[:_LABELLED] if math.isfinite(error.own_snr_db)]
        for number, error in enumerate(named, 1):
            at = place[error.tensor], error.own_snr_db
            axes.plot(*at, ".", color=BAD, markersize=6)
            axes.annotate(str(number), at, (0, -9), textcoords="offset points", ha="center", color=BAD, weight="bold")
        names = "\n".join(f"{number}  {_short(error.layer)}" for number, error in enumerate(named, 1))
        axes.set_title(names, loc="left", color=BAD, fontsize=8)
        axes.set_xlabel("operators, in the order of the graph")
        axes.set_ylabel("SNR, dB")
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        return svg("signal-to-noise ratio of each tensor along the graph")


def trade(trials: Sequence[Trial], chosen: Trial | None) -> str:
    """The gate's shortfall of each trial against milliseconds and KiB; empty where no trial gave a file."""
    numbered = [(number, trial) for number, trial in enumerate(trials) if trial.refused is None]
    if not numbered:
        return ""
    with drawing(2.7) as (figure, svg):
        for axes, unit, name in zip(figure.subplots(1, 2, sharey=True), ("ms", "kib"), ("ms", "KiB"), strict=True):
            for number, trial in numbered:
                at = getattr(trial, unit), trial.shortfall
                marker, colour = _MARKS["passed" if trial.passed else "failed"]
                axes.plot(*at, marker, color=colour, markersize=5, alpha=0.8)
                if trial is chosen or number == 0:
                    word = "plain" if number == 0 else f"no. {number}"
                    axes.plot(*at, "o", color=colour, markersize=10, markerfacecolor="none")
                    axes.annotate(word, at, (0, 8), textcoords="offset points", ha="center", color=colour)
            axes.set_xlabel(f"{name} a picture" if unit == "ms" else name)
            axes.margins(x=0.2, y=0.2)
        figure.axes[0].set_ylabel("gate's shortfall, margins")
        return svg("shortfall of the gate against milliseconds and KiB of each trial")


def _interval(axes: Any, y: int, figure: GateFigure) -> None:
    unit = figure.margin or 1.0  # a margin of nothing: the figure's own unit, as the gate's shortfall has it
    marker, colour = _MARKS.get(figure.verdict, ("o", QUIET))
    ends = [value / unit for value in figure.ci95 or ()]
    axes.plot([_clipped(end) for end in ends], [y, y], color=colour, linewidth=1.5)
    for limit, arrow in arrows(ends):
        axes.plot(limit, y, arrow, color=colour, markersize=5)
    for value, shape, size in ((figure.bound, "|", 11), (figure.difference, marker, 6)):
        if value is not None and _clipped(value / unit) == value / unit:
            axes.plot(value / unit, y, shape, color=colour, markersize=size)


def arrows(ends: Sequence[float]) -> list[tuple[float, str]]:
    """Where, and to which side, an interval (low, high) in margins goes on beyond what is drawn."""
    if not ends:
        return []
    beyond = (ends[0] < _ENDS[0], ends[1] > _ENDS[1])
    return [(limit, shape) for limit, shape, on in zip(_ENDS, "<>", beyond, strict=True) if on]


def _clipped(value: float) -> float:
    return min(max(value, _ENDS[0]), _ENDS[1])


def _known(values: Sequence[float]) -> list[float]:
    """What cannot be drawn becomes a gap."""
    return [value if math.isfinite(value) else math.nan for value in values]


def _short(name: str) -> str:
    """A name that has room in a plot, without the characters that cannot be drawn."""
    drawn = "".join(letter if letter.isprintable() else "?" for letter in name)
    return drawn if len(drawn) <= 50 else f"{drawn[:24]}…{drawn[-25:]}"


@contextmanager
def drawing(height: float) -> Iterator[tuple[Any, Callable[[str], str]]]:
    """A figure of that height in inches, and what turns it into SVG with a word for who cannot see it."""
    try:
        import matplotlib  # noqa: PLC0415  loaded on use: the record itself does without
        from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("a page with plots", "convert") from error
    style: dict[Any, Any] = {
        "svg.fonttype": "none",  # text stays text: small, sharp, to be searched
        "svg.hashsalt": "sonoedge",  # the same report, the same page
        "text.parse_math": False,  # a "$" in the name of a layer is a dollar
        "font.size": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the reader's fonts draw the names, not ours
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)

        def svg(words: str) -> str:
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
            drawn = text.getvalue()
            return drawn[drawn.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{html.escape(words)}"', 1)

        yield figure, svg
