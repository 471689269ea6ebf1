"""What range each tensor of a float model takes over a calibration set: the one calibration behind every quantizer."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from convert.errors import QuantizeError
from edge.frame import Pixels
from edge.progress import tracked
from edge.quiet import quiet_stderr

Ranges: TypeAlias = Mapping[str, tuple[float, float]]  # tensor name -> smallest and largest value seen, always with 0
Logits: TypeAlias = npt.NDArray[np.float32]

INPUT_RANGE = (0.0, 1.0)  # pixel 0..255, exactly: calibration alone gave 1/257 to 1/262 where 1/255 is meant
MIN_SPAN = 1e-5
"""Least width of a range. A tensor that is zero on every calibration picture would otherwise get a scale so small that
the bounds of a fused ReLU6 overflow INT32, and tflite-runtime refuses the file (no_integer_overflow_from_quantization).
"""


@dataclass(frozen=True)
class Observed:
    """One pass of a float model over a calibration set."""

    ranges: Ranges
    logits: tuple[Logits, ...]  # its answer to each picture, in their order


def observe(float_tflite: bytes, pictures: Iterable[Pixels], *, progress: bool = False) -> Observed:
    """Run the float model over `pictures` and keep each tensor's range, and the answers.

    Pictures are uint8 as the device feeds them, (H, W) for a grey model and (H, W, 3) RGB for one of colours; a pixel p
    means p / 255. True minimum and maximum, not a moving average: the range then does not depend on the order of the
    pictures, and the worst element of a segmenter's output stays close to the float one.

    Raises:
        QuantizeError: there is no picture, or one has not the model's size.
    """
    model = open_preserving(float_tflite)
    source = model.get_input_details()[0]
    result = model.get_output_details()[0]["index"]
    names = {tensor["index"]: tensor["name"] for tensor in model.get_tensor_details() if tensor["dtype"] is np.float32}
    computed = sorted({i for op in model._get_ops_details() for i in op["outputs"] if i in names})
    views = [model.tensor(index) for index in computed]

    low = np.zeros(len(computed), np.float32)
    high = np.zeros(len(computed), np.float32)
    logits: list[Logits] = []
    for picture in tracked(pictures, "calibrating", unit="picture", shown=progress):
        _check_picture(picture, source["shape"], len(logits))
        model.set_tensor(source["index"], as_float(picture))
        model.invoke()
        for at, view in enumerate(views):
            values = view()
            low[at] = min(low[at], values.min())
            high[at] = max(high[at], values.max())
            del values  # a view that is alive makes `invoke` refuse
        logits.append(model.get_tensor(result))
    if not logits:
        raise QuantizeError("no calibration picture: give a folder with some, or the project's calibration_data")
    high = np.maximum(high, low + np.float32(MIN_SPAN))
    ranges = {names[i]: (float(low[at]), float(high[at])) for at, i in enumerate(computed)}
    return Observed(ranges | {source["name"]: INPUT_RANGE}, tuple(logits))


def as_float(picture: Pixels) -> npt.NDArray[np.float32]:
    """A picture (H, W) or (H, W, 3) uint8 in the form that a float graph takes: (1, H, W, 1 or 3), 0..1."""
    real: npt.NDArray[np.float32] = as_batch(picture).astype(np.float32) / np.float32(255.0)
    return real


def as_batch(picture: Pixels) -> Pixels:
    """(H, W) or (H, W, 3) -> (1, H, W, 1 or 3)."""
    return picture.reshape(1, *picture.shape[:2], picture.shape[2] if picture.ndim == 3 else 1)


def open_preserving(tflite: bytes) -> Any:
    """An interpreter that keeps every tensor of its last run, to be read one by one."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  the device's package, loaded on use

    with quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # keeping all tensors costs memory, and is what is wanted here
        model = Interpreter(model_content=tflite, num_threads=1, experimental_preserve_all_tensors=True)
        model.allocate_tensors()
    return model


def _check_picture(picture: Pixels, takes: npt.NDArray[np.int32], at: int) -> None:
    height, width, channels = map(int, takes[1:4])
    wanted = (height, width) if channels == 1 else (height, width, channels)
    if picture.shape != wanted or picture.dtype != np.uint8:
        raise QuantizeError(f"calibration picture {at}: {picture.shape} {picture.dtype}, not {wanted} uint8")
