"""Float TFLite to INT8: the contract, what a recipe allows, the choice by parity, and the channels that go wrong."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from convert.errors import QuantizeError
from convert.quantizing.kernel_spread import kernel_spread
from convert.quantizing.quantize import check, quantize
from convert.quantizing.quantizers import PACKAGE_OF, build
from convert.quantizing.ranges import observe
from convert.quantizing.recipe import Recipe, Rule, load_recipe
from edge.interpreter import open_model
from edge.tflite_file import non_integer_tensors, read_tflite
from tests.contracts.interpreter_contract import ALL_GREYS, RAMP, RAMP_FLOAT

keras = pytest.importorskip("keras", reason="the extra convert is not installed")
from keras import layers  # noqa: E402

from convert.quantizing.parity import compare, float_predictor, int8_predictor  # noqa: E402
from convert.readers.keras_model import float_tflite  # noqa: E402

RECIPE = load_recipe()
SIZE = 16
DIM = [np.random.default_rng(seed).integers(60, 190, (SIZE, SIZE), dtype=np.uint8) for seed in range(6)]
"""Pictures that reach neither black nor white: the ends of the input's range must not come from them."""


COLOURED = [np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8) for seed in range(6)]


def with_quantizer(name: str, *rules: Rule) -> Recipe:
    return msgspec.structs.replace(RECIPE, quantizer=name, higher_precision=rules)


def network(edit: str = "", channels: int = 1) -> bytes:
    """Convolution, depthwise convolution, head; `edit` puts in what training with batch normalisation leaves behind."""
    keras.backend.clear_session()  # layers are numbered through a process, and their names are in the bytes
    keras.utils.set_random_seed(5)
    picture = keras.Input((SIZE, SIZE, channels), name="picture")
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


def above_int8(model: bytes) -> list[str]:
    """Operators, but for casts, that touch a float tensor."""
    file = read_tflite(model)
    return [
        step.operator
        for step in file.steps
        if step.operator not in ("QUANTIZE", "DEQUANTIZE")
        and any(file.tensors[i].dtype == "float32" for i in (*step.inputs, *step.outputs))
    ]


def error(float_model: bytes, int8: bytes) -> float:
    """The largest, in steps of the output."""
    runner = open_model(int8)
    scale = runner.output_quantization[0]
    return compare(DIM, float_predictor(float_model), int8_predictor(runner), output_scale=scale).max_error_lsb


@pytest.mark.parametrize("quantizer", PACKAGE_OF)
def test_the_result_keeps_the_contract_of_the_device(plain: bytes, quantizer: str) -> None:
    done = quantize(plain, DIM, with_quantizer(quantizer))
    file = read_tflite(done.model)
    assert [(t.dtype, t.scales, t.zero_points) for t in file.inputs] == [
        ("int8", (float(np.float32(1 / 255)),), (-128,))
    ]
    assert [t.dtype for t in file.outputs] == ["int8"]
    assert non_integer_tensors(done.model) == list(done.non_integer_tensors) == []
    per_channel = [t for t in file.tensors if t.constant and t.dtype == "int8" and len(t.scales) == 8]
    assert len(per_channel) >= 2  # both convolutions
    assert error(plain, done.model) <= 4


@pytest.mark.parametrize("quantizer", PACKAGE_OF)
def test_the_order_of_the_pictures_does_not_matter(plain: bytes, quantizer: str) -> None:
    recipe = with_quantizer(quantizer)
    assert quantize(plain, DIM, recipe).model == quantize(plain, DIM[::-1], recipe).model


