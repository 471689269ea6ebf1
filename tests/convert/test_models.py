"""The networks: they build, they convert to all-integer INT8, and a file that is no model is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from convert.errors import ModelError, UnknownArchitectureError
from convert.models import ARCHITECTURES, architecture
from convert.quantizing.quantize import quantize
from convert.quantizing.recipe import load_recipe
from edge.tflite_file import non_integer_tensors, read_tflite

keras = pytest.importorskip("keras", reason="the extra convert is not installed")

from convert.readers.keras_model import float_tflite, load_keras  # noqa: E402

INTEGER_OPERATORS = {
    *("ADD", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "FULLY_CONNECTED", "LOGISTIC"),
    *("MAX_POOL_2D", "MEAN", "MUL", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR"),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
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


def test_the_segmenter_has_the_papers_size() -> None:
    assert architecture("sa_unet").build().count_params() == pytest.approx(491_000, rel=0.01)  # P1


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
    with pytest.raises(ModelError, match=r"^[^\n]*text\.keras: not a Keras model[^\n]*$"):
        load_keras(tmp_path / "text.keras")


@pytest.mark.parametrize("shape", [(32, 32, 2), (None, None, 1), (32,)], ids=["two channels", "any size", "vector"])
def test_a_model_that_takes_no_picture_is_refused(shape: tuple[int | None, ...]) -> None:
    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.Activation("relu")(inputs), name="other")
    with pytest.raises(ModelError, match="not one picture"):
        float_tflite(model)
