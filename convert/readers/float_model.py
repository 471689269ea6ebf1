"""Every model format becomes float TFLite in our input form, beside the answers of the framework that it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from convert.errors import ModelError
from convert.quantizing.parity import Predict, float_predictor
from convert.readers.graph_edit import (
    Activation,
    prepend_preprocessing,
    with_answers_in_a_row,
    with_static_batch,
    without_final_activation,
)
from convert.readers.preprocessing import Floats, Preprocessing
from edge.errors import InterpreterError
from edge.quiet import quiet_stderr
from edge.tflite_file import read_tflite

Source: TypeAlias = Literal["keras", "saved model", "onnx", "tflite"]
Shape: TypeAlias = tuple[int, ...]

TOLERANCE = 1e-3
"""How far float TFLite may lie from its source, as a share of the largest logit (at least 1): far above what another
order of adding makes, far below what a wrong operator makes."""


@dataclass(frozen=True)
class FloatModel:
    """A model that takes a picture as the device feeds it, pixel / 255, and gives logits."""

    name: str
    source: Source
    converter: str  # what made the TFLite file, with its version
    tflite: bytes
    input_shape: tuple[int, int, int]  # H, W, C; C = 1 grey, 3 RGB
    output_shape: Shape  # without the batch
    activation_removed: Activation | None
    reference: Predict
    """The source framework's own answer to a picture, (H, W) or (H, W, 3) RGB uint8, in the TFLite output's shape;
    like it without the final activation."""


@dataclass(frozen=True)
class _Network:
    """What a reader gives: a float TFLite file as the network was built, and the same network in its framework."""

    tflite: bytes
    answer: Callable[[Floats], Floats]  # (1, H, W, C) pre-processed -> logits
    activation_removed: Activation | None
    converter: str


def read_float_model(path: Path, preprocessing: Preprocessing | None = None, *, channels: int = 1) -> FloatModel:
    """Read a `.keras`, `.onnx` or float `.tflite` file or a SavedModel folder.

    `preprocessing` is what the network wants its pixels to be, by default our own input form. `channels` is what the
    device feeds it: 1 grey (repeated into each channel of a colour network) or 3 RGB. A last softmax or sigmoid is
    taken off.

    Raises:
        ModelError: it cannot be read, is not one float32 network of one picture, or its TFLite form answers otherwise.
    """
    preprocessing = preprocessing or Preprocessing()
    source = _source(path)
    try:
        network = _READERS[source](path)
        taken = _check_float(network.tflite)
        plain = with_answers_in_a_row(with_static_batch(network.tflite))
        tflite = prepend_preprocessing(plain, preprocessing, channels)
        _check_runs(tflite)
        file = read_tflite(tflite)
        (_, height, width, _), gives = file.inputs[0].shape, file.outputs[0].shape

        def reference(picture: np.ndarray) -> Floats:
            return network.answer(preprocessing.apply(picture, taken)).reshape(gives)

        model = FloatModel(
            name=path.stem,
            source=source,
            converter=network.converter,
            tflite=tflite,
            input_shape=(height, width, channels),
            output_shape=gives[1:],
            activation_removed=network.activation_removed,
            reference=reference,
        )
        _check_agreement(model)
    except (ModelError, InterpreterError) as error:
        told = " ".join(str(error).split())  # names out of a damaged file may hold anything
        raise ModelError(told if told.startswith(str(path)) else f"{path}: {told}") from error
    return model


def _source(path: Path) -> Source:
    if not path.exists():
        raise ModelError(f"{path}: no such file: give a {_FORMS}")
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return "saved model"
    if not path.is_file() or (source := _SUFFIXES.get(path.suffix.lower())) is None:
        raise ModelError(f"{path}: not a form that can be read: give a {_FORMS}")
    return source


def _keras(path: Path) -> _Network:
    from convert.readers.keras_model import keras_graph, load_keras  # noqa: PLC0415

    graph = keras_graph(load_keras(path)).without_final_activation()
    return _Network(graph.tflite(), graph, graph.activation_removed, _version("tensorflow"))


def _saved_model(path: Path) -> _Network:
    from convert.readers.tensorflow_graph import load_saved_model  # noqa: PLC0415

    graph = load_saved_model(path).without_final_activation()
    return _Network(graph.tflite(), graph, graph.activation_removed, _version("tensorflow"))


def _onnx(path: Path) -> _Network:
    from convert.readers.onnx2tf import find_onnx2tf, onnx2tf_version, run_onnx2tf  # noqa: PLC0415
    from convert.readers.onnx_model import load_onnx  # noqa: PLC0415

    model = load_onnx(path)
    program = find_onnx2tf()
    return _Network(run_onnx2tf(model, program), model, model.activation_removed, f"onnx2tf {onnx2tf_version(program)}")


def _tflite(path: Path) -> _Network:
    whole = path.read_bytes()
    _check_float(whole)
    _check_runs(whole)
    logits, activation = without_final_activation(with_static_batch(whole))
    return _Network(logits, _litert(logits), activation, "none")


_SUFFIXES: Mapping[str, Source] = {".keras": "keras", ".onnx": "onnx", ".tflite": "tflite"}
_READERS: Mapping[Source, Callable[[Path], _Network]] = {
    "keras": _keras,
    "saved model": _saved_model,
    "onnx": _onnx,
    "tflite": _tflite,
}
_FORMS = ".keras, .onnx or float .tflite file, or a SavedModel folder"


def _litert(tflite: bytes) -> Callable[[Floats], Floats]:
    """A float TFLite file as a function of what it is fed."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    with quiet_stderr():
        interpreter = Interpreter(model_content=tflite, num_threads=1)
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]

    def answer(pictures: Floats) -> Floats:
        interpreter.set_tensor(source, pictures)
        interpreter.invoke()
        return interpreter.get_tensor(result)  # type: ignore[no-any-return]

    return answer


