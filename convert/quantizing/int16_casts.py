"""INT8 to INT16 by way of float, because tflite-runtime 2.14 has no kernel that goes there at once.

    INT8 -QUANTIZE-> INT16    becomes    INT8 -DEQUANTIZE-> float -QUANTIZE-> INT16

Every INT8 and INT16 value is a float32 exactly; the way back, INT16 to INT8, 2.14 has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tensorflow.lite.python.schema_py_generated import ModelT, OperatorT, SubGraphT


def through_float(tflite: bytes) -> bytes:
    """The file with each such cast in two steps; a file that has none comes back as it is."""
    import flatbuffers  # noqa: PLC0415  with TensorFlow: only who converts pays
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    casts = [(graph, cast) for graph in model.subgraphs for cast in _casts(model, graph)]
    if not casts:
        return tflite
    for buffer in model.buffers:
        if buffer.offset > 1:  # its values lie behind the FlatBuffer, where a copy of the tables does not take them
            buffer.data = np.frombuffer(tflite, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    code = _dequantize(model)
    for graph, cast in casts:
        source = graph.tensors[cast.inputs[0]]
        between = schema.TensorT()
        between.name = source.name + b"_float"
        between.shape = source.shape
        between.type = schema.TensorType.FLOAT32
        graph.tensors.append(between)
        step = schema.OperatorT()
        step.opcodeIndex = code
        step.inputs, step.outputs = [cast.inputs[0]], [len(graph.tensors) - 1]
        cast.inputs = step.outputs
        graph.operators.insert(graph.operators.index(cast), step)
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _casts(model: ModelT, graph: SubGraphT) -> Iterator[OperatorT]:
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.QUANTIZE:
            ends = graph.tensors[operator.inputs[0]].type, graph.tensors[operator.outputs[0]].type
            if ends == (schema.TensorType.INT8, schema.TensorType.INT16):
                yield operator


def _dequantize(model: ModelT) -> int:
    """Index of the code of DEQUANTIZE, which is added where the model has none."""
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.DEQUANTIZE:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 2  # the first with INT8
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
