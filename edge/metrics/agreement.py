"""How well two ways of measuring one thing agree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.metrics.arrays import same_shape

_WITHIN_95 = 1.96  # standard deviations, as Bland and Altman have it


class BlandAltman(NamedTuple):
    """Differences of a measurement from its reference, in the measurement's unit."""

    bias: float  # mean difference
    low: float  # limits of agreement: 95 % of normal differences lie between them
    high: float


def bland_altman(measured: npt.ArrayLike, reference: npt.ArrayLike) -> BlandAltman:
    """Bias and 95 % limits of agreement of `measured` (N,) less `reference` (N,): mean -+ 1.96 SD (N - 1).

    All nan without a pair, the limits nan with one alone.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = same_shape(measured, reference)
    differences = a.astype(np.float64) - b
    bias = float(differences.mean()) if differences.size else float("nan")
    reach = _WITHIN_95 * float(differences.std(ddof=1)) if differences.size > 1 else float("nan")
    return BlandAltman(bias, bias - reach, bias + reach)
