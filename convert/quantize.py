"""From float TFLite to all-integer INT8, by a recipe: one calibration, then one of two quantizers.

Both quantizers take the float file and the range of each tensor, so neither needs the model's source. They agree in
error, speed and size; TFLiteConverter's also widens the scale of a channel whose weights are nearly zero, which batch
normalisation makes, where litert-quantizer 0.11 lets the INT32 bias overflow: such a file is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Literal

import msgspec
import numpy as np

from convert.errors import QuantizeError, RecipeError
from convert.ranges import Ranges, observe
from edge.frame import Pixels
from edge.interpreter import INPUT_ZERO_POINT
from edge.quiet import quiet_stderr
from edge.tflite_file import non_integer_tensors, read_tflite

QuantizerName = Literal["tflite-converter", "litert-quantizer"]
INPUT_SCALE = float(np.float32(1.0) / np.float32(255.0))


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model becomes INT8. Data, one file each in `convert/recipes`."""

    name: str
    weights: Literal["int8 per channel"]
    activations: Literal["int8"]
    quantizer: QuantizerName
    non_integer_tensors: tuple[str, ...]  # exactly these may stay neither INT8 nor an INT32 constant


def load_recipe(name: str = "full_integer") -> Recipe:
    """The packaged recipe called `name`.

    Raises:
        RecipeError: there is none, or it says what cannot be.
    """
    folder = resources.files("convert") / "recipes"
    known = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))
    if name not in known:
        raise RecipeError(f"no recipe is called {name!r}: choose one of {', '.join(known)}")
    try:
        return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Recipe)
    except msgspec.DecodeError as error:
        raise RecipeError(f"recipe {name}.json: {error}") from error


def quantize(float_tflite: bytes, pictures: Iterable[Pixels], recipe: Recipe, *, progress: bool = False) -> bytes:
    """The INT8 TFLite file of `float_tflite`, calibrated on `pictures`, each (H, W) uint8 as the device feeds it.

    A pixel p means p / 255 in the float graph; the INT8 input gets scale 1/255 and zero point -128 exactly. The same
    model, pictures and recipe give the same bytes.

    Raises:
        QuantizeError: no picture, one of a wrong size, or a result that breaks the input contract or leaves tensors
            that the recipe does not name in float.
    """
    ranges = observe(float_tflite, pictures, progress=progress)
    with quiet_stderr():
        model = QUANTIZERS[recipe.quantizer](float_tflite, ranges)
    _check(model, recipe)
    return model


def _with_litert_quantizer(float_tflite: bytes, ranges: Ranges) -> bytes:
    from litert_quantizer import quantizer, recipe  # noqa: PLC0415  seconds: only who converts pays

    calibration = {
        name: {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
        for name, (low, high) in ranges.items()
    }
    done = quantizer.Quantizer(float_tflite, recipe.static_wi8_ai8()).quantize(
        calibration, enable_progress_bar=False, enable_progress_report=False
    )
    model = bytes(done.quantized_model)
    if overflowed := _overflowed_biases(model):
        raise QuantizeError(
            f"litert-quantizer overflowed the INT32 bias of {len(overflowed)} tensors ({overflowed[0]}), whose weights "
            "are nearly zero: use a recipe with the quantizer tflite-converter"
        )
    return model


def _overflowed_biases(model: bytes) -> list[str]:
    """Names of the quantized INT32 tensors that hold a value at the end of INT32's range."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(model_content=model, num_threads=1)
    limits = np.iinfo(np.int32)
    return [
        tensor["name"]
        for tensor in interpreter.get_tensor_details()
        if tensor["dtype"] is np.int32
        and tensor["quantization_parameters"]["scales"].size
        and np.isin(interpreter.get_tensor(tensor["index"]), (limits.min, limits.max)).any()
    ]


def _with_tflite_converter(float_tflite: bytes, ranges: Ranges) -> bytes:
    import tensorflow as tf  # noqa: PLC0415

    # The last step of TFLiteConverter, called alone. The whole of it starts from Keras and calibrates by itself, three
    # times slower; this way the ranges are ours, and a model that never was Keras takes the same road.
    from tensorflow.lite.python.convert import mlir_quantize  # noqa: PLC0415

    return bytes(mlir_quantize(_with_ranges(float_tflite, ranges), input_data_type=tf.int8, output_data_type=tf.int8))


def _with_ranges(float_tflite: bytes, ranges: Ranges) -> bytes:
    """The same file with each tensor's range written where a calibrated model carries it."""
    import flatbuffers  # noqa: PLC0415
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromPackedBuf(float_tflite, 0)
    for tensor in model.subgraphs[0].tensors:
        if (seen := ranges.get(tensor.name.decode())) is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.min, tensor.quantization.max = [seen[0]], [seen[1]]
    builder = flatbuffers.Builder(len(float_tflite))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


PACKAGE_OF: Mapping[QuantizerName, str] = {"tflite-converter": "tensorflow", "litert-quantizer": "litert-quantizer"}
"""The distribution that each quantizer comes with, whose version the manifest names."""

QUANTIZERS: Mapping[QuantizerName, Callable[[bytes, Ranges], bytes]] = {
    "tflite-converter": _with_tflite_converter,
    "litert-quantizer": _with_litert_quantizer,
}


def _check(model: bytes, recipe: Recipe) -> None:
    """An INT8 file that is not what the recipe promises must not leave this module."""
    source = read_tflite(model).inputs[0]
    if source.scale != INPUT_SCALE or source.zero_point != INPUT_ZERO_POINT:
        raise QuantizeError(
            f"{recipe.quantizer} gave the input scale {source.scale} and zero point {source.zero_point}, "
            f"not 1/255 and {INPUT_ZERO_POINT}: choose the other quantizer"
        )
    left = non_integer_tensors(model)
    if tuple(left) != recipe.non_integer_tensors:
        shown = ", ".join(left[:5]) or "none"
        raise QuantizeError(
            f"recipe {recipe.name!r} names {len(recipe.non_integer_tensors)} non-integer tensors, the model has "
            f"{len(left)} ({shown}): mend the architecture or the recipe"
        )
