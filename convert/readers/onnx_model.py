"""From an ONNX file to one that is sure to convert: checked, batch 1, channels last at both ends, logits at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.errors import ModelError
from convert.readers.graph_edit import Activation
from convert.readers.preprocessing import Floats

OPSETS = range(11, 22)
INPUT, OUTPUT = "sonoedge_picture", "sonoedge_answer"

_ACTIVATIONS: dict[str, Activation] = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
_VALUE_KEEPING = ("Identity", "Reshape", "Flatten", "Squeeze")  # operators that may follow an activation
_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger")


@dataclass(frozen=True)
class OnnxModel:
    """A model that takes (1, H, W, C) float32 and gives (1, H, W, K) or (1, K) logits, whatever its source took."""

    proto: Any  # onnx.ModelProto
    session: Any  # onnxruntime.InferenceSession, on the CPU
    input_shape: tuple[int, int, int]  # H, W, C
    activation_removed: Activation | None

    def __call__(self, pictures: Floats) -> Floats:
        """ONNX Runtime's own answer to one picture (1, H, W, C)."""
        [answer] = self.session.run([OUTPUT], {INPUT: pictures})
        return answer  # type: ignore[no-any-return]

    @property
    def operators(self) -> list[str]:
        """Its operators' types, each once."""
        return sorted({node.op_type for node in self.proto.graph.node})


def load_onnx(path: Path) -> OnnxModel:
    """Read and check an ONNX file; neither it nor its external data is changed.

    Raises:
        ModelError: it is no whole float32 ONNX model of opset 11 to 21 with one picture in and one answer out.
    """
    proto = _parse(path)
    graph = proto.graph
    _check_kind(proto)
    source, result = _only_ends(graph)
    shape, channels_first = _picture_shape(source)
    _complete(path, proto)
    activation = _take_off_activation(graph)
    _put_channels_last_in(graph, source, shape, channels_first)
    del graph.value_info[:]  # shapes for another batch
    _put_channels_last_out(graph, result, _answer_shape(proto, result, shape))
    return OnnxModel(proto, _session(proto), shape, activation)


def _parse(path: Path) -> Any:
    import onnx  # noqa: PLC0415  only who converts ONNX pays
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    try:
        proto = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError) as error:
        raise ModelError("not an ONNX model, or cut short: export it again") from error
    if not proto.ir_version or not proto.graph.node:
        raise ModelError("not an ONNX model: it has no graph")
    if not all(isinstance(text, str) for node in proto.graph.node for text in (node.op_type, node.domain)):
        raise ModelError("not a whole ONNX model: the name of an operator is no text: copy the file again")
    return proto


def _complete(path: Path, proto: Any) -> None:
    """Brings the external data in and has the whole checked by ONNX's own rules."""
    import onnx  # noqa: PLC0415

    try:
        _check_external_data(path, proto)
        onnx.load_external_data_for_model(proto, str(path.parent))
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError, OSError) as error:
        raise ModelError(f"not a valid ONNX model ({_one_line(error)}): export it again") from error


def _check_external_data(path: Path, proto: Any) -> None:
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data  # noqa: PLC0415

    folder = path.parent.resolve()
    for tensor in filter(uses_external_data, proto.graph.initializer):
        place = ExternalDataInfo(tensor)
        file = (folder / place.location).resolve()
        if not file.is_relative_to(folder):
            raise ModelError(f"the weights {tensor.name} lie outside its folder ({place.location}): export again")
        if not file.is_file():
            raise ModelError(f"its external data {place.location} is missing: copy it beside the model")
        if file.stat().st_size < (place.offset or 0) + (place.length or 0):
            raise ModelError(f"its external data {place.location} is cut short: copy it again")


