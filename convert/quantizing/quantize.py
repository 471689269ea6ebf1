"""From float TFLite to INT8, by a recipe: one calibration, every quantizer that the recipe allows, the nearest taken.

Kernels of two interpreters may answer a file differently: a file that they answer alike goes first, and where they are
too far apart for one step of the answer, the step is made wider (convert.quantizing.answer_step).

A file that breaks the input contract, or is not all-integer where the recipe promises it, never leaves this module.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convert.errors import QuantizeError
from convert.quantizing.answer_step import next_widening, widened
from convert.quantizing.kernel_spread import kernel_spread
from convert.quantizing.parity import Parity, compare_logits, int8_predictor
from convert.quantizing.quantizers import Raised, build, raised_operators, version
from convert.quantizing.ranges import Observed, observe
from convert.quantizing.recipe import QuantizerName, Recipe
from edge.errors import InterpreterError
from edge.frame import Pixels
from edge.golden import MAX_LSB, Replay
from edge.interpreter import INPUT_ZERO_POINT, open_model
from edge.manifest import Task
from edge.tflite_file import TFLiteFile, non_integer_tensors, read_tflite

INPUT_SCALE = float(np.float32(1.0) / np.float32(255.0))
_CASTS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class Candidate:
    """One quantizer's try at a recipe."""

    quantizer: QuantizerName
    version: str
    seconds: float  # the quantizer alone, without the calibration
    size: int = 0  # bytes of the file
    parity: Parity | None = None  # on the calibration pictures
    spread: Replay | None = None
    refused: str | None = None  # why there is no file, or none that may be used
    widening: int = 1  # of the answer's range over the calibrated one

    @property
    def name(self) -> str:
        """What made the file, as manifest and report tell it."""
        return _name(self.quantizer, self.version, self.widening)


@dataclass(frozen=True)
class Quantized:
    """An INT8 model, and what was weighed to get it."""

    model: bytes
    quantizer: QuantizerName
    version: str
    recipe: Recipe
    non_integer_tensors: tuple[str, ...]  # by the recipe's leave, in the order of the file
    parity: Parity  # on the calibration pictures
    spread: Replay
    seconds: float  # calibration, every candidate, and their comparison
    candidates: tuple[Candidate, ...]
    widening: int = 1  # of the answer's range over the calibrated one

    @property
    def name(self) -> str:
        """What made it, as manifest and report tell it."""
        return _name(self.quantizer, self.version, self.widening)


def quantize(
    float_tflite: bytes,
    pictures: Iterable[Pixels],
    recipe: Recipe,
    *,
    task: Task = "segment",
    observed: Observed | None = None,
    progress: bool = False,
) -> Quantized:
    """The INT8 file of `float_tflite`, calibrated on `pictures`: (H, W) or, for colours, (H, W, 3) RGB uint8.

    A pixel p means p / 255 in the float graph; the INT8 input gets scale 1/255 and zero point -128 exactly. Of the
    candidates, those whose answer depends least on the kernels go first, then the smallest largest error in logits,
    then the fewest changed decisions; `task` says what an answer decides. The same model, pictures and recipe give the
    same file. `observed` spares the calibration where the pictures were run through this model before.

    Raises:
        QuantizeError: no picture, one of a wrong size, or no quantizer gives a file that the recipe allows.
    """
    began = time.perf_counter()
    frames = list(pictures)
    observed = observed or observe(float_tflite, frames, progress=progress)
    tries: list[tuple[Candidate, _File | None]] = []
    widening: int | None = 1
    while widening is not None:
        tries += [_try(name, float_tflite, frames, observed, recipe, task, widening) for name in recipe.quantizers]
        usable = [(candidate, file) for candidate, file in tries if file is not None]
        if not usable:
            raise QuantizeError("; ".join(str(candidate.refused) for candidate, _ in tries))
        best, file = min(usable, key=lambda each: each[1].standing)  # the first of equals: they come by preference
        widening = next_widening(widening, file.spread.max_lsb) if best.widening == widening else None
    return Quantized(
        model=file.model,
        quantizer=best.quantizer,
        version=best.version,
        recipe=recipe,
        non_integer_tensors=tuple(non_integer_tensors(file.model)),
        parity=file.parity,
        spread=file.spread,
        seconds=time.perf_counter() - began,
        candidates=tuple(candidate for candidate, _ in tries),
        widening=best.widening,
    )


