"""Support: how much of the answer each place carries: what the probability loses when the place is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.stages.placement import Box, Placement

FloatMap = npt.NDArray[np.float64]
Marked = npt.NDArray[np.bool_]
Grid = tuple[tuple[float | None, ...], ...]
HOTTEST = 0.1  # share of the picture


@dataclass(frozen=True)
class Support:
    """What a method found: positive speaks for the answer, negative against it, in units of probability."""

    pixels: FloatMap  # (H, W) of the model's picture; nan where nothing was tried, and where there is no picture
    tried: int  # changed pictures that the model was asked
    planned: int
    parts: int  # patches or superpixels
    fit_r2: float | None = None  # LIME: share of the answers' variance that its linear fit explains, at most 1


def cells(target: Box, side: int) -> Iterator[Box]:
    """`target` in `side` x `side` boxes, row by row, that leave no gap; each at least a pixel."""
    across = [target.left + target.width * i // side for i in range(side + 1)]
    down = [target.top + target.height * i // side for i in range(side + 1)]
    for top, bottom in pairwise(down):
        for left, right in pairwise(across):
            yield Box(left, top, max(left + 1, right), max(top + 1, bottom))


def coarse(pixels: FloatMap, target: Box, side: int) -> Grid:
    """The mean of each cell of a `side` x `side` grid over `target`, in rows; None where nothing was tried."""
    means = [_known_mean(pixels[box.top : box.bottom, box.left : box.right]) for box in cells(target, side)]
    return tuple(tuple(means[row * side : (row + 1) * side]) for row in range(side))


def hottest(pixels: FloatMap, share: float = HOTTEST) -> Marked:
    """The `share` of the tried pixels that matter most, for or against, and what equals the last of them.

    Empty where nothing changed the answer.
    """
    size = np.abs(pixels)
    tried = np.sort(size[~np.isnan(size)])
    hot: Marked = (size >= tried[-max(1, round(share * tried.size))]) & (size > 0)  # nan is neither
    return hot


def lifted(values: npt.NDArray[Any], placement: Placement) -> npt.NDArray[Any]:
    """Values on the model's picture as values of the scan's pixels in `placement.source`: the nearest."""
    source, target = placement.source, placement.target
    rows = target.top + (np.arange(source.height) + 0.5) * placement.scale_y
    columns = target.left + (np.arange(source.width) + 0.5) * placement.scale_x
    nearest: npt.NDArray[Any] = values[np.ix_(rows.astype(int), columns.astype(int))]
    return nearest


def _known_mean(values: FloatMap) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
