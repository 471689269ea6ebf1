"""Golden vectors: pictures and a model's raw INT8 answers to them, replayed to see whether it answers the same here.

Their file is one `.npy` array of records (input, output), so that `numpy.load` opens it anywhere. Here nothing of it is
parsed: the model's shapes and the file's size say what its header must be, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from edge.contract import check_contract
from edge.errors import BundleError
from edge.frame import Pixels
from edge.interpreter import Model, Quantization, RawOutput, picture_shape
from edge.manifest import ModelEntry, Task
from edge.stages.grade import grade_probabilities, most_likely
from edge.stages.segment import raw_level

MAX_LSB = 1
"""How far, in steps of the INT8 output, another interpreter or processor may be from the golden answers."""

MAX_CHANGED_SHARE = 2e-4
"""Of a picture's decisions. A pixel whose answer lies at the threshold may change sides within one step: 7 pixels of
192 x 192 at 0.2 mm are the 0.3 mm² by which areas may differ. One grade or class of a picture may never change."""

Decisions: TypeAlias = npt.NDArray[Any]

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNMENT = 64  # bytes, of the first record


class GoldenVectors(NamedTuple):
    """K pictures as the device feeds them, and what the model answered."""

    inputs: Pixels  # (K, H, W) or (K, H, W, 3) uint8
    outputs: RawOutput  # (K, ...) int8: the model's output shape without its batch axis


class Replay(NamedTuple):
    """How this interpreter's answers differ from the golden ones."""

    pictures: int
    max_lsb: int  # largest difference of an output element, in steps of the INT8 output
    mean_lsb: float
    changed_share: float  # 0..1, of the worst picture: its pixels on another side of the threshold; 1 = another grade
    changed_decisions: int  # pictures in which that is more than `MAX_CHANGED_SHARE`

    @property
    def same(self) -> bool:
        """Whether the difference is one that rounding explains and nothing is decided otherwise."""
        return self.max_lsb <= MAX_LSB and self.changed_decisions == 0


def encode_golden(vectors: GoldenVectors) -> bytes:
    """The bytes of a file of golden vectors; the same vectors give the same bytes."""
    inputs, outputs = vectors
    dtype = _record(inputs.shape[1:], outputs.shape[1:])
    records = np.empty(len(inputs), dtype)
    records["input"], records["output"] = inputs, outputs
    return _header(dtype, len(inputs)) + records.tobytes()


def decode_golden(data: bytes, entry: ModelEntry, model: Model) -> GoldenVectors:
    """The golden vectors of `model`, out of the bytes of its entry's file `golden`: views, not copies.

    Raises:
        BundleError: the bytes are no such file, its pictures and answers have not the shapes of the model, or the
            model is not what its entry says.
    """
    check_contract(entry, model)
    dtype = _record(picture_shape(model.input_shape), model.output_shape[1:])
    start = len(_MAGIC) + 2 + int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 2], "little")
    count, rest = divmod(len(data) - start, dtype.itemsize)
    if count < 1 or rest or data[:start] != _header(dtype, count):
        raise BundleError(f"{entry.golden}: not whole golden vectors of {entry.file}: convert the model again")
    records = np.frombuffer(data, dtype, offset=start)
    return GoldenVectors(records["input"], records["output"])


def replay(
    vectors: GoldenVectors, model: Model, task: Task, temperature: float = 1.0, nerve_probability: float = 0.5
) -> Replay:
    """Run `model` on the golden pictures and compare its answers.

    `task` and `temperature` (> 0) say what is decided by an answer; `nerve_probability`, 0..1: a segmenter's pixel is
    nerve above it.

    Raises:
        InterpreterError: the model cannot be run.
    """
    answers = np.stack([answer(model, picture)[0] for picture in vectors.inputs])
    apart = np.abs(answers.astype(np.int16) - vectors.outputs)
    scale = model.output_quantization
    ours, golden = (_DECIDE[task](raw, scale, temperature, nerve_probability) for raw in (answers, vectors.outputs))
    changed = (ours != golden).reshape(len(answers), -1).mean(axis=1)
    decided_otherwise = int(np.count_nonzero(changed > MAX_CHANGED_SHARE))
    return Replay(len(answers), int(apart.max()), float(apart.mean()), float(changed.max()), decided_otherwise)


def answer(model: Model, picture: Pixels) -> RawOutput:
    """The model's raw output for one picture of its own size."""
    model.write_input(picture)
    model.invoke()
    return model.output()


def _record(picture: tuple[int, ...], output: tuple[int, ...]) -> np.dtype[np.void]:
    return np.dtype([("input", np.uint8, picture), ("output", np.int8, output)])


def _header(dtype: np.dtype[np.void], count: int) -> bytes:
    """The header of a `.npy` file, version 1.0 of the format."""
    text = f"{{'descr': {dtype.descr!r}, 'fortran_order': False, 'shape': ({count},), }}"
    length = len(_MAGIC) + 2 + len(text) + 1
    padded = text + " " * (-length % _ALIGNMENT) + "\n"
    return _MAGIC + len(padded).to_bytes(2, "little") + padded.encode("ascii")


def _sides(raw: RawOutput, quantization: Quantization, temperature: float, nerve_probability: float) -> Decisions:
    return raw > raw_level(nerve_probability, temperature, quantization)


def _grades(raw: RawOutput, quantization: Quantization, temperature: float, _: float) -> Decisions:
    scale, zero_point = quantization
    logits = ((raw.astype(np.float64) - zero_point) * scale).tolist()
    return np.array([most_likely(grade_probabilities(row, temperature)) for row in logits])


def _classes(raw: RawOutput, *_: object) -> Decisions:
    return np.asarray(raw.argmax(axis=-1))


# task -> (raw answers (K, ...), output quantization, temperature, nerve probability) -> what is decided by them
_DECIDE: Mapping[Task, Callable[[RawOutput, Quantization, float, float], Decisions]] = {
    "segment": _sides,
    "grade": _grades,
    "classify": _classes,
}