class _File(NamedTuple):
    """What a quantizer made, and how good it is."""

    model: bytes
    parity: Parity
    spread: Replay

    @property
    def standing(self) -> tuple[bool, int, float, float]:
        """The smaller the better."""
        between, parity = self.spread, self.parity
        return between.max_lsb > MAX_LSB, between.changed_decisions, parity.max_error, parity.changed_decisions


def _try(
    name: QuantizerName,
    float_tflite: bytes,
    frames: Sequence[Pixels],
    observed: Observed,
    recipe: Recipe,
    task: Task,
    widening: int,
) -> tuple[Candidate, _File | None]:
    began = time.perf_counter()
    try:
        model = build(name, float_tflite, widened(float_tflite, observed.ranges, widening), recipe)
        seconds = time.perf_counter() - began
        check(model, float_tflite, recipe, name)
        file = _File(model, _parity(model, frames, observed, task), kernel_spread(model, frames, task))
    except (QuantizeError, InterpreterError) as error:
        seconds = time.perf_counter() - began
        return Candidate(name, version(name), seconds, refused=str(error), widening=widening), None
    return Candidate(name, version(name), seconds, len(model), file.parity, file.spread, widening=widening), file


def _name(quantizer: QuantizerName, release: str, widening: int) -> str:
    return f"{quantizer} {release}" + (f", answer's range x {widening}" if widening > 1 else "")


def _parity(model: bytes, frames: Sequence[Pixels], observed: Observed, task: Task) -> Parity:
    runner = open_model(model)
    answers = zip(observed.logits, map(int8_predictor(runner), frames), strict=True)
    return compare_logits(answers, output_scale=runner.output_quantization[0], task=task)


def check(model: bytes, float_tflite: bytes, recipe: Recipe, quantizer: QuantizerName) -> None:
    """Refuses a file that is not what the recipe promises.

    Raises:
        QuantizeError: its input breaks the contract, or an operator computes in more than INT8 that no rule covers.
    """
    file = read_tflite(model)
    source = file.inputs[0]
    if source.scale != INPUT_SCALE or source.zero_point != INPUT_ZERO_POINT:
        raise QuantizeError(
            f"{quantizer} gave the input scale {source.scale} and zero point {source.zero_point}, "
            f"not 1/255 and {INPUT_ZERO_POINT}: choose the other quantizer"
        )
    left = _unnamed(file, recipe, raised_operators(float_tflite, recipe))
    if left:
        raise QuantizeError(
            f"{quantizer} leaves {len(left)} operators above INT8 that recipe {recipe.name!r} does not name "
            f"({', '.join(left[:5])}): mend the architecture or the recipe"
        )


def _unnamed(file: TFLiteFile, recipe: Recipe, raised: Raised) -> list[str]:
    """Operators, named by the tensor that they give, that touch what is neither INT8 nor an INT32 constant unnamed.

    Where all activations are INT16, so may these be, and their INT64 biases; casts between the precisions go with the
    operators on their far side.
    """
    allowed = {"int8"} | ({"int16", "int64"} if recipe.activations == "int16" else set())
    integer = [tensor.dtype in allowed or (tensor.dtype == "int32" and tensor.constant) for tensor in file.tensors]
    # TFLiteConverter hands the name of the last operator's result on to the cast behind it.
    handed_on = {
        step.inputs[0]: file.tensors[step.outputs[0]]
        for step in file.steps
        if step.operator == "QUANTIZE" and file.tensors[step.outputs[0]] in file.outputs
    }
    return [
        file.tensors[result].name
        for step in file.steps
        for result in step.outputs[:1]
        if step.operator not in _CASTS
        and not all(integer[i] for i in (*step.inputs, *step.outputs))
        and not {file.tensors[result].name, handed_on.get(result, file.tensors[result]).name} & raised.keys()
    ]