def _check_float(tflite: bytes) -> int:
    """Refuses what is not one float32 network of one picture; the channels that it takes.

    Raises:
        ModelError: as said.
        InterpreterError: not a whole TFLite file.
    """
    file = read_tflite(tflite)
    if halves := [tensor.name for tensor in file.tensors if tensor.dtype == "float16"]:
        raise ModelError(f"a float16 model (tensor {halves[0]}): convert it without float16")
    if quantized := [tensor.name for tensor in file.tensors if tensor.scales and "int" in tensor.dtype]:
        raise ModelError(f"already quantized (tensor {quantized[0]}): give the float model that it was made from")
    for which, ends in (("input", file.inputs), ("output", file.outputs)):
        if len(ends) != 1 or ends[0].dtype != "float32":
            found = ", ".join(end.dtype for end in ends) or "none"
            raise ModelError(f"has {len(ends)} {which}s ({found}), not one of float32: export it so")
    shape = file.inputs[0].shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3):
        raise ModelError(f"takes {shape}, not one picture (1, H, W, 1 or 3): export it so")
    return shape[3]


def _check_runs(tflite: bytes) -> None:
    """Refuses what LiteRT cannot run, and a file that says other than what it does."""
    file = read_tflite(tflite)
    try:
        with quiet_stderr():
            answer = _litert(tflite)(np.zeros(file.inputs[0].shape, np.float32))
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"LiteRT cannot run it ({reason}): build it of TFLite's own operators") from error
    if answer.shape != file.outputs[0].shape:
        raise ModelError(
            f"gives {answer.shape}, the file says {file.outputs[0].shape}: damaged, copy or export it again"
        )


def _check_agreement(model: FloatModel) -> None:
    """One noise picture through both: a converter that misreads an operator is noticed here, not in a clinic."""
    shape = model.input_shape if model.input_shape[2] == 3 else model.input_shape[:2]
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    expected, got = model.reference(noise), float_predictor(model.tflite)(noise)
    error = float(np.abs(got - expected).max())
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not error <= limit:  # a NaN is no agreement either
        raise ModelError(
            f"its float TFLite answers {error:.3g} off its source on the same picture, {limit:.3g} is the most: "
            f"{model.converter} misreads one of its operators, export it with others"
        )


def _version(package: str) -> str:
    return f"{package} {metadata.version(package)}"
