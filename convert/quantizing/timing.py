"""How long one bare invoke takes on this machine."""

from __future__ import annotations

import statistics
import time

import numpy as np

from edge.interpreter import Model, picture_shape

_WARM_UP, _TIMED = 2, 9  # invocations


def milliseconds(model: Model) -> float:
    """The median of nine, one thread, on a black picture."""
    model.write_input(np.zeros(picture_shape(model.input_shape), np.uint8))
    times = []
    for _ in range(_WARM_UP + _TIMED):
        began = time.perf_counter()
        model.invoke()
        times.append(time.perf_counter() - began)
    return 1000.0 * statistics.median(times[_WARM_UP:])
