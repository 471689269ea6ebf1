"""Small changes to a float .tflite: another first layer, no last activation, batch 1, answers in a row.

Every function takes and gives the bytes of a file with one graph, one input and one output; what needs no change
keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from convert.errors import ModelError
from convert.readers.preprocessing import Preprocessing
from edge.quiet import quiet_stderr

Activation: TypeAlias = Literal["softmax", "sigmoid"]

_ACTIVATIONS: dict[str, Activation] = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
_RESHAPING = ("RESHAPE", "SQUEEZE")  # what may follow an activation without changing a value


def prepend_preprocessing(tflite: bytes, preprocessing: Preprocessing, channels: int) -> bytes:
    """Puts one 1 x 1 convolution before the graph, whose input then is (1, H, W, `channels`) in 0..1, pixel / 255.

    `channels` is 1 (grey, repeated into each channel of the network) or 3 (RGB).

    Raises:
        ModelError: the pre-processing does not fit the network's channels.
    """
    model, schema = _unpacked(tflite)
    graph = model.subgraphs[0]
    old = int(graph.inputs[0])
    taken = int(graph.tensors[old].shape[3])
    weights, bias = preprocessing.affine(channels, taken)
    if channels == taken and np.array_equal(weights, np.eye(taken)) and not bias.any():
        return tflite
    picture = _add_tensor(model, schema, "preprocessing/picture", (*graph.tensors[old].shape[:3], channels))
    kernel = _add_tensor(model, schema, "preprocessing/kernel", (taken, 1, 1, channels), weights)
    offset = _add_tensor(model, schema, "preprocessing/bias", (taken,), bias)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    convolution = _operator(model, schema, "CONV_2D", [picture, kernel, offset], [old], options)
    graph.operators.insert(0, convolution)
    graph.inputs = [picture]
    for signature in model.signatureDefs or []:
        _redirect(signature.inputs, old, picture)
    return _packed(model)


def without_final_activation(tflite: bytes) -> tuple[bytes, Activation | None]:
    """Takes off a softmax or sigmoid that the graph ends with, a reshape after it or not; which one it was."""
    model, schema = _unpacked(tflite)
    graph = model.subgraphs[0]
    producers = {int(result): operator for operator in graph.operators for result in operator.outputs}
    last = producers.get(int(graph.outputs[0]))
    while last is not None and _kind(model, schema, last) in _RESHAPING:
        last = producers.get(int(last.inputs[0]))
    activation = None if last is None else _ACTIVATIONS.get(_kind(model, schema, last))
    if last is None or activation is None:
        return tflite, None
    logits, result = int(last.inputs[0]), int(last.outputs[0])
    graph.operators.remove(last)
    for operator in graph.operators:
        operator.inputs = [logits if index == result else int(index) for index in operator.inputs]
    graph.outputs = [logits if index == result else int(index) for index in graph.outputs]
    for signature in model.signatureDefs or []:
        _redirect(signature.outputs, result, logits)
    _drop_tensor(model, result)
    return _packed(model), activation


def with_static_batch(tflite: bytes) -> bytes:
    """Writes into the file the shapes that its tensors have for a batch of 1, where it left some open.

    Raises:
        ModelError: the height, the width or the channels of its input are open.
    """
    model, _ = _unpacked(tflite)
    graph = model.subgraphs[0]
    tensors = graph.tensors
    if not any(_is_open(tensor) for tensor in tensors):
        return tflite
    source = tensors[graph.inputs[0]]
    if source.shapeSignature is not None and min(source.shapeSignature[1:]) < 0:
        raise ModelError(f"takes {list(source.shapeSignature)}, pictures of any size: build it for one")
    for tensor, shape in zip(tensors, _shapes_when_run(tflite), strict=False):
        tensor.shape, tensor.shapeSignature = list(shape), None
    return _packed(model)


def with_answers_in_a_row(tflite: bytes) -> bytes:
    """Reshapes an output of (1, 1, 1, K), or (1, K, 1, 1), to (1, K)."""
    model, schema = _unpacked(tflite)
    graph = model.subgraphs[0]
    old = int(graph.outputs[0])
    shape = tuple(int(size) for size in graph.tensors[old].shape)
    if len(shape) <= 2 or sorted(shape)[-2] > 1:
        return tflite
    row = (1, max(shape))
    wanted = _add_tensor(model, schema, "answers/shape", (2,), np.array(row, np.int32))
    answers = _add_tensor(model, schema, "answers", row)
    options = schema.ReshapeOptionsT()
    options.newShape = list(row)
    graph.operators.append(_operator(model, schema, "RESHAPE", [old, wanted], [answers], options))
    graph.outputs = [answers]
    for signature in model.signatureDefs or []:
        _redirect(signature.outputs, old, answers)
    return _packed(model)


def _is_open(tensor: Any) -> bool:
    return tensor.shapeSignature is not None and bool(np.min(tensor.shapeSignature, initial=0) < 0)


def custom_operators(tflite: bytes) -> list[str]:
    """Names of the operators that no interpreter brings along."""
    model, _ = _unpacked(tflite)
    return sorted(code.customCode.decode() for code in model.operatorCodes if code.customCode)


def _unpacked(tflite: bytes) -> tuple[Any, Any]:
    """The file as objects, and the module of their classes."""
    with quiet_stderr():
        from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415  seconds

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    if len(model.subgraphs) != 1:
        raise ModelError(f"has {len(model.subgraphs)} graphs, as control flow makes them, not one: build it without")
    if any(buffer.offset > 1 for buffer in model.buffers):
        raise ModelError("keeps its weights behind the graph, as files over 2 GiB do: give a smaller model")
    return model, schema


def _packed(model: Any) -> bytes:
    import flatbuffers  # noqa: PLC0415

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _kind(model: Any, schema: Any, operator: Any) -> str:
    """Name of an operator, as in BuiltinOperator."""
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)  # files from before 2020 have the second one alone
    return str(next(name for name, value in vars(schema.BuiltinOperator).items() if value == number))


def _operator(model: Any, schema: Any, kind: str, inputs: list[int], outputs: list[int], options: Any) -> Any:
    number = getattr(schema.BuiltinOperator, kind)
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes) - 1, inputs, outputs
    operator.builtinOptions = options
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    return operator


def _add_tensor(
    model: Any, schema: Any, name: str, shape: Iterable[int], values: npt.NDArray[Any] | None = None
) -> int:
    """Appends a float tensor, or a constant of the type of `values`; its index."""
    graph = model.subgraphs[0]
    buffer = schema.BufferT()
    tensor = schema.TensorT()
    tensor.type = schema.TensorType.FLOAT32
    if values is not None:
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.type = schema.TensorType.INT32 if values.dtype == np.int32 else schema.TensorType.FLOAT32
    taken = {other.name for other in graph.tensors}
    while name.encode() in taken:  # ranges and recipes know a tensor by its name
        name += "_"
    tensor.name, tensor.shape, tensor.hasRank = name.encode(), [int(size) for size in shape], True
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _drop_tensor(model: Any, dropped: int) -> None:
    """Removes a tensor that nothing uses any more and moves the later ones up."""
    graph = model.subgraphs[0]
    del graph.tensors[dropped]

    def moved(indices: Iterable[int]) -> list[int]:
        return [int(index) - (index > dropped) for index in indices]

    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
        if operator.intermediates is not None:
            operator.intermediates = moved(operator.intermediates)
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for signature in model.signatureDefs or []:
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex -= entry.tensorIndex > dropped


def _redirect(entries: Iterable[Any] | None, old: int, new: int) -> None:
    for entry in entries or []:
        if entry.tensorIndex == old:
            entry.tensorIndex = new


def _shapes_when_run(tflite: bytes) -> list[tuple[int, ...]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415

    with quiet_stderr():
        # Without a delegate: it would add tensors of its own and leave others without a shape.
        interpreter = Interpreter(
            model_content=tflite,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        source = interpreter.get_input_details()[0]
        interpreter.resize_tensor_input(source["index"], [1, *source["shape"][1:]])
        interpreter.allocate_tensors()
        interpreter.invoke()
    return [tuple(int(size) for size in tensor["shape"]) for tensor in interpreter.get_tensor_details()]
