"""Some pixels of each frame, fetched by their place in memory: half the time that rows and columns take."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from edge.frame import Pixels


class PixelsAt:
    """The pixels at these rows and columns (N,)."""

    def __init__(self, ys: npt.NDArray[np.intp], xs: npt.NDArray[np.intp]) -> None:
        self._ys, self._xs = ys, xs
        self._strides: tuple[int, ...] = ()
        self._places = np.empty(0, np.intp)

    def of(self, pixels: Pixels) -> Pixels:
        """(N,) of grey (H, W), or of the green of BGR (H, W, 3), most of its brightness."""
        if min(pixels.strides) < 0:
            pixels = pixels.copy()  # a flipped frame
        if pixels.strides != self._strides:
            self._strides = pixels.strides
            green = 0 if pixels.ndim == 2 else pixels.strides[2]
            self._places = self._ys * pixels.strides[0] + self._xs * pixels.strides[1] + green
        return _memory_of(pixels).take(self._places)


def _memory_of(pixels: Pixels) -> Pixels:
    """The bytes from the first pixel to the last, gaps between rows too."""
    if pixels.flags.c_contiguous:
        return pixels.reshape(-1)
    reach = sum((size - 1) * stride for size, stride in zip(pixels.shape, pixels.strides, strict=True)) + 1
    return as_strided(pixels, (reach,), (1,), writeable=False)
