"""Edits of a float .tflite change where values come from and go to, never the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the convert extra")

import keras
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.errors import ModelError
from convert.quantizing.parity import float_predictor
from convert.quantizing.ranges import as_float
from convert.readers.graph_edit import (
    prepend_preprocessing,
    with_answers_in_a_row,
    with_static_batch,
    without_final_activation,
)
from convert.readers.keras_model import float_tflite
from convert.readers.preprocessing import Preprocessing
from edge.quiet import quiet_stderr
from edge.tflite_file import read_tflite

HEIGHT, WIDTH = 8, 12
CAFFE = Preprocessing("bgr", 255.0, (104.0, 117.0, 123.0))
TORCH = Preprocessing("rgb", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
ZERO_CENTRED = Preprocessing("grey", 1.0, (0.5,), (0.5,))


def network(channels: int, head: Callable[[Any], Any]) -> keras.Model:
    keras.utils.set_random_seed(0)
    picture = keras.Input((HEIGHT, WIDTH, channels))
    features = keras.layers.Conv2D(4, 3, padding="same", activation="relu", bias_initializer="normal")(picture)
    return keras.Model(picture, head(features))


def dense(activation: str | None = None) -> Callable[[Any], Any]:
    return lambda features: keras.layers.Dense(5, activation)(keras.layers.GlobalAveragePooling2D()(features))


@pytest.fixture(scope="module")
def classifiers() -> dict[int, bytes]:
    """Channels -> a float file that ends in logits."""
    return {channels: float_tflite(network(channels, dense())) for channels in (1, 3)}


def fed(tflite: bytes, pictures: np.ndarray) -> np.ndarray:
    with quiet_stderr():
        interpreter = Interpreter(model_content=tflite, num_threads=1)
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pictures)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def picture(channels: int) -> np.ndarray:
    return noise(*((HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)))


def every_tensor_is_used(tflite: bytes) -> bool:
    file = read_tflite(tflite)
    names = [tensor.name for tensor in file.tensors]
    details = Interpreter(model_content=tflite, num_threads=1)._get_ops_details()
    touched = {int(index) for operator in details for ends in ("inputs", "outputs") for index in operator[ends]}
    return len(set(names)) == len(names) and set(range(len(names))) <= touched


@pytest.mark.parametrize(
    ("preprocessing", "channels", "taken"),
    [(ZERO_CENTRED, 1, 1), (CAFFE, 3, 3), (TORCH, 3, 3), (CAFFE, 1, 3), (TORCH, 1, 3), (ZERO_CENTRED, 1, 3)],
)
def test_the_network_gets_what_it_was_trained_on(
    classifiers: dict[int, bytes], preprocessing: Preprocessing, channels: int, taken: int
) -> None:
    edited = prepend_preprocessing(classifiers[taken], preprocessing, channels)
    given_picture = picture(channels)
    expected = fed(classifiers[taken], preprocessing.apply(given_picture, taken))
    got = float_predictor(edited)(given_picture)
    assert np.abs(got - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())
    before, after = read_tflite(classifiers[taken]), read_tflite(edited)
    assert after.operators == ("CONV_2D", *before.operators)
    assert after.inputs[0].shape == (1, HEIGHT, WIDTH, channels)
    assert every_tensor_is_used(edited)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["rgb", "bgr"]),
    st.floats(0.5, 255),
    st.lists(st.floats(-200, 200), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 100), min_size=3, max_size=3),
    st.sampled_from([1, 3]),
)
def test_one_convolution_is_the_whole_preprocessing(order, white, mean, std, channels) -> None:
    preprocessing = Preprocessing(order, white, tuple(mean), tuple(std))
    pixels = picture(channels)
    weights, bias = preprocessing.affine(channels, 3)
    by_convolution = pixels.reshape(HEIGHT, WIDTH, channels) / 255.0 @ weights.T.astype(np.float64) + bias
    applied = preprocessing.apply(pixels, 3)[0]
    assert np.allclose(by_convolution, applied, rtol=1e-5, atol=1e-4)


def test_apply_is_the_formula_in_the_networks_own_order() -> None:
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    assert CAFFE.apply(red, 3).tolist() == [[[[-104.0, -117.0, 132.0]]]]
    assert ZERO_CENTRED.apply(red[..., 0], 1).tolist() == [[[[1.0]]]]


def test_other_programs_find_the_new_ends_by_the_files_signature() -> None:
    """Where there is one, as TFLiteConverter writes it for Keras."""
    softmax = with_static_batch(open_batch(network(3, dense("softmax"))))
    logits, _ = without_final_activation(softmax)
    edited = prepend_preprocessing(logits, CAFFE, 1)
    runner = Interpreter(model_content=edited, num_threads=1).get_signature_runner()
    [(name, takes)] = runner.get_input_details().items()
    assert tuple(takes["shape"]) == (1, HEIGHT, WIDTH, 1)
    [answer] = runner(**{name: as_float(picture(1))}).values()
    assert np.array_equal(answer, float_predictor(edited)(picture(1)))


def test_our_own_form_keeps_the_bytes(classifiers: dict[int, bytes]) -> None:
    assert prepend_preprocessing(classifiers[1], Preprocessing(), 1) == classifiers[1]
    assert prepend_preprocessing(classifiers[3], Preprocessing("rgb"), 3) == classifiers[3]
    assert prepend_preprocessing(classifiers[3], Preprocessing("bgr"), 3) != classifiers[3]


def test_editing_twice_keeps_the_names_apart(classifiers: dict[int, bytes]) -> None:
    once = prepend_preprocessing(classifiers[3], TORCH, 3)
    assert every_tensor_is_used(prepend_preprocessing(once, TORCH, 3))


@pytest.mark.parametrize(
    ("preprocessing", "channels", "taken", "told"),
    [
        (ZERO_CENTRED, 3, 1, "cannot be fed in colour"),
        (ZERO_CENTRED, 3, 3, "rgb or bgr"),
        (CAFFE, 1, 1, "order is bgr"),
        (Preprocessing("grey", 1.0, (0.1, 0.2)), 1, 1, "2 numbers of mean for 1 channels"),
    ],
)
def test_what_does_not_go_together_is_refused(preprocessing, channels, taken, told) -> None:
    with pytest.raises(ModelError, match=told):
        preprocessing.affine(channels, taken)


@pytest.mark.parametrize("wrong", [{"white": 0.0}, {"std": (0.0,)}, {"std": ()}, {"mean": (float("nan"),)}])
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="pre-processing"):
        Preprocessing(**wrong)


HEADS: dict[str, tuple[Callable[[Any], Any], str | None]] = {
    "softmax": (dense("softmax"), "softmax"),
    "sigmoid": (dense("sigmoid"), "sigmoid"),
    "sigmoid of each pixel": (keras.layers.Conv2D(1, 1, activation="sigmoid"), "sigmoid"),
    "softmax, then a reshape": (lambda f: keras.layers.Reshape((1, 5))(dense("softmax")(f)), "softmax"),
    "logits": (dense(), None),
    "a gate before the end": (lambda f: dense()(keras.layers.multiply([f, keras.ops.sigmoid(f)])), None),
}
PROBABILITIES = {
    "softmax": lambda logits: np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True),
    "sigmoid": lambda logits: 1 / (1 + np.exp(-logits)),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_final_activation_comes_off(head: str) -> None:
    make, activation = HEADS[head]
    whole = float_tflite(network(1, make))
    logits, removed = without_final_activation(whole)
    assert removed == activation
    if activation is None:
        assert logits == whole
        return
    given_picture = picture(1)
    expected, answer = float_predictor(whole)(given_picture), float_predictor(logits)(given_picture)
    assert np.allclose(PROBABILITIES[activation](answer), expected, atol=1e-6)
    assert len(read_tflite(logits).operators) == len(read_tflite(whole).operators) - 1
    assert every_tensor_is_used(logits)


def test_answers_come_in_a_row() -> None:
    tflite = float_tflite(network(1, keras.layers.GlobalAveragePooling2D(keepdims=True)))
    row = with_answers_in_a_row(tflite)
    assert read_tflite(tflite).outputs[0].shape == (1, 1, 1, 4)
    assert read_tflite(row).outputs[0].shape == (1, 4)
    assert np.array_equal(float_predictor(row)(picture(1)), float_predictor(tflite)(picture(1)).reshape(1, 4))
    assert with_answers_in_a_row(row) == row


def test_masks_stay_as_they_are() -> None:
    masks = float_tflite(network(1, keras.layers.Conv2D(1, 1)))
    assert with_answers_in_a_row(masks) == masks


def open_batch(model: keras.Model) -> bytes:
    with quiet_stderr():
        return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def test_an_open_batch_becomes_one() -> None:
    """A dense layer over flattened features: its shape is worked out from the batch while it runs."""
    model = network(1, lambda f: keras.layers.Dense(3)(keras.layers.Reshape((-1,))(f)))
    tflite = open_batch(model)
    static = with_static_batch(tflite)
    interpreter = Interpreter(model_content=static, num_threads=1)
    assert all((tensor["shape_signature"] >= 0).all() for tensor in interpreter.get_tensor_details())
    assert np.array_equal(float_predictor(static)(picture(1)), float_predictor(tflite)(picture(1)))
    assert with_static_batch(static) == static


def test_pictures_of_any_size_are_refused() -> None:
    source = keras.Input((None, None, 1))
    tflite = open_batch(keras.Model(source, keras.layers.Conv2D(1, 1)(source)))
    with pytest.raises(ModelError, match="any size"):
        with_static_batch(tflite)


def test_control_flow_is_refused() -> None:
    @tf.function(input_signature=[tf.TensorSpec((1, HEIGHT, WIDTH, 1), tf.float32)])
    def branching(pixels):
        return tf.cond(tf.reduce_mean(pixels) > 0.5, lambda: pixels * 2.0, lambda: tf.exp(pixels))

    with quiet_stderr():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([branching.get_concrete_function()])
        tflite = bytes(converter.convert())
    with pytest.raises(ModelError, match="3 graphs"):
        without_final_activation(tflite)