def _check_kind(proto: Any) -> None:
    """Opset, operators and types that have a way to float TFLite."""
    from onnx import TensorProto  # noqa: PLC0415

    graph = proto.graph
    opset = next((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if foreign := [node for node in graph.node if node.domain not in ("", "ai.onnx")]:
        raise ModelError(
            f"the operator {foreign[0].op_type} of {foreign[0].domain} is not ONNX's own: export the model without it"
        )
    if opset not in OPSETS:
        raise ModelError(f"opset {opset}, not {OPSETS[0]} to {OPSETS[-1]}: export it with opset 17")
    if quantized := [node.op_type for node in graph.node if node.op_type in _QUANTIZED or "QLinear" in node.op_type]:
        raise ModelError(f"already quantized ({quantized[0]}): give the float model that it was made from")
    halves = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
    if half := [tensor.name for tensor in graph.initializer if tensor.data_type in halves]:
        raise ModelError(f"a float16 model (weights {half[0]}): export it in float32")
    if empty := [tensor for tensor in graph.initializer if len(tensor.dims) > 1 and 0 in tensor.dims]:
        raise ModelError(
            f"a zero-size dimension in the weights {empty[0].name} {tuple(empty[0].dims)}: export it again"
        )


def _only_ends(graph: Any) -> tuple[Any, Any]:
    """The only input and the only output, both float32."""
    from onnx import TensorProto  # noqa: PLC0415

    weights = {tensor.name for tensor in graph.initializer}  # listed among the inputs in files of before 2019
    inputs = [value for value in graph.input if value.name not in weights]
    for which, ends in (("input", inputs), ("output", graph.output)):
        if len(ends) != 1:
            named = ", ".join(value.name for value in ends) or "none"
            raise ModelError(f"{len(ends)} {which}s ({named}), not one: export the model with the one to deploy")
        if (found := ends[0].type.tensor_type.elem_type) != TensorProto.FLOAT:
            dtype = {number: name for name, number in TensorProto.DataType.items()}.get(found, "undefined").lower()
            raise ModelError(
                f"its {which} {ends[0].name} is {dtype}, not float32: export it in float32, up to its logits"
            )
    return inputs[0], graph.output[0]


def _picture_shape(source: Any) -> tuple[tuple[int, int, int], bool]:
    """(H, W, C) and whether the channels come first."""
    dims = source.type.tensor_type.shape.dim
    shown = ", ".join(dim.dim_param or str(dim.dim_value) if dim.WhichOneof("value") else "?" for dim in dims)
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    if 0 in sizes:
        raise ModelError(f"a zero-size dimension in its input {source.name} ({shown}): export it again")
    if len(sizes) != 4 or None in sizes[1:] or min(size or 1 for size in sizes) < 0:
        raise ModelError(f"takes ({shown}), not one picture (batch, channels, H, W) of a fixed size: export it so")
    if sizes[0] not in (None, 1):
        raise ModelError(f"takes a fixed batch of {sizes[0]} pictures: export it with batch 1 or a dynamic one")
    _, first, second, last = (int(size or 1) for size in sizes)
    if first in (1, 3):
        return (second, last, first), True
    if last in (1, 3):
        return (first, second, last), False
    raise ModelError(f"takes ({shown}), not a picture of 1 or 3 channels")


def _take_off_activation(graph: Any) -> Activation | None:
    """Makes a softmax or sigmoid at the end an Identity: logits come out."""
    producers = {name: node for node in graph.node for name in node.output}
    last = producers.get(graph.output[0].name)
    while last is not None and last.op_type in _VALUE_KEEPING:
        last = producers.get(last.input[0])
    activation = None if last is None else _ACTIVATIONS.get(last.op_type)
    if last is not None and activation is not None:
        last.op_type = "Identity"
        del last.attribute[:]
    return activation


def _put_channels_last_in(graph: Any, source: Any, shape: tuple[int, int, int], channels_first: bool) -> None:
    """A new input (1, H, W, C) before the old one: a transpose that onnx2tf's own cancels."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    name = source.name
    source.CopyFrom(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (1, *shape)))
    before = (
        helper.make_node("Transpose", [INPUT], [name], perm=[0, 3, 1, 2])
        if channels_first
        else helper.make_node("Identity", [INPUT], [name])
    )
    graph.node.insert(0, before)


def _put_channels_last_out(graph: Any, result: Any, shape: tuple[int, ...]) -> None:
    """A new output after the old one: (1, H, W, K) for an answer to each pixel, (1, K) for one to the picture."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    name = result.name
    rank = len(shape)
    if rank > 2 and sorted(shape)[-2] == 1:
        after, shape = helper.make_node("Flatten", [name], [OUTPUT], axis=1), (1, max(shape))
    elif rank == 4 and shape[1] < shape[3]:  # fewer channels than columns: they come first
        after = helper.make_node("Transpose", [name], [OUTPUT], perm=[0, 2, 3, 1])
        shape = (shape[0], *shape[2:], shape[1])
    else:
        after = helper.make_node("Identity", [name], [OUTPUT])
    graph.node.append(after)
    result.CopyFrom(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape))


def _answer_shape(proto: Any, result: Any, shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Shape of the answer to one picture, by asking ONNX Runtime: what the file says may be for another batch."""
    import numpy as np  # noqa: PLC0415

    result.type.tensor_type.ClearField("shape")
    with _runtime_errors():
        [answer] = _session(proto).run([result.name], {INPUT: np.zeros((1, *shape), np.float32)})
    return tuple(answer.shape)


def _session(proto: Any) -> Any:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    with _runtime_errors():
        return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


@contextmanager
def _runtime_errors() -> Iterator[None]:
    """ONNX Runtime's errors, which have no common class, as ours."""
    from onnxruntime.capi import onnxruntime_pybind11_state as errors  # noqa: PLC0415

    kinds = (errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.NotImplemented, errors.RuntimeException)
    try:
        yield
    except kinds as error:
        raise ModelError(f"ONNX Runtime cannot run it ({_one_line(error)}): export it again") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
