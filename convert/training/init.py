"""Weights to start from: an earlier training's, or those of a network that has seen ImageNet.

    M0.keras        the same architecture, whatever its picture's size: all weights
    NET.onnx        convolutions by their order: SqueezeNet trained on ImageNet into `squeezenet`
    keras:imagenet  mobilenet_v2 from keras.applications, which fetches the weights once

ImageNet's pictures are RGB and ours are grey: the first convolution's kernels are summed over the colours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from convert.errors import ModelError
from convert.readers.keras_model import load_keras
from edge.errors import UsageError

IMAGENET = "keras:imagenet"

Floats = npt.NDArray[np.float32]
_LEAST_SHARE = 0.5  # of a network's convolutions that must fit, or the file is of another kind of network


@dataclass(frozen=True)
class Kernel:
    """One convolution of a foreign network."""

    name: str
    values: Floats  # (height, width, inputs, filters)


def start_from(init: str | Path, model: keras.Model) -> list[str]:
    """Bring `model` to the weights of `init`; a line for what of it did not fit.

    Raises:
        ModelError: it cannot be read or fetched, or is of another network.
        UsageError: `keras:imagenet` for a network that is not keras.applications' own.
    """
    if str(init) == IMAGENET:
        return _from_application(model)
    path = Path(init)
    start = _START.get(path.suffix)
    if start is None:
        raise UsageError(f"--init {path}: the name ends in .keras or .onnx, or is {IMAGENET}")
    return start(path, model)


def from_earlier(path: Path, model: keras.Model) -> list[str]:
    """All weights of an earlier training of the same architecture."""
    earlier = load_keras(path)
    if [v.shape for v in earlier.weights] != [v.shape for v in model.weights]:
        raise ModelError(f"{path}: its weights are those of {earlier.name}: give a {model.name}")
    model.set_weights(earlier.get_weights())
    return []


def from_onnx(path: Path, model: keras.Model) -> list[str]:
    """Convolutions by their order, in the scale of fresh ones.

    Batch normalisation follows each of ours and takes up scale and mean of what it is given. So neither the biases nor
    the scale of the pixels that the weights were trained on (0..255 less a mean, or 0..1) matter.
    """
    source, targets = read_kernels(path), _convolutions(model)
    fitted, missed = fit_kernels(source, [tuple(layer.kernel.shape) for layer in targets])
    if sum(values is not None for values in fitted) < _LEAST_SHARE * len(targets):
        count = sum(values is not None for values in fitted)
        raise ModelError(
            f"{path}: {count} of its convolutions fit the {len(targets)} of {model.name}: of another network"
        )
    for layer, values in zip(targets, fitted, strict=True):
        if values is not None:
            layer.kernel.assign(_rescaled(values))
    return [f"{path}: did not fit, or not as they are: {', '.join(missed)}"] if missed else []


def read_kernels(path: Path) -> list[Kernel]:
    """The convolutions of an ONNX file, in the order of its graph.

    Raises:
        ModelError: it is no ONNX model, or has no convolution.
    """
    import onnx  # noqa: PLC0415  only who starts from ONNX pays
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    try:
        graph = onnx.load(path).graph
    except (DecodeError, OSError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{path}: not an ONNX model, or cut short: give the .onnx file itself") from error
    weights = {tensor.name: tensor for tensor in graph.initializer}
    named = [node.input[1] for node in graph.node if node.op_type == "Conv" and node.input[1] in weights]
    kernels = [Kernel(name, onnx.numpy_helper.to_array(weights[name]).astype(np.float32)) for name in named]
    if not kernels:
        raise ModelError(f"{path}: has no convolution with weights of its own: nothing to start from")
    return [Kernel(kernel.name, kernel.values.transpose(2, 3, 1, 0)) for kernel in kernels if kernel.values.ndim == 4]


def fit_kernels(source: list[Kernel], shapes: list[tuple[int, ...]]) -> tuple[list[Floats | None], list[str]]:
    """For each target shape (height, width, inputs, filters) the source's kernel of that place, None where none fits.

    The first is summed over its colours, shrunk to the target's size, and its strongest filters are taken: those that
    tell colours apart are nothing on grey. The second loses the inputs that were left out. Beside them what did not
    fit, or was changed, by name.
    """
    first, filters = _first_kernel(source[0].values, shapes[0])
    fitted: list[Floats | None] = [first]
    missed = [] if source[0].values.shape[:2] == shapes[0][:2] else [f"{source[0].name} (shrunk)"]
    for number, shape in enumerate(shapes[1:], start=1):
        values = source[number].values if number < len(source) else None
        if number == 1 and values is not None and len(filters) < values.shape[2]:
            values = values[:, :, filters]
        if values is not None and values.shape != shape:
            missed.append(source[number].name)
            values = None
        fitted.append(values)
    return fitted, missed + [kernel.name for kernel in source[len(shapes) :]]


def _first_kernel(values: Floats, shape: tuple[int, ...]) -> tuple[Floats | None, npt.NDArray[np.int64]]:
    grey = values.sum(axis=2)
    if grey.shape[2] < shape[3] or grey.shape[0] < shape[0]:
        return None, np.arange(grey.shape[2])
    if grey.shape[:2] != shape[:2]:
        each = [cv2.resize(one, (shape[1], shape[0]), interpolation=cv2.INTER_AREA) for one in np.moveaxis(grey, 2, 0)]
        grey = np.stack(each, axis=2)
    strongest = np.sort(np.argsort(-np.abs(grey).sum(axis=(0, 1)), kind="stable")[: shape[3]])
    return grey[:, :, None, strongest], strongest


def _rescaled(values: Floats) -> Floats:
    """To the spread that He's initialisation has."""
    wanted = np.sqrt(2 / np.prod(values.shape[:3]))
    return np.array(values * (wanted / max(float(values.std()), 1e-12)), np.float32)


def _from_application(model: keras.Model) -> list[str]:
    if model.name != "mobilenet_v2":
        raise UsageError(f"--init {IMAGENET}: is there for mobilenet_v2; {model.name} differs from keras.applications'")
    side = model.input_shape[1]
    try:
        source = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, weights="imagenet")
    except Exception as error:  # Keras tells a download that failed by no class of its own
        raise ModelError(f"{IMAGENET}: cannot be fetched ({' '.join(str(error).split())[:160]})") from error
    copy_mobilenet(source, model)
    return []


def copy_mobilenet(source: keras.Model, model: keras.Model) -> None:
    """keras.applications' MobileNetV2, RGB in -1..1, into ours, grey in 0..1: the same answers but at the border."""
    layers = [list(filter(_has_weights, each.layers)) for each in (source, model)]
    body = [layer for layer in layers[1] if not isinstance(layer, keras.layers.Dense)]
    for theirs, ours in zip(layers[0], body, strict=True):
        values = theirs.get_weights()
        if theirs is layers[0][0]:
            dark = values[0].sum(axis=(0, 1, 2))  # what a pixel of -1 in every colour takes away
            values = [2 * values[0].sum(axis=2, keepdims=True)]
        elif theirs is layers[0][1]:
            values[2] = values[2] + dark
        ours.set_weights(values)


def _has_weights(layer: keras.Layer) -> bool:
    return bool(layer.weights)


def _convolutions(model: keras.Model) -> list[keras.layers.Conv2D]:
    return [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]


_START: dict[str, Callable[[Path, keras.Model], list[str]]] = {".keras": from_earlier, ".onnx": from_onnx}
