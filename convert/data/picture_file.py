"""One frame's file, a picture or a NumPy array: what it holds, and in words what keeps it from being a frame."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from convert.errors import DataError
from edge.frame import Pixels

ARRAY = ".npy"
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ARRAY}

Raw = npt.NDArray[Any]  # as the file holds it; a frame is (H, W), or (H, W, 3) in RGB, uint8


def read_grey(path: Path) -> Pixels:
    """Grey, (H, W) uint8.

    Raises:
        DataError: the file is no picture, or one of another layout, dtype or scale; the line says which.
    """
    return grey_of(_read_frame(path))


def read_rgb(path: Path) -> Pixels:
    """RGB, (H, W, 3) uint8; a grey frame in each of the three.

    Raises:
        DataError: as `read_grey`.
    """
    raw = _read_frame(path)
    return raw if raw.ndim == 3 else np.repeat(raw[..., None], 3, axis=2)


def _read_frame(path: Path) -> Pixels:
    raw = read_raw(path)
    if fault := fault_of(raw):
        raise DataError(f"{path}: {fault}")
    return raw


def read_raw(path: Path) -> Raw:
    """What the file holds, whatever its layout and dtype; the colours of a picture in RGB, those of an array as stored.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return _array(path) if path.suffix.lower() == ARRAY else _picture(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def grey_of(raw: Raw) -> Pixels:
    """A frame without fault as grey, (H, W) uint8."""
    grey: Pixels = raw if raw.ndim == 2 else cv2.cvtColor(raw, cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
    return grey


def fault_of(raw: Raw) -> str:
    """What keeps an array from being a frame, each fault with its mend; empty when nothing does."""
    if raw.size == 0:
        return f"an array {raw.shape} holds no pixel"
    return "; ".join(fault for fault in (_layout_fault(raw.shape), _dtype_fault(raw)) if fault)


def scale_of(raw: Raw) -> tuple[float, float]:
    """Smallest and largest value; NaN where that has no meaning."""
    if raw.size == 0 or raw.dtype.kind not in "buif":
        return float("nan"), float("nan")
    return float(raw.min()), float(raw.max())


def _layout_fault(shape: tuple[int, ...]) -> str:
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 3):
        return ""
    if len(shape) == 3 and shape[0] in (1, 3):
        return f"channel-first {shape}: transpose it to (H, W) or (H, W, 3)"
    return f"layout {shape}: a frame is (H, W) or (H, W, 3), one frame a file"


def _dtype_fault(raw: Raw) -> str:
    if raw.dtype == np.uint8:
        return ""
    if raw.dtype.kind != "f":
        return f"{raw.dtype} pixels: export it with 8 bits"
    low, high = scale_of(raw)
    if low >= 0 and high <= 1:
        return f"{raw.dtype} pixels, scale 0..1: multiply by 255 and save as uint8"
    return f"{raw.dtype} pixels, scale {low:.3g}..{high:.3g}: bring them to 0..255 and save as uint8"


def _array(path: Path) -> Raw:
    try:
        with path.open("rb") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, TypeError, SyntaxError, MemoryError, OverflowError, TokenError) as error:
        # What a broken header leads to: NumPy reads it as Python text.
        raise DataError(f"{path}: is no array of numbers: save it with numpy.save") from error


def _picture(path: Path) -> Raw:
    data = np.fromfile(path, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if picture is None:
        raise DataError(f"{path}: is no picture")
    return picture if picture.ndim == 2 else cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2RGB)
