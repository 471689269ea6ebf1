"""Float TFLite to INT8: the input contract, all-integer, the same bytes each time, and the channels that go wrong."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from convert.errors import QuantizeError, RecipeError
from convert.quantize import QUANTIZERS, Recipe, load_recipe, quantize
from edge.interpreter import open_model
from edge.tflite_file import non_integer_tensors, read_tflite
from tests.contracts.interpreter_contract import ALL_GREYS, RAMP, RAMP_FLOAT

keras = pytest.importorskip("keras", reason="the extra convert is not installed")
from keras import layers  # noqa: E402

from convert.keras_model import float_tflite  # noqa: E402
from convert.parity import compare, float_predictor, int8_predictor  # noqa: E402

RECIPE = load_recipe()
SIZE = 16
DIM = [np.random.default_rng(seed).integers(60, 190, (SIZE, SIZE), dtype=np.uint8) for seed in range(6)]
"""Pictures that reach neither black nor white: the ends of the input's range must not come from them."""


def with_quantizer(name: str) -> Recipe:
    return msgspec.structs.replace(RECIPE, quantizer=name)


def network(edit: str = "") -> bytes:
    """Convolution, depthwise convolution, head; `edit` puts in what training with batch normalisation leaves behind."""
    keras.backend.clear_session()  # layers are numbered through a process, and their names are in the bytes
    keras.utils.set_random_seed(5)
    picture = keras.Input((SIZE, SIZE, 1), name="picture")
    x = layers.Conv2D(8, 3, padding="same", activation="relu6", name="first")(picture)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu6", name="depthwise")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(picture, layers.Dense(3, name="logits")(x), name="small")
    depthwise, bias = model.get_layer("depthwise").get_weights()
    if edit == "dead layer":
        depthwise, bias = -np.abs(depthwise), bias - 3
    if edit == "faint channels":
        depthwise[:, :, 3], bias[3] = 1e-9 * depthwise[:, :, 3], 2.0
        depthwise[:, :, 4], bias[4] = 0.0, 1.0
    model.get_layer("depthwise").set_weights([depthwise, bias])
    return float_tflite(model)


@pytest.fixture(scope="module")
def plain() -> bytes:
    return network()


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_the_result_keeps_the_contract_of_the_device(plain: bytes, quantizer: str) -> None:
    model = quantize(plain, DIM, with_quantizer(quantizer))
    file = read_tflite(model)
    assert [(t.dtype, t.scales, t.zero_points) for t in file.inputs] == [
        ("int8", (float(np.float32(1 / 255)),), (-128,))
    ]
    assert [t.dtype for t in file.outputs] == ["int8"]
    assert non_integer_tensors(model) == []
    per_channel = [t for t in file.tensors if t.constant and t.dtype == "int8" and len(t.scales) == 8]
    assert len(per_channel) >= 2  # both convolutions
    int8 = open_model(model)
    parity = compare(DIM, float_predictor(plain), int8_predictor(int8), output_scale=int8.output_quantization[0])
    assert parity.max_error_lsb <= 4


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_the_order_of_the_pictures_does_not_matter(plain: bytes, quantizer: str) -> None:
    recipe = with_quantizer(quantizer)
    assert quantize(plain, DIM, recipe) == quantize(plain, DIM[::-1], recipe)


def test_another_process_writes_the_same_bytes(plain: bytes) -> None:
    program = (
        "import hashlib; from tests.convert.test_quantize import *; plain = network()\n"
        "print(hashlib.sha256(plain).hexdigest(), hashlib.sha256(quantize(plain, DIM, RECIPE)).hexdigest())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    here = [hashlib.sha256(model).hexdigest() for model in (plain, quantize(plain, DIM, RECIPE))]
    assert done.stdout.split() == here


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_a_layer_that_is_always_zero_keeps_a_scale_that_every_interpreter_takes(quantizer: str) -> None:
    model = quantize(network("dead layer"), DIM, with_quantizer(quantizer))
    activations = [t for t in read_tflite(model).tensors if not t.constant]
    assert min(t.scale for t in activations) > 6 / 2**31  # the bound of ReLU6 in steps of the scale fits INT32
    open_model(model).invoke()


def test_channels_with_faint_weights_and_a_strong_bias_survive() -> None:
    faint = network("faint channels")
    int8 = open_model(quantize(faint, DIM, RECIPE))
    parity = compare(DIM, float_predictor(faint), int8_predictor(int8), output_scale=int8.output_quantization[0])
    assert parity.max_error_lsb <= 4


def test_an_overflowed_bias_is_refused_where_the_quantizer_lets_it_pass() -> None:
    with pytest.raises(QuantizeError, match="tflite-converter"):
        quantize(network("faint channels"), DIM, with_quantizer("litert-quantizer"))


def test_the_contracts_model_is_made_by_this_code() -> None:
    """The committed ramp_int8.tflite against one made now: other versions of the tools may differ in bytes."""
    now, committed = open_model(quantize(RAMP_FLOAT, [ALL_GREYS], RECIPE)), open_model(RAMP)
    assert now.output_quantization == committed.output_quantization
    for model in (now, committed):
        model.write_input(ALL_GREYS)
        model.invoke()
    assert np.abs(now.output().astype(int) - committed.output()).max() <= 1


def test_the_float_model_of_the_contract_is_this_network() -> None:
    picture = keras.Input((8, 32, 1), name="picture")
    model = keras.Model(picture, layers.Conv2D(1, 1, name="logits")(picture), name="ramp")
    model.get_layer("logits").set_weights([np.full((1, 1, 1, 1), 2.0), np.array([-0.5])])
    now, committed = float_predictor(float_tflite(model)), float_predictor(RAMP_FLOAT)
    assert np.allclose(now(ALL_GREYS), committed(ALL_GREYS), atol=1e-6)


def test_calibration_without_a_picture_is_refused(plain: bytes) -> None:
    with pytest.raises(QuantizeError, match="no calibration picture"):
        quantize(plain, [], RECIPE)


@pytest.mark.parametrize("picture", [np.zeros((SIZE, SIZE + 1), np.uint8), np.zeros((SIZE, SIZE), np.float32)])
def test_a_calibration_picture_that_does_not_fit_is_refused(plain: bytes, picture: np.ndarray) -> None:
    with pytest.raises(QuantizeError, match=r"picture 1: .* not \(16, 16\) uint8"):
        quantize(plain, [DIM[0], picture], RECIPE)


def test_a_result_other_than_the_recipe_promises_is_refused(plain: bytes) -> None:
    with pytest.raises(QuantizeError, match="names 1 non-integer tensors, the model has 0"):
        quantize(plain, DIM, msgspec.structs.replace(RECIPE, non_integer_tensors=("gate",)))


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="choose one of full_integer"):
        load_recipe("half_integer")
