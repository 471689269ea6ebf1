"""The networks: they build, they convert to all-integer INT8, and a file that is no model is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from convert.errors import ModelError, UnknownArchitectureError
from convert.models import ARCHITECTURES, architecture
from convert.quantizing.quantize import quantize
from convert.quantizing.recipe import load_recipe
from edge.interpreter import open_model
from edge.tflite_file import non_integer_tensors, read_tflite

keras = pytest.importorskip("keras", reason="the extra convert is not installed")

from convert.readers.keras_model import float_tflite, load_keras  # noqa: E402

INTEGER_OPERATORS = {
    *("ADD", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "FULLY_CONNECTED", "LOGISTIC"),
    *("MAX_POOL_2D", "MEAN", "MUL", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR"),
}


BASELINES = ("unet", "unet_plus_plus", "attention_unet", "multires_unet")  # P1's table, beside sa_unet
# As published, or by P1; the publication of attention_unet counts a network in three dimensions.
PARAMETERS = {"sa_unet": 491_000, "unet": 9_400_000, "unet_plus_plus": 9_040_000, "multires_unet": 7_262_000}


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in BASELINES])
def test_a_network_becomes_int8_without_a_float_or_a_shape_operator(name: str) -> None:
    keras.utils.set_random_seed(1)
    arch = architecture(name)
    picture = np.random.default_rng(0).integers(0, 256, (arch.size_px, arch.size_px), dtype=np.uint8)
    recipe = msgspec.structs.replace(load_recipe(), quantizer="tflite-converter")  # the other adds QUANTIZE to sa_unet
    model = quantize(float_tflite(arch.build()), [picture], recipe).model
    file = read_tflite(model)
    assert non_integer_tensors(model) == []
    assert set(file.operators) <= INTEGER_OPERATORS
    assert [t.shape for t in file.inputs] == [(1, arch.size_px, arch.size_px, 1)]
    expected = (1, arch.size_px, arch.size_px, 1) if arch.task == "segment" else (1, 3)
    assert [t.shape for t in file.outputs] == [expected]


def test_a_grid_that_doubles_is_moved_and_never_resized() -> None:
    from convert.models.layers import Upsample

    picture = keras.Input((4, 6, 3), batch_size=1)
    doubled, tripled = (keras.Model(picture, Upsample(4 * by, 6 * by)(picture)) for by in (2, 3))
    x = np.random.default_rng(0).random((1, 4, 6, 3), np.float32)
    for by, model in ((2, doubled), (3, tripled)):
        assert np.array_equal(np.asarray(model(x)), x.repeat(by, axis=1).repeat(by, axis=2))
    assert set(read_tflite(float_tflite(doubled)).operators) == {"CONCATENATION", "DEPTH_TO_SPACE"}


def int8_and_float_agree(name: str, size_px: int, **options: object) -> None:
    keras.utils.set_random_seed(1)
    picture = np.random.default_rng(0).integers(0, 256, (size_px, size_px), dtype=np.uint8)
    model = replace(architecture(name), size_px=size_px).build(**options)
    int8 = quantize(float_tflite(model), [picture], load_recipe()).model
    assert non_integer_tensors(int8) == []
    assert set(read_tflite(int8).operators) <= {*INTEGER_OPERATORS, "QUANTIZE"}  # here from INT8 to INT8
    runner = open_model(int8)
    runner.write_input(picture)
    runner.invoke()
    scale, zero_point = runner.output_quantization
    answer = (runner.output().astype(np.float32) - zero_point) * scale
    wanted = np.asarray(model(picture.reshape(1, size_px, size_px, 1) / np.float32(255)))
    assert answer.shape == wanted.shape == (1, size_px, size_px, 1)
    assert np.isfinite(wanted).all() and wanted.std() > 0
    assert np.corrcoef(answer.ravel(), wanted.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("name", BASELINES)
def test_a_narrow_baseline_becomes_int8_at_a_size_of_its_own(name: str) -> None:
    int8_and_float_agree(name, 48, widths=(12, 12, 24, 24, 24))


@pytest.mark.slow
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_becomes_int8(name: str) -> None:
    int8_and_float_agree(name, 128)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("size_px", [16, 80, 128])
def test_a_baseline_takes_every_multiple_of_16(name: str, size_px: int) -> None:
    model = replace(architecture(name), size_px=size_px).build(widths=(6, 6, 6, 6, 6))
    assert model.output_shape == (None, size_px, size_px, 1)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_the_segmenters_have_the_papers_sizes(name: str, parameters: int) -> None:
    assert architecture(name).build().count_params() == pytest.approx(parameters, rel=0.015)


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownArchitectureError, match="efficientnet_b0_swish, light_unet, mobilenet_v2"):
        architecture("resnet")


def test_a_saved_model_converts_to_the_same_bytes(tmp_path: Path) -> None:
    model = architecture("sa_unet").build(widths=(8, 16))
    model.save(tmp_path / "m.keras")
    assert float_tflite(load_keras(tmp_path / "m.keras")) == float_tflite(model)


def test_no_file_and_no_model_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.keras: no such file"):
        load_keras(tmp_path / "gone.keras")
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(ModelError, match=r"^[^\n]*text\.keras: not a whole \.keras file[^\n]*$"):
        load_keras(tmp_path / "text.keras")


@pytest.mark.parametrize("shape", [(32, 32, 2), (None, None, 1), (32,)], ids=["two channels", "any size", "vector"])
def test_a_model_that_takes_no_picture_is_refused(shape: tuple[int | None, ...]) -> None:
    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.Activation("relu")(inputs), name="other")
    with pytest.raises(ModelError, match="not one picture"):
        float_tflite(model)
