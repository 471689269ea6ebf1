"""Float against INT8 on the same pictures: how far apart are the logits, and does any decision change?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from convert.errors import QuantizeError
from convert.quantizing.ranges import as_float
from edge.frame import Pixels
from edge.interpreter import Model
from edge.manifest import Task
from edge.quiet import quiet_stderr

Logits: TypeAlias = npt.NDArray[np.float32]
Predict: TypeAlias = Callable[[Pixels], Logits]  # picture (H, W) or (H, W, 3) -> logits, the same shape for both sides


@dataclass(frozen=True)
class Parity:
    """How an INT8 model stands to its float model over a set of pictures."""

    pictures: int
    max_error: float  # largest |INT8 - float| of any logit
    mean_error: float  # mean of it over all logits
    max_error_lsb: float  # the same two in steps of the INT8 output
    mean_error_lsb: float
    changed_decisions: float  # share of the decisions that INT8 makes otherwise, 0..1


def compare(
    pictures: Iterable[Pixels],
    float_model: Predict,
    int8_model: Predict,
    *,
    output_scale: float,
    task: Task = "segment",
) -> Parity:
    """Run both on each picture. `output_scale` is the INT8 output's scale: one LSB, in logits.

    Raises:
        QuantizeError: there is no picture.
    """
    answers = ((float_model(picture), int8_model(picture)) for picture in pictures)
    return compare_logits(answers, output_scale=output_scale, task=task)


def compare_logits(
    answers: Iterable[tuple[Logits, Logits]],
    *,
    output_scale: float,
    task: Task = "segment",
) -> Parity:
    """The same on answers in hand: float's and INT8's to each picture.

    Raises:
        QuantizeError: there is none.
    """
    largest, total, changed, logits, decisions, count = 0.0, 0.0, 0, 0, 0, 0
    for expected, got in answers:
        error = np.abs(got.astype(np.float64) - expected)
        largest = max(largest, float(error.max()))
        total += float(error.sum())
        differ = decide(got, task) != decide(expected, task)
        changed += int(np.count_nonzero(differ))
        decisions += differ.size
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
        changed_decisions=changed / decisions,
    )


def decide(logits: Logits, task: Task) -> npt.NDArray[Any]:
    """What the logits decide: a class the index of the largest along the last axis, else each logit by its sign."""
    return np.asarray(logits.argmax(axis=-1)) if task == "classify" else logits > 0.0


def float_predictor(float_tflite: bytes, threads: int = 1) -> Predict:
    """The float model as a function of a picture, fed as the device feeds the INT8 one: pixel p means p / 255.

    The picture is (H, W) for a grey model, (H, W, 3) RGB for a colour one.
    """
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  loaded on use, as in edge.interpreter

    with quiet_stderr():
        interpreter = Interpreter(model_content=float_tflite, num_threads=threads)
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]

    def predict(picture: Pixels) -> Logits:
        interpreter.set_tensor(source, as_float(picture))
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
