"""The float graph of an INT8 .tflite: the same operators, its weights as the INT8 file rounded them.

For a bundle whose float models are not at hand: what an engine makes of the graph in float takes the same time, and
its answers differ from the INT8 file's by the rounding of activations alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def dequantized(int8_tflite: bytes) -> bytes:
    """Float TFLite that takes pixel / 255: what the input of a file in our form (edge.contract) means."""
    import flatbuffers  # noqa: PLC0415
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromPackedBuf(int8_tflite, 0)
    [graph] = model.subgraphs
    kinds = [code.builtinCode for code in model.operatorCodes]
    casts = (schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE)
    for tensor in graph.tensors:
        quantization = tensor.quantization
        if quantization is None or quantization.scale is None or not len(quantization.scale):
            continue
        buffer = model.buffers[tensor.buffer]
        raw = _values(
            int8_tflite, buffer, {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}[tensor.type]
        )
        if raw.size:
            fresh = schema.BufferT()
            fresh.data = np.frombuffer(_real(raw.reshape(tensor.shape), quantization).tobytes(), np.uint8)
            model.buffers.append(fresh)
            tensor.buffer = len(model.buffers) - 1
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    renamed: dict[int, int] = {}  # a cast's result is what it was made from
    kept = []
    for step in graph.operators:
        step.inputs = [renamed.get(int(index), int(index)) for index in step.inputs]
        if kinds[step.opcodeIndex] in casts:
            renamed[int(step.outputs[0])] = step.inputs[0]
        else:
            kept.append(step)
    graph.operators = kept
    graph.outputs = [renamed.get(int(index), int(index)) for index in graph.outputs]
    model.signatureDefs = None
    for buffer in model.buffers:
        if buffer.offset > 1:  # its values lie behind the FlatBuffer, where a copy of the tables does not take them
            buffer.data = _values(int8_tflite, buffer, np.uint8)
            buffer.offset = buffer.size = 0
    builder = flatbuffers.Builder(4 * len(int8_tflite))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _values(file: bytes, buffer: Any, dtype: type[np.generic]) -> npt.NDArray[Any]:
    if buffer.offset > 1:
        return np.frombuffer(file[buffer.offset : buffer.offset + buffer.size], dtype)
    return np.frombuffer(b"" if buffer.data is None else np.asarray(buffer.data, np.uint8).tobytes(), dtype)


def _real(raw: npt.NDArray[Any], quantization: Any) -> npt.NDArray[np.float32]:
    scale, zero_point = (np.asarray(given, np.float64) for given in (quantization.scale, quantization.zeroPoint))
    if scale.size > 1:  # per channel
        shape = [1] * raw.ndim
        shape[quantization.quantizedDimension] = -1
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    real: npt.NDArray[np.float32] = ((raw - zero_point) * scale).astype(np.float32)
    return real
