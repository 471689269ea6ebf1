"""INT8 TFLite files of a few kilobytes, written field by field: real models for tests, without TensorFlow.

A .tflite file is a FlatBuffer of TensorFlow's `schema.fbs` (v3); field numbers below are those of that schema. What
the networks answer can be worked out by hand: `segmenter` marks what is brighter than a grey level, `grader` grows
severer with the mean brightness of its crop, `classifier` says which colour there is most of.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

FLOAT32, INT32, INT8 = 0, 2, 9  # TensorType
CONV_2D, DEQUANTIZE, FULLY_CONNECTED, QUANTIZE = 3, 6, 9, 114  # BuiltinOperator
CONV_2D_OPTIONS, FULLY_CONNECTED_OPTIONS = 1, 8  # BuiltinOptions
INPUT_SCALE = 1 / 255


@dataclass(frozen=True)
class Scalar:
    """A field stored in the table itself; `kind` as in `struct`."""

    kind: str
    value: float


@dataclass(frozen=True)
class Vector:
    """Numbers; `kind` as in `struct`."""

    kind: str
    values: Any


Fields = dict[int, Any]  # field number -> Scalar | Vector | str | bytes | Fields | list[Fields]


@dataclass
class Tensor:
    """A tensor of the file: quantized with `scale`, constant if it has `values`."""

    shape: tuple[int, ...]
    dtype: int = INT8
    scale: float | None = None
    zero_point: int = 0
    values: np.ndarray | None = None


@dataclass
class Graph:
    """Tensors and operators; the first tensor is the input, `outputs` are the results."""

    tensors: list[Tensor]
    operators: list[tuple[int, list[int], list[int], int, Fields]]  # code, inputs, outputs, options type, options
    outputs: list[int]


def segmenter(
    size: int,
    grey_level: int = 140,
    *,
    scale: float = INPUT_SCALE,
    zero_point: int = -128,
    through_float: bool = False,
    outputs: int = 1,
) -> bytes:
    """(1, size, size, 1) -> as many logits: 40 * (pixel - grey_level) / 255, positive where a pixel is brighter.

    `through_float` puts a float tensor between, as an incompletely quantized model has it.
    """
    gain, weight_scale = 40.0, 40.0 / 127
    bias = round(-gain * grey_level * INPUT_SCALE / (scale * weight_scale))
    tensors = [
        Tensor((1, size, size, 1), scale=scale, zero_point=zero_point),
        Tensor((1, 1, 1, 1), scale=weight_scale, values=np.array([127], np.int8)),
        Tensor((1,), INT32, scale=scale * weight_scale, values=np.array([bias], np.int32)),
        Tensor((1, size, size, 1), scale=gain / 255),
    ]
    conv = (CONV_2D, [0, 1, 2], [3], CONV_2D_OPTIONS, {1: Scalar("i", 1), 2: Scalar("i", 1)})
    operators: list[Any] = [conv]
    if through_float:
        tensors += [Tensor((1, size, size, 1), FLOAT32), Tensor((1, size, size, 1), scale=gain / 255)]
        operators += [(DEQUANTIZE, [3], [4], 0, {}), (QUANTIZE, [4], [5], 0, {})]
    last = len(tensors) - 1
    return tflite(Graph(tensors, operators, [last] * outputs))


def grader(size: int, cuts: tuple[float, ...] = (40.0, 60.0, 80.0)) -> bytes:
    """(1, size, size, 1) -> (1, 3) logits (mean pixel - cut) / 1.5, one for each of `cuts` in grey levels."""
    pixels = size * size
    gain = 255 / 1.5
    weight_scale = gain / pixels
    bias = np.round(-np.array(cuts) / 1.5 / (INPUT_SCALE * weight_scale)).astype(np.int32)
    tensors = [
        Tensor((1, size, size, 1), scale=INPUT_SCALE, zero_point=-128),
        Tensor((len(cuts), pixels), scale=weight_scale, values=np.ones((len(cuts), pixels), np.int8)),
        Tensor((len(cuts),), INT32, scale=INPUT_SCALE * weight_scale, values=bias),
        Tensor((1, len(cuts)), scale=0.1),
    ]
    return tflite(Graph(tensors, [(FULLY_CONNECTED, [0, 1, 2], [3], FULLY_CONNECTED_OPTIONS, {})], [3]))


def classifier(size: int) -> bytes:
    """(1, size, size, 3) RGB -> (1, 3): the mean of red, of green and of blue, as pixel / 255, one step 1/127."""
    pixels = size * size
    weights = np.tile(np.eye(3, dtype=np.int8), (1, pixels))
    tensors = [
        Tensor((1, size, size, 3), scale=INPUT_SCALE, zero_point=-128),
        Tensor((3, 3 * pixels), scale=1 / pixels, values=weights),
        Tensor((3,), INT32, scale=INPUT_SCALE / pixels, values=np.zeros(3, np.int32)),
        Tensor((1, 3), scale=1 / 127),
    ]
    return tflite(Graph(tensors, [(FULLY_CONNECTED, [0, 1, 2], [3], FULLY_CONNECTED_OPTIONS, {})], [3]))


def tflite(graph: Graph) -> bytes:
    """The bytes of a .tflite file."""
    codes = sorted({operator[0] for operator in graph.operators})
    constants = [tensor.values for tensor in graph.tensors if tensor.values is not None]
    numbers = iter(range(1, len(constants) + 1))  # buffer 0 is the empty one, by convention
    buffers: list[Fields] = [{}] + [{0: values.tobytes()} for values in constants]
    tensors = []
    for index, tensor in enumerate(graph.tensors):
        fields: Fields = {
            0: Vector("i", tensor.shape),
            1: Scalar("b", tensor.dtype),
            2: Scalar("I", 0 if tensor.values is None else next(numbers)),
            3: f"tensor{index}",
        }
        if tensor.scale is not None:
            fields[4] = {2: Vector("f", [tensor.scale]), 3: Vector("q", [tensor.zero_point])}
        tensors.append(fields)
    operators = []
    for code, inputs, results, options_type, options in graph.operators:
        fields = {0: Scalar("I", codes.index(code)), 1: Vector("i", inputs), 2: Vector("i", results)}
        operators.append(fields | ({3: Scalar("B", options_type), 4: options} if options_type else {}))
    subgraph = {0: tensors, 1: Vector("i", [0]), 2: Vector("i", graph.outputs), 3: operators, 4: "main"}
    return _flatbuffer(
        {
            0: Scalar("I", 3),
            1: [{0: Scalar("b", code), 2: Scalar("i", 1), 3: Scalar("i", code)} for code in codes],
            2: [subgraph],
            4: buffers,
        }
    )


def _flatbuffer(root: Fields) -> bytes:
    data = bytearray(struct.pack("<I4s", 0, b"TFL3"))
    struct.pack_into("<I", data, 0, _put(data, root))
    return bytes(data)


def _put(data: bytearray, value: Any) -> int:
    """Append an object and all below it; its position."""
    if isinstance(value, dict):
        return _put_table(data, value)
    if isinstance(value, str):
        raw = value.encode()
        return _put_vector(data, struct.pack("<I", len(raw)) + raw + b"\0", 4)
    if isinstance(value, bytes):
        return _put_vector(data, struct.pack("<I", len(value)) + value, 16)
    if isinstance(value, Vector):
        packed = struct.pack(f"<{len(value.values)}{value.kind}", *value.values)
        return _put_vector(data, struct.pack("<I", len(value.values)) + packed, struct.calcsize(value.kind))
    at = _put_vector(data, struct.pack("<I", len(value)) + bytes(4 * len(value)), 4)
    for index, item in enumerate(value):
        slot = at + 4 + 4 * index
        struct.pack_into("<I", data, slot, _put(data, item) - slot)
    return at


def _put_vector(data: bytearray, packed: bytes, alignment: int) -> int:
    """Append a length and the items after it, so that the items are aligned."""
    data += bytes(-(len(data) + 4) % max(4, alignment))
    data += packed
    return len(data) - len(packed)


def _put_table(data: bytearray, fields: Fields) -> int:
    slots, inline = {}, bytearray(4)
    for number, value in fields.items():
        kind = value.kind if isinstance(value, Scalar) else "I"
        inline += bytes(-len(inline) % struct.calcsize(kind))
        slots[number] = len(inline)
        inline += struct.pack(f"<{kind}", value.value if isinstance(value, Scalar) else 0)
    offsets = [slots.get(number, 0) for number in range(max(fields, default=-1) + 1)]
    data += bytes(-len(data) % 8)
    vtable = len(data)
    data += struct.pack(f"<HH{len(offsets)}H", 4 + 2 * len(offsets), len(inline), *offsets)
    data += bytes(-len(data) % 8)
    table = len(data)
    struct.pack_into("<i", inline, 0, table - vtable)
    data += inline
    for number, value in fields.items():
        if not isinstance(value, Scalar):
            slot = table + slots[number]
            struct.pack_into("<I", data, slot, _put(data, value) - slot)
    return table
