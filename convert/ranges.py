"""What range each tensor of a float model takes over a calibration set: the one calibration behind every quantizer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
from tqdm import tqdm

from convert.errors import QuantizeError
from edge.frame import Pixels
from edge.quiet import quiet_stderr

Ranges: TypeAlias = Mapping[str, tuple[float, float]]  # tensor name -> smallest and largest value seen, always with 0

INPUT_RANGE = (0.0, 1.0)  # pixel 0..255, exactly: calibration alone gave 1/257 to 1/262 where 1/255 is meant
MIN_SPAN = 1e-5
"""Least width of a range. A tensor that is zero on every calibration picture would otherwise get a scale so small that
the bounds of a fused ReLU6 overflow INT32, and tflite-runtime refuses the file (no_integer_overflow_from_quantization).
"""


def observe(float_tflite: bytes, pictures: Iterable[Pixels], *, progress: bool = False) -> Ranges:
    """Run the float model over `pictures` ((H, W) uint8, as the device feeds them) and keep each tensor's range.

    True minimum and maximum, not a moving average: the range then does not depend on the order of the pictures, and
    the worst element of a segmenter's output stays close to the float one.

    Raises:
        QuantizeError: there is no picture, or one has not the model's size.
    """
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  the device's package, loaded on use

    with quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # keeping all tensors costs memory, and is what is wanted here
        model = Interpreter(model_content=float_tflite, num_threads=1, experimental_preserve_all_tensors=True)
        model.allocate_tensors()
    source = model.get_input_details()[0]
    height, width = source["shape"][1:3]
    names = {tensor["index"]: tensor["name"] for tensor in model.get_tensor_details() if tensor["dtype"] is np.float32}
    computed = sorted({i for op in model._get_ops_details() for i in op["outputs"] if i in names})

    low = np.zeros(len(computed), np.float32)
    high = np.zeros(len(computed), np.float32)
    seen = 0
    for picture in tqdm(pictures, "calibrating", unit="picture", delay=2, disable=not progress, file=sys.stderr):
        if picture.shape != (height, width) or picture.dtype != np.uint8:
            raise QuantizeError(
                f"calibration picture {seen}: {picture.shape} {picture.dtype}, not ({height}, {width}) uint8"
            )
        model.set_tensor(source["index"], picture.astype(np.float32)[None, :, :, None] / np.float32(255.0))
        model.invoke()
        seen += 1
        for at, index in enumerate(computed):
            values = model.get_tensor(index)
            low[at] = min(low[at], values.min())
            high[at] = max(high[at], values.max())
    if not seen:
        raise QuantizeError("no calibration picture: give a folder with some, or the project's calibration_data")
    high = np.maximum(high, low + np.float32(MIN_SPAN))
    ranges = {names[i]: (float(low[at]), float(high[at])) for at, i in enumerate(computed)}
    return ranges | {source["name"]: INPUT_RANGE}
