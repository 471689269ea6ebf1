"""The rules of the gate: float beside INT8, a margin for each figure, and what the bootstrap allows to be said.

difference  the loss, signed so that positive = INT8 worse, whichever way the figure runs
bound       the loss is below it with 95 % confidence (one-sided, paired bootstrap over subjects)
passed      bound <= margin
failed      the whole two-sided 95 % interval lies beyond the margin
undecided   else: too few subjects to decide; that is not passed
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from edge.errors import UsageError
from edge.metrics import paired_bootstrap

Verdict = Literal["passed", "failed", "undecided", "not gated"]
Drawn = Literal["subjects", "pictures"]

MIN_DRAWN = 30
"""Fewer subjects decide nothing: of a fault in one subject out of ten, 29 show none with a chance of 5 %, and a
percentile bootstrap of fewer is too narrow."""

MIN_A_CLASS = 10
"""Fewer subjects with, or without, CTS make no ROC curve to rely on: each moves it by a tenth."""

_ALPHA = 0.05


class Margins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much worse INT8 may be, a figure each, in the figure's own unit; None = told, not gated.

    `dsc`, `auc`, `kappa` and `csa_mm2` are the product's promise; the reasons of the others stand beside them.
    """

    dsc: float | None = 0.01
    hd95_mm: float | None = 0.3  # 1.5 px of the reference segmenter's canvas: less is the canvas's own raster
    hd95_px: float | None = 1.5  # the same, where no spacing is known
    csa_mm2: float | None = 0.3
    csa_percent: float | None = 3.0  # 0.3 mm2 of the 10 mm2 at which an area is called large (P2)
    ap_mm: float | None = 0.1  # longitudinal view: 3 to 5 % of a nerve 2 to 3 mm thick, as csa_percent
    ap_percent: float | None = 3.0
    zero_overlap: float | None = None  # a nerve that INT8 misses is in the DSC already, at its whole weight
    auc: float | None = 0.02
    kappa: float | None = 0.03
    accuracy: float | None = None  # takes a miss by one grade for one by three: kappa is gated in its place
    changed_grades: float | None = 0.1  # near ties, to the better and the worse alike; the least that 30 can show
    ungradable: float | None = 0.05  # share of wrists that INT8 gives no grade beyond float's
    agreement_dsc: float | None = 0.05  # of 1, against float's own mask; two examiners agree less (P1)
    agreement_size: float | None = 5.0  # % of the CSA, or of the AP diameter, that float's mask has
    changed_decisions: float | None = 0.1  # CTS or normal, against float: near ties likewise, for the same reason
    given_up: float | None = 0.1  # of 1: how much likelier float held its own first class than INT8's
    top1: float | None = None  # counts a swap of two equals as a loss: what float gives up by it is gated in its place
    top5: float | None = None  # likewise

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < math.inf:
                raise ValueError(f"margin {name} is a number from 0 on, not {value}")


def read_margins(pairs: Sequence[str]) -> Margins:
    """`("dsc=0.02", "hd95_mm=0.5")` -> the defaults with these changed.

    Raises:
        UsageError: a pair is not NAME=NUMBER, or no figure has that name.
    """
    changed = {}
    for pair in pairs:
        name, equals, number = pair.partition("=")
        if not equals or name not in Margins.__struct_fields__:
            raise UsageError(f"margin {pair!r}: give NAME=NUMBER, NAME one of {', '.join(Margins.__struct_fields__)}")
        try:
            changed[name] = float(number)
            Margins(**changed)
        except ValueError as error:
            raise UsageError(f"margin {pair!r}: {number!r} is no number from 0 on") from error
    return Margins(**changed)


