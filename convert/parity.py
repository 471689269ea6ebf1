"""Float against INT8 on the same pictures: how far apart are the logits, and does any decision change?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from convert.errors import QuantizeError
from edge.frame import Pixels
from edge.interpreter import Model
from edge.quiet import quiet_stderr

Logits: TypeAlias = npt.NDArray[np.float32]
Predict: TypeAlias = Callable[[Pixels], Logits]  # picture (H, W) -> logits of any shape, the same for both sides


@dataclass(frozen=True)
class Parity:
    """How an INT8 model stands to its float model over a set of pictures."""

    pictures: int
    max_error: float  # largest |INT8 - float| of any logit
    mean_error: float  # mean of it over all logits
    max_error_lsb: float  # the same two in steps of the INT8 output
    mean_error_lsb: float
    changed_decisions: float  # share of the logits that lie on another side of the threshold, 0..1


def compare(
    pictures: Iterable[Pixels],
    float_model: Predict,
    int8_model: Predict,
    *,
    output_scale: float,
    threshold_logit: float = 0.0,
) -> Parity:
    """Run both on each picture. `output_scale` is the INT8 output's scale: one LSB, in logits.

    Raises:
        QuantizeError: there is no picture.
    """
    largest, total, changed, logits, count = 0.0, 0.0, 0, 0, 0
    for picture in pictures:
        expected, got = float_model(picture), int8_model(picture)
        error = np.abs(got.astype(np.float64) - expected)
        largest = max(largest, float(error.max()))
        total += float(error.sum())
        changed += int(np.count_nonzero((got > threshold_logit) != (expected > threshold_logit)))
        logits += error.size
        count += 1
    if not count:
        raise QuantizeError("no picture to compare float and INT8 on: give a folder with some")
    return Parity(
        pictures=count,
        max_error=largest,
        mean_error=total / logits,
        max_error_lsb=largest / output_scale,
        mean_error_lsb=total / logits / output_scale,
        changed_decisions=changed / logits,
    )


def float_predictor(float_tflite: bytes, threads: int = 1) -> Predict:
    """The float model as a function of a picture, fed as the device feeds the INT8 one: pixel p means p / 255."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  loaded on use, as in edge.interpreter

    with quiet_stderr():
        interpreter = Interpreter(model_content=float_tflite, num_threads=threads)
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]

    def predict(picture: Pixels) -> Logits:
        interpreter.set_tensor(source, picture.astype(np.float32)[None, :, :, None] / np.float32(255.0))
        interpreter.invoke()
        logits: Logits = interpreter.get_tensor(result)
        return logits

    return predict


def int8_predictor(model: Model) -> Predict:
    """The INT8 model as a function of a picture; its raw output turned back into logits."""
    scale, zero_point = model.output_quantization

    def predict(picture: Pixels) -> Logits:
        model.write_input(picture)
        model.invoke()
        return ((model.output().astype(np.int32) - zero_point) * scale).astype(np.float32)

    return predict
