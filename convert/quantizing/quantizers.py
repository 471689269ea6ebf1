"""The two programs that turn float TFLite into INT8, each given the same ranges and the same recipe.

They agree in error, speed and size. TFLiteConverter's also widens the scale of a channel whose weights are nearly zero,
which batch normalisation makes, where litert-quantizer 0.11 lets the INT32 bias overflow: such a file is refused here.
litert-quantizer alone mixes INT8 and INT16.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TypeAlias

import numpy as np

from convert.errors import QuantizeError
from convert.quantizing.int16_casts import through_float
from convert.quantizing.ranges import Ranges
from convert.quantizing.recipe import Precision, QuantizerName, Recipe
from edge.quiet import quiet_stderr
from edge.tflite_file import read_tflite

Raised: TypeAlias = Mapping[str, Precision]  # operators, named by the tensor that they give, that stay above INT8

PACKAGE_OF: Mapping[QuantizerName, str] = {"tflite-converter": "tensorflow", "litert-quantizer": "litert-quantizer"}
"""The distribution that each quantizer comes with, whose version the manifest names."""


def raised_operators(float_tflite: bytes, recipe: Recipe) -> Raised:
    """Which operators of the float file the recipe keeps above INT8.

    Raises:
        QuantizeError: one of its rules covers none.
    """
    file = read_tflite(float_tflite)
    given = [file.tensors[step.outputs[0]].name for step in file.steps]
    for rule in recipe.higher_precision:
        if not any(map(rule.covers, given)):
            raise QuantizeError(
                f"recipe {recipe.name!r}: no layer of the model matches {rule.match!r}: the tensor report names them"
            )
    return recipe.raised(given)


def build(quantizer: QuantizerName, float_tflite: bytes, ranges: Ranges, recipe: Recipe) -> bytes:
    """The file that one quantizer makes. The same arguments give the same bytes.

    Raises:
        QuantizeError: it cannot make it, or its file holds a bias that overflowed.
    """
    raised = raised_operators(float_tflite, recipe)
    with quiet_stderr():
        return _BUILD[quantizer](float_tflite, ranges, recipe, raised)


def version(quantizer: QuantizerName) -> str:
    """Version of the package that the quantizer comes with."""
    return metadata.version(PACKAGE_OF[quantizer])


def _with_tflite_converter(float_tflite: bytes, ranges: Ranges, recipe: Recipe, raised: Raised) -> bytes:
    import tensorflow as tf  # noqa: PLC0415  seconds: only who converts pays

    # The last step of TFLiteConverter, called alone. The whole of it starts from Keras and calibrates by itself, three
    # times slower; this way the ranges are ours, and a model that never was Keras takes the same road.
    from tensorflow.lite.python.convert import ConverterError, mlir_quantize  # noqa: PLC0415

    try:
        model = mlir_quantize(
            _with_ranges(float_tflite, ranges),
            input_data_type=tf.int8,
            output_data_type=tf.int8,
            denylisted_nodes=list(raised) or None,
        )
    except (ConverterError, RuntimeError) as error:
        raise QuantizeError(f"tflite-converter cannot quantize it: {_first_line(error)}") from error
    return bytes(model)


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


def _with_litert_quantizer(float_tflite: bytes, ranges: Ranges, recipe: Recipe, raised: Raised) -> bytes:
    from litert_quantizer import quantizer  # noqa: PLC0415  seconds: only who converts pays

    calibration = {
        name: {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
        for name, (low, high) in ranges.items()
    }
    try:
        done = quantizer.Quantizer(float_tflite, _litert_recipe(recipe, raised)).quantize(
            calibration, enable_progress_bar=False, enable_progress_report=False
        )
    except (ValueError, RuntimeError, KeyError) as error:
        raise QuantizeError(f"litert-quantizer cannot quantize it: {_first_line(error)}") from error
    model = through_float(bytes(done.quantized_model))
    if overflowed := _overflowed_biases(model):
        raise QuantizeError(
            f"litert-quantizer overflowed the INT32 bias of {len(overflowed)} tensors ({overflowed[0]}), whose weights "
            "are nearly zero: use a recipe with the quantizer tflite-converter"
        )
    return model


def _litert_recipe(recipe: Recipe, raised: Raised) -> list[dict[str, object]]:
    """litert-quantizer's own recipe: of the scopes that match an operator, the last one that can be done counts."""
    from litert_quantizer.qtyping import TFLOperationName  # noqa: PLC0415
    from litert_quantizer.recipe_manager import AlgorithmName, RecipeManager  # noqa: PLC0415

    every = TFLOperationName.ALL_SUPPORTED
    manager = RecipeManager()
    manager.add_static_config(".*", every, activation_num_bits=8, weight_num_bits=8)
    if recipe.activations == "int16":  # another scope than ".*": what has no INT16 kernel then falls back to INT8
        manager.add_static_config("", every, activation_num_bits=16, weight_num_bits=8)
    for precision in ("float32", "int16"):
        names = [re.escape(name) for name, wanted in raised.items() if wanted == precision]
        scope = f"^(?:{'|'.join(names)});?$"  # a scope is the names of an operator's outputs, each with a ";"
        if names and precision == "int16":
            manager.add_static_config(scope, every, activation_num_bits=16, weight_num_bits=8)
        elif names:
            manager.add_quantization_config(scope, every, algorithm_key=AlgorithmName.NO_QUANTIZE)
    for end in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        manager.add_static_config("^", end, activation_num_bits=8, weight_num_bits=8)
    return list(manager.get_quantization_recipe())


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


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


_BUILD: Mapping[QuantizerName, Callable[[bytes, Ranges, Recipe, Raised], bytes]] = {
    "tflite-converter": _with_tflite_converter,
    "litert-quantizer": _with_litert_quantizer,
}
