"""Read what a .tflite file says of its tensors and operators: no interpreter, the same answer on every machine.

A .tflite file is a FlatBuffer of TensorFlow's `schema.fbs` (v3). Field numbers below are those of that schema.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edge.errors import InterpreterError

_DTYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64"),
    *("complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16"),
)
# The operators that INT8 convolutional networks are made of, by the numbers of BuiltinOperator.
_OPERATORS = {
    **{0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D"},
    **{5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL"},
    **{19: "RELU", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR", 25: "SOFTMAX", 28: "TANH", 32: "CUSTOM"},
    **{34: "PAD", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB", 43: "SQUEEZE", 45: "STRIDED_SLICE", 53: "CAST"},
    **{54: "PRELU", 67: "TRANSPOSE_CONV", 69: "TILE", 70: "EXPAND_DIMS", 77: "SHAPE", 83: "PACK"},
    **{97: "RESIZE_NEAREST_NEIGHBOR", 114: "QUANTIZE", 117: "HARD_SWISH", 126: "BATCH_MATMUL"},
}


@dataclass(frozen=True)
class Tensor:
    """One tensor of the graph."""

    name: str
    dtype: str  # "int8", "int32", "float32" ...
    shape: tuple[int, ...]
    scales: tuple[float, ...]  # none = not quantized, one = per tensor, more = per channel
    zero_points: tuple[int, ...]
    constant: bool  # its values are in the file: weights, biases, shapes

    @property
    def scale(self) -> float:
        """The scale of a tensor quantized as a whole; 0.0 when it is not quantized."""
        return self.scales[0] if self.scales else 0.0

    @property
    def zero_point(self) -> int:
        return self.zero_points[0] if self.zero_points else 0


@dataclass(frozen=True)
class Step:
    """One operator at its place in the graph."""

    operator: str  # "CONV_2D" ...
    inputs: tuple[int, ...]  # indices into the file's tensors; an optional one that is left out is not listed
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TFLiteFile:
    """The graph of a .tflite file, all subgraphs in one list; inputs and outputs are those of the first."""

    tensors: tuple[Tensor, ...]
    steps: tuple[Step, ...]  # in the order of execution
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the operators, in the order of execution."""
        return tuple(step.operator for step in self.steps)


def read_tflite(model: bytes) -> TFLiteFile:
    """Parse the bytes of a .tflite file.

    Raises:
        InterpreterError: the bytes are not a whole .tflite file.
    """
    if model[4:8] != b"TFL3":
        raise InterpreterError("not a TFLite model: the file does not carry the mark TFL3")
    try:
        return _read(model)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise InterpreterError("not a whole TFLite model, it is cut short or damaged: copy the file again") from error


def non_integer_tensors(model: bytes) -> list[str]:
    """Names of the tensors that are neither INT8 nor an INT32 constant (a bias, a shape), in the order of the file.

    Raises:
        InterpreterError: the bytes are not a whole .tflite file.
    """
    return [
        tensor.name
        for tensor in read_tflite(model).tensors
        if not (tensor.dtype == "int8" or (tensor.dtype == "int32" and tensor.constant))
    ]


def _read(data: bytes) -> TFLiteFile:
    root = _Table(data, _uint(data, 0))
    codes = [max(code.scalar(0, "b"), code.scalar(3, "i")) for code in root.tables(1)]
    filled = [_has_values(buffer, len(data)) for buffer in root.tables(4)]
    graphs = list(root.tables(2))
    tensors = [[_tensor(table, filled) for table in graph.tables(0)] for graph in graphs]
    ends = itertools.accumulate(map(len, tensors))
    places = [range(end - len(own), end) for own, end in zip(tensors, ends, strict=True)]
    return TFLiteFile(
        tensors=tuple(tensor for graph in tensors for tensor in graph),
        steps=tuple(
            _step(operator, codes, own)
            for graph, own in zip(graphs, places, strict=True)
            for operator in graph.tables(3)
        ),
        inputs=tuple(tensors[0][i] for i in graphs[0].scalars(1, "I")),
        outputs=tuple(tensors[0][i] for i in graphs[0].scalars(2, "I")),
    )


def _step(operator: _Table, codes: list[int], places: range) -> Step:
    """`places` are the indices that the tensors of the operator's subgraph have among all of them."""
    code = codes[operator.scalar(0, "I")]
    ends = (tuple(places[index] for index in operator.scalars(field, "i") if index >= 0) for field in (1, 2))
    return Step(_OPERATORS.get(code, f"BUILTIN_{code}"), *ends)


def _has_values(buffer: _Table, file_size: int) -> bool:
    """Values lie in the buffer's own vector or, in newer files, at an offset behind the FlatBuffer (0 and 1: none)."""
    offset, size = buffer.scalar(1, "Q"), buffer.scalar(2, "Q")
    if offset > 1 and offset + size > file_size:
        raise ValueError(f"{size} bytes of values at byte {offset} run past the end")
    return buffer.length(0) > 0 or offset > 1


def _tensor(table: _Table, filled: list[bool]) -> Tensor:
    quantization = next(table.table(4), None)
    return Tensor(
        name=table.text(3),
        dtype=_DTYPES[table.scalar(1, "B")],
        shape=tuple(table.scalars(0, "i")),
        scales=tuple(quantization.scalars(2, "f")) if quantization else (),
        zero_points=tuple(quantization.scalars(3, "q")) if quantization else (),
        constant=filled[table.scalar(2, "I")],
    )


class _Table:
    """A FlatBuffer table: fields are found by number through its vtable, absent ones have the value 0 or no items."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._vtable = at - int(struct.unpack_from("<i", data, at)[0])
        if not 0 <= self._vtable < len(data):
            raise ValueError(f"table at byte {at} points outside")

    def scalar(self, field: int, kind: str) -> int:
        at = self._find(field)
        return int(struct.unpack_from(f"<{kind}", self._data, at)[0]) if at else 0

    def table(self, field: int) -> Iterator[_Table]:
        """The table in this field, if there is one."""
        if at := self._find(field):
            yield _Table(self._data, at + _uint(self._data, at))

    def length(self, field: int) -> int:
        return self._vector(field)[1]

    def tables(self, field: int) -> Iterator[_Table]:
        start, length = self._vector(field)
        for at in range(start, start + 4 * length, 4):
            yield _Table(self._data, at + _uint(self._data, at))

    def scalars(self, field: int, kind: str) -> tuple[Any, ...]:
        """The items of a vector of numbers, by the letter that `struct` has for their type."""
        start, length = self._vector(field)
        return struct.unpack_from(f"<{length}{kind}", self._data, start)

    def text(self, field: int) -> str:
        start, length = self._vector(field)
        return self._data[start : start + length].decode()

    def _vector(self, field: int) -> tuple[int, int]:
        """Where the items of a vector start, and how many there are."""
        if not (at := self._find(field)):
            return 0, 0
        at += _uint(self._data, at)
        length = _uint(self._data, at)
        if at + 4 + length > len(self._data):
            raise ValueError(f"vector at byte {at} runs past the end")
        return at + 4, length

    def _find(self, field: int) -> int:
        """Where a field's value lies; 0 when it is absent."""
        slot = 4 + 2 * field
        if slot >= struct.unpack_from("<H", self._data, self._vtable)[0]:
            return 0
        offset = int(struct.unpack_from("<H", self._data, self._vtable + slot)[0])
        return self._at + offset if offset else 0


def _uint(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])