class GateFigure(msgspec.Struct, frozen=True, kw_only=True, rename={"float_value": "float", "int8_value": "int8"}):
    """One figure, float beside INT8. None: it cannot be computed of these frames, `reason` says why."""

    name: str
    unit: str  # "" for a figure without one, "share" 0..1
    float_value: float | None
    int8_value: float | None
    difference: float | None  # the loss: positive = INT8 worse
    ci95: tuple[float, float] | None  # of the loss
    bound: float | None  # one-sided 95 %, of the loss
    margin: float | None
    verdict: Verdict
    reason: str = ""  # why it is undecided
    rows: int  # frames, or wrists
    subjects: int  # that the bootstrap drew from
    delong_ci95: tuple[float, float] | None = None  # of an AUC's loss, beside the bootstrap's
    delong_p: float | None = None


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an INT8 model may stand for its float model; data for the report and for the search."""

    of: str  # what was put to the gate: "segmenter", "grader", "classifier" or the cascade in words
    labelled: bool  # False: against float's own answers alone
    drawn_are: Drawn = "subjects"  # what the bootstrap drew: without labels each picture is a subject of its own
    frames: int
    subjects: int
    left_out: int = 0  # frames that lack the label
    figures: tuple[GateFigure, ...]
    verdict: Verdict
    shortfall: float  # how far the worst bound lies beyond its margin, in margins; 0 = each bound within its own
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"

    @property
    def lost(self) -> bool:
        """Whether a measured loss lies beyond its margin: another recipe is worth a search, more subjects are not.

        Where only the bound of a loss within its margin lies beyond it, subjects are lacking, not precision.
        """
        return any(
            figure.margin is not None
            and figure.difference is not None
            and figure.difference > figure.margin
            and figure.subjects >= MIN_DRAWN
            for figure in self.figures
        )

    @property
    def refusal(self) -> str:
        """Its verdict, the figures that keep it from passing and what would decide them; empty when it passes."""
        if self.passed:
            return ""
        told = ", ".join(figure.name for figure in self.figures if figure.verdict in ("failed", "undecided"))
        return f"{self.verdict}: {told}" + ("" if self.lost else f": more {self.drawn_are} would decide")


def gate(figures: Sequence[GateFigure], **about: Any) -> Gate:
    """The verdict over all figures: the worst of those that have a margin."""
    gated = [figure for figure in figures if figure.margin is not None]
    found = {figure.verdict for figure in gated} or {"undecided"}
    worst: Verdict = next(verdict for verdict in ("failed", "undecided", "passed") if verdict in found)
    beyond = [(f.bound - f.margin) / (f.margin or 1.0) for f in gated if f.bound is not None and f.margin is not None]
    return Gate(figures=tuple(figures), verdict=worst, shortfall=max([0.0, *beyond]), **about)


def mean(values: npt.NDArray[Any]) -> float:
    return float(np.mean(values))


def compare(
    name: str,
    unit: str,
    margin: float | None,
    subjects: Sequence[str],
    float_rows: Sequence[npt.ArrayLike],
    int8_rows: Sequence[npt.ArrayLike],
    *,
    statistic: Callable[..., float] = mean,
    higher_is_better: bool,
    drawn_are: Drawn = "subjects",
    lacking: str = "",
) -> GateFigure:
    """One figure by the paired bootstrap over `subjects` (N,), which own the rows (N, ...) of both sides.

    `statistic` takes one side's rows. `lacking` says why the frames cannot decide this figure, if they cannot.
    """
    drawn = len(set(subjects))
    if not drawn:
        return _empty(name, unit, margin, lacking or f"no {drawn_are} that it could be computed of")
    better, worse = (float_rows, int8_rows) if higher_is_better else (int8_rows, float_rows)
    paired = paired_bootstrap(statistic, subjects, better, worse)
    before, after = (paired.first, paired.second) if higher_is_better else (paired.second, paired.first)
    bound = max(paired.upper, unseen_share(drawn)) if unit == "share" else paired.upper
    if drawn < MIN_DRAWN:
        lacking = f"too few {drawn_are} to decide: {drawn}, at least {MIN_DRAWN} are needed"
    few = f"too few {drawn_are} to decide: {drawn}"
    if margin is not None and paired.difference > margin:
        few = f"the loss lies beyond the margin, but {drawn} {drawn_are} are too few to be sure"
    verdict, reason = _decide(paired.low, bound, margin, lacking, few)
    return GateFigure(
        name=name,
        unit=unit,
        float_value=_known(before),
        int8_value=_known(after),
        difference=_known(paired.difference),
        ci95=None if math.isnan(paired.low) else (paired.low, paired.high),
        bound=_known(bound),
        margin=margin,
        verdict=verdict,
        reason=reason,
        rows=len(subjects),
        subjects=drawn,
    )


def unseen_share(drawn: int) -> float:
    """The share that may, with 95 % confidence, be hit when none of so many was seen to be: about 3 / N.

    The bootstrap of a loss that nobody showed is 0 however few were asked; this keeps its bound honest.
    """
    return float(1.0 - _ALPHA ** (1.0 / drawn))


def _decide(low: float, bound: float, margin: float | None, lacking: str, few: str) -> tuple[Verdict, str]:
    if margin is None:
        return "not gated", ""
    if lacking or math.isnan(bound):
        return "undecided", lacking or "it cannot be computed of these frames"
    if bound <= margin:
        return "passed", ""
    return ("failed", "") if low > margin else ("undecided", few)


def _empty(name: str, unit: str, margin: float | None, reason: str) -> GateFigure:
    return GateFigure(
        name=name,
        unit=unit,
        float_value=None,
        int8_value=None,
        difference=None,
        ci95=None,
        bound=None,
        margin=margin,
        verdict="not gated" if margin is None else "undecided",
        reason=reason,
        rows=0,
        subjects=0,
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def as_text(result: Gate) -> str:
    """The gate as a table for the terminal."""
    kind = "labelled" if result.labelled else "unlabelled: against float's own answers"
    lines = [f"gate of the {result.of}, {kind}: {result.frames} frames of {result.subjects} {result.drawn_are}"]
    if result.left_out:
        lines.append(f"{result.left_out} frames lack the label and are left out")
    lines += result.notes
    head = ("figure", "float", "INT8", "loss", "95 % interval", "bound", "margin", "verdict")
    table = [head, *(_row(figure) for figure in result.figures)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for name, *cells, verdict in table:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:-1], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *aligned, verdict]))
    lines += [f"{figure.name}: {figure.reason}" for figure in result.figures if figure.reason]
    lines.append(f"gate: {result.verdict}")
    return "\n".join(lines)


def _row(figure: GateFigure) -> tuple[str, ...]:
    name = f"{figure.name} ({figure.unit})" if figure.unit else figure.name
    interval = f"{figure.ci95[0]:.4f} .. {figure.ci95[1]:.4f}" if figure.ci95 else "-"
    numbers = (figure.float_value, figure.int8_value, figure.difference)
    return (*(name, *map(_shown, numbers)), interval, _shown(figure.bound), _shown(figure.margin), figure.verdict)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
