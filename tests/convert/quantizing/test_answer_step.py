"""The answer's step: as fine as the kernels agree on, and no finer."""

from __future__ import annotations

import numpy as np
import pytest

from convert.quantizing.answer_step import WIDEST, next_widening, widened
from convert.quantizing.quantize import Quantized, quantize
from convert.quantizing.ranges import observe
from convert.quantizing.recipe import load_recipe
from edge.interpreter import open_model
from edge.tflite_file import read_tflite

keras = pytest.importorskip("keras", reason="the extra convert is not installed")
from keras import layers  # noqa: E402

from convert.models import architecture  # noqa: E402
from convert.quantizing.parity import float_predictor, int8_predictor  # noqa: E402
from convert.readers.keras_model import float_tflite  # noqa: E402

SIZE = 24
NOISE = [np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE), dtype=np.uint8) for seed in range(12)]


@pytest.fixture(scope="module")
def deep() -> bytes:
    """Twenty linear blocks, each added to what it came from: a tie that is broken otherwise travels far."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    picture = keras.Input((SIZE, SIZE, 1))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(picture)
    for _ in range(20):
        x = layers.Add()([x, layers.Conv2D(16, 1)(layers.DepthwiseConv2D(3, padding="same")(x))])
    return float_tflite(keras.Model(picture, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))))


@pytest.fixture(scope="module")
def done(deep: bytes) -> Quantized:
    return quantize(deep, NOISE, load_recipe(), task="grade")


@pytest.mark.parametrize(
    ("widening", "apart", "then"),
    [(1, 0, None), (1, 1, None), (1, 2, 2), (1, 4, 4), (1, 5, None), (2, 2, 3), (4, 2, None)],
)
def test_the_range_grows_by_what_the_kernels_differ_and_not_without_end(
    widening: int, apart: int, then: int | None
) -> None:
    assert next_widening(widening, apart) == then
    assert then is None or then <= WIDEST


def test_where_the_kernels_differ_by_more_than_a_step_the_step_is_wider(done: Quantized) -> None:
    narrow = [each for each in done.candidates if each.widening == 1]
    assert all(each.spread is not None and each.spread.max_lsb > 1 for each in narrow)
    assert done.widening > 1 and done.spread.same
    assert done.name.endswith(f"answer's range x {done.widening}")


def test_the_answer_itself_stays_what_it_was(deep: bytes, done: Quantized) -> None:
    """The scale is so many times as wide, 0 is exact as before, and nothing but the last rounding is coarser."""
    scale = open_model(done.model).output_quantization[0]
    low, high = observe(deep, NOISE).ranges[read_tflite(deep).outputs[0].name]
    assert scale == pytest.approx(done.widening * (high - low) / 255, rel=1e-3)
    narrow = next(each.parity for each in done.candidates if each.widening == 1)
    assert narrow is not None and done.parity.max_error <= narrow.max_error + scale
    in_float, in_int8 = float_predictor(deep), int8_predictor(open_model(done.model))
    assert all(np.abs(in_float(picture) - in_int8(picture)).max() <= done.parity.max_error for picture in NOISE)


def test_what_only_moves_the_answer_about_is_widened_with_it() -> None:
    plain = float_tflite(architecture("light_unet").build())  # ends in DEPTH_TO_SPACE
    file = read_tflite(plain)
    ranges = {tensor.name: (-1.0, 2.0) for tensor in file.tensors}
    changed = {name for name, found in widened(plain, ranges, 3).items() if found == (-3.0, 6.0)}
    last = file.steps[-1]
    assert last.operator == "DEPTH_TO_SPACE"
    assert changed == {file.tensors[last.inputs[0]].name, file.outputs[0].name}
