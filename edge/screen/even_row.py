"""Marks on a line -> the even row through most of them, fitted by least squares: pure arithmetic on their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

LEAST_MARKS = 3  # two equal distances: centimetres beside the shallowest pictures
LEAST_SEEN = 0.75  # of the places between first and last: focus marks and text hide some
MOST_OTHERS = 1.0  # times the row's marks, others among them; with `LEAST_MARKS` none, with one more one
MISS = 1.5  # px off its place: half a pixel of the machine's, which a scaler makes up to 2.25 times as large, and blur
MISS_SHARE = 1 / 8  # of the period, at most
LEAST_DOUBT = 0.3  # px, standard error of a place: drawn on whole pixels it is off by 0.29 at random
ENDS = 1.0  # px over the whole row: half a pixel at either end, the same way in each picture


@dataclass(frozen=True)
class EvenRow:
    """Mark n lies at `first + n * period` px, n = 0 .. count - 1, within `MISS`."""

    first: float
    period: float
    uncertainty: float  # share of the period, 0..1: three standard errors of the fit, or `ENDS`
    count: int
    seen: Ints  # which of 0 .. count - 1 hold a mark
    used: Ints  # which of the places given they are


def even_row(places: Floats, period: float) -> EvenRow | None:
    """The row through most of `places` (N,), ascending, px, about `period` apart; None when they make none.

    Begins in the longest chain of neighbours and reaches twice as far each time, as the period is known better.
    """
    chain = _longest_chain(places, period)
    known = len(chain) - 1
    if known < 1:
        return None
    first, period = float(chain[0]), float(chain[-1] - chain[0]) / known
    farthest = float(np.abs(places - first).max()) / period
    while known < farthest:
        steps, use = _hits(places, first, period, reach=2 * known, slack=1 / known)
        if len(use) < 2:
            return None
        period, first = _line_through(steps[use], places[use])
        known *= 2
    steps, use = _hits(places, first, period, reach=known, slack=0.0)
    if len(use) < LEAST_MARKS:
        return None
    period, first = _line_through(steps[use], places[use])
    seen = steps[use] - steps[use[0]]
    count = int(seen[-1]) + 1
    others = use[-1] - use[0] + 1 - len(use)
    if len(use) < LEAST_SEEN * count or others > min(len(use) - LEAST_MARKS, MOST_OTHERS * len(use)):
        return None
    miss = places[use] - first - steps[use] * period
    doubt = max(LEAST_DOUBT, float(np.sqrt((miss**2).sum() / max(1, len(use) - 2))))
    error = doubt / float(np.sqrt(((seen - seen.mean()) ** 2).sum()))
    uncertainty = max(3 * error, ENDS / (count - 1)) / period
    return EvenRow(first + int(steps[use[0]]) * period, period, uncertainty, count, seen, use)


def _longest_chain(places: Floats, period: float) -> Floats:
    """The most neighbours that follow each other at about `period`."""
    alike = np.abs(np.diff(places) - period) <= max(1.5, 0.05 * period)
    turns = np.flatnonzero(np.diff(np.concatenate(([0], alike.astype(np.int8), [0]))))
    if not len(turns):
        return places[:0]
    starts, ends = turns[::2], turns[1::2]
    longest = int((ends - starts).argmax())
    return places[starts[longest] : ends[longest] + 1]


def _hits(places: Floats, first: float, period: float, *, reach: int, slack: float) -> tuple[Ints, Ints]:
    """Each place's number of periods from `first`, and which places lie there: the nearest one of a number, none beyond
    `reach`. `slack` is what the period may be wrong by, in px."""
    steps = np.round((places - first) / period).astype(np.int64)
    miss = np.abs(places - first - steps * period)
    allowed = np.minimum(min(MISS, MISS_SHARE * period) + slack * np.abs(steps), period / 4)
    near = np.flatnonzero((np.abs(steps) <= reach) & (miss <= allowed))
    near = near[np.lexsort((miss[near], steps[near]))]
    return steps, near[np.diff(steps[near], prepend=np.iinfo(np.int64).min // 2) > 0]


def _line_through(steps: Ints, places: Floats) -> tuple[float, float]:
    """(period, place of step 0) by least squares."""
    period, first = np.polyfit(steps, places, 1)
    return float(period), float(first)