def test_another_process_writes_the_same_bytes(plain: bytes) -> None:
    program = (
        "import hashlib; from tests.convert.quantizing.test_quantize import *; plain = network()\n"
        "print(hashlib.sha256(plain).hexdigest(), hashlib.sha256(quantize(plain, DIM, RECIPE).model).hexdigest())"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    here = [hashlib.sha256(model).hexdigest() for model in (plain, quantize(plain, DIM, RECIPE).model)]
    assert done.stdout.split() == here


def test_both_quantizers_are_weighed_and_the_nearer_one_is_taken(plain: bytes) -> None:
    done = quantize(plain, DIM, RECIPE)
    assert [candidate.quantizer for candidate in done.candidates] == ["tflite-converter", "litert-quantizer"]
    standings = {
        each.quantizer: (not each.spread.same, each.parity.max_error, each.parity.changed_decisions)
        for each in done.candidates
        if each.parity and each.spread
    }
    assert len(standings) == 2
    assert standings[done.quantizer] == min(standings.values())
    assert done.parity == next(each.parity for each in done.candidates if each.quantizer == done.quantizer)
    alone = quantize(plain, DIM, with_quantizer(done.quantizer))
    assert done.model == alone.model


def test_equal_candidates_go_to_tflite_converter() -> None:
    done = quantize(RAMP_FLOAT, [ALL_GREYS], RECIPE)
    first, second = (candidate.parity for candidate in done.candidates)
    assert first == second
    assert done.quantizer == "tflite-converter"


def test_the_parity_told_is_that_of_the_two_models(plain: bytes) -> None:
    done = quantize(plain, DIM, RECIPE)
    runner = open_model(done.model)
    scale = runner.output_quantization[0]
    measured = compare(DIM, float_predictor(plain), int8_predictor(runner), output_scale=scale)
    assert done.parity.max_error == pytest.approx(measured.max_error, abs=1e-5)
    assert done.parity.pictures == len(DIM)


@pytest.mark.parametrize("quantizer", PACKAGE_OF)
def test_a_layer_that_is_always_zero_keeps_a_scale_that_every_interpreter_takes(quantizer: str) -> None:
    model = quantize(network("dead layer"), DIM, with_quantizer(quantizer)).model
    activations = [t for t in read_tflite(model).tensors if not t.constant]
    assert min(t.scale for t in activations) > 6 / 2**31  # the bound of ReLU6 in steps of the scale fits INT32
    open_model(model).invoke()


def test_where_one_quantizer_overflows_a_bias_the_other_one_is_taken() -> None:
    faint = network("faint channels")
    done = quantize(faint, DIM, RECIPE)
    assert done.quantizer == "tflite-converter"
    refused = {candidate.quantizer: candidate.refused for candidate in done.candidates}
    assert refused["tflite-converter"] is None
    assert "overflowed the INT32 bias" in str(refused["litert-quantizer"])
    assert error(faint, done.model) <= 4


def test_an_overflowed_bias_is_refused_where_no_other_quantizer_may_be_taken() -> None:
    with pytest.raises(QuantizeError, match="tflite-converter"):
        quantize(network("faint channels"), DIM, with_quantizer("litert-quantizer"))


@pytest.mark.parametrize("quantizer", PACKAGE_OF)
@pytest.mark.parametrize(
    ("match", "operator"),
    [("re:/first", "CONV_2D"), ("re:/depthwise", "DEPTHWISE_CONV_2D"), ("Identity", "FULLY_CONNECTED")],
)
def test_a_layer_kept_in_float_is_the_only_one_and_the_ends_stay_int8(
    plain: bytes, quantizer: str, match: str, operator: str
) -> None:
    done = quantize(plain, DIM, with_quantizer(quantizer, Rule(match, "float32")))
    file = read_tflite(done.model)
    assert [t.dtype for t in (*file.inputs, *file.outputs)] == ["int8", "int8"]
    assert above_int8(done.model) == [operator]
    assert done.non_integer_tensors == tuple(non_integer_tensors(done.model)) != ()
    assert error(plain, done.model) <= 4


@pytest.mark.parametrize("quantizer", PACKAGE_OF)
def test_a_network_wholly_in_float_answers_as_float_does(plain: bytes, quantizer: str) -> None:
    done = quantize(plain, DIM, with_quantizer(quantizer, Rule("re:.", "float32")))
    assert done.parity.max_error_lsb <= 0.51  # what the INT8 output itself rounds


@pytest.mark.parametrize(
    "recipe", [load_recipe("int16_activations"), with_quantizer("auto", Rule("re:depthwise", "int16"))]
)
def test_int16_stays_between_int8_ends_and_nothing_casts_to_it_directly(plain: bytes, recipe: Recipe) -> None:
    done = quantize(plain, DIM, recipe)
    file = read_tflite(done.model)
    assert [t.dtype for t in (*file.inputs, *file.outputs)] == ["int8", "int8"]
    assert (file.inputs[0].scale, file.inputs[0].zero_point) == (float(np.float32(1 / 255)), -128)
    casts = [
        (file.tensors[step.inputs[0]].dtype, file.tensors[step.outputs[0]].dtype)
        for step in file.steps
        if step.operator in ("QUANTIZE", "DEQUANTIZE")
    ]
    assert ("int8", "int16") not in casts  # tflite-runtime 2.14 has no such kernel
    assert ("float32", "int16") in casts
    assert done.quantizer == "litert-quantizer"
    assert error(plain, done.model) <= 4


def test_int16_activations_come_nearer_to_float(plain: bytes) -> None:
    fine = quantize(plain, DIM, load_recipe("int16_activations")).parity
    assert fine.mean_error < quantize(plain, DIM, RECIPE).parity.mean_error


def test_a_rule_that_covers_nothing_is_refused(plain: bytes) -> None:
    with pytest.raises(QuantizeError, match="no layer of the model matches 'gate'"):
        quantize(plain, DIM, with_quantizer("auto", Rule("gate", "float32")))


@pytest.mark.parametrize("quantizer", PACKAGE_OF)
def test_a_file_with_more_above_int8_than_its_recipe_says_is_refused(plain: bytes, quantizer: str) -> None:
    more = with_quantizer(quantizer, Rule("re:first", "float32"), Rule("re:depthwise", "float32"))
    model = build(quantizer, plain, observe(plain, DIM).ranges, more)
    check(model, plain, more, quantizer)
    with pytest.raises(QuantizeError, match=r"leaves 1 operators above INT8 .*depthwise"):
        check(model, plain, with_quantizer(quantizer, Rule("re:first", "float32")), quantizer)


def test_pictures_of_three_colours_calibrate_a_model_of_three_channels() -> None:
    model = network(channels=3)
    done = quantize(model, COLOURED, RECIPE, task="classify")
    assert [t.shape for t in read_tflite(done.model).inputs] == [(1, SIZE, SIZE, 3)]
    assert done.parity.max_error_lsb <= 4
    swapped = [picture[:, :, ::-1] for picture in COLOURED]
    assert observe(model, swapped).ranges != observe(model, COLOURED).ranges  # the order of the channels is kept


def test_the_spread_between_kernels_is_measured_on_pictures_spread_over_the_set(plain: bytes) -> None:
    done = quantize(plain, DIM, RECIPE)
    assert done.spread == kernel_spread(done.model, DIM)
    assert (done.spread.pictures, done.spread.changed_decisions) == (len(DIM), 0.0)
    assert done.spread.max_lsb <= 1 and done.spread.same
    assert kernel_spread(done.model, DIM * 9).pictures == 32


def test_the_contracts_model_is_made_by_this_code() -> None:
    """The committed ramp_int8.tflite against one made now: other versions of the tools may differ in bytes."""
    now, committed = open_model(quantize(RAMP_FLOAT, [ALL_GREYS], RECIPE).model), open_model(RAMP)
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
