"""What every metric asks of its arguments."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
AnyArray: TypeAlias = npt.NDArray[Any]


def same_shape(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Both as arrays.

    Raises:
        ValueError: their shapes differ; NumPy would broadcast some of them.
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    return a, b
