"""Each form of a model becomes the same float TFLite, answers as its framework does, or is refused with one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the convert extra")

import keras
import tensorflow as tf

from convert.errors import ModelError
from convert.quantizing.parity import compare, float_predictor
from convert.readers import float_model
from convert.readers.float_model import read_float_model
from convert.readers.keras_model import float_tflite, load_keras
from convert.readers.onnx2tf import find_onnx2tf
from convert.readers.preprocessing import Preprocessing
from edge.quiet import quiet_stderr
from edge.tflite_file import read_tflite
from tests.contracts.interpreter_contract import ALL_GREYS, GOLDEN, RAMP, RAMP_FLOAT

SIZE = 16
CAFFE = Preprocessing("bgr", 255.0, (104.0, 117.0, 123.0))
PUBLIC_MODELS = Path(__file__).parents[4] / "shared" / "data" / "public_models"


def grader(channels: int = 1, activation: str | None = "softmax", dtype: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(1)
    picture = keras.Input((SIZE, SIZE + 8, channels), dtype=dtype)
    features = keras.layers.Conv2D(4, 3, activation="relu", dtype=dtype)(picture)
    pooled = keras.layers.GlobalAveragePooling2D(dtype=dtype)(keras.layers.BatchNormalization(dtype=dtype)(features))
    return keras.Model(picture, keras.layers.Dense(3, activation, dtype=dtype)(pooled), name="grader")


def pictures(channels: int, count: int = 4) -> list[np.ndarray]:
    shape = (SIZE, SIZE + 8) if channels == 1 else (SIZE, SIZE + 8, channels)
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, shape, np.uint8) for _ in range(count)]


def saved_keras(folder: Path, model: keras.Model) -> Path:
    path = folder / "m.keras"
    model.save(path)
    return path


def saved_folder(folder: Path, model: keras.Model) -> Path:
    path = folder / "m"
    with quiet_stderr():
        model.export(path, verbose=False)
    return path


def saved_tflite(folder: Path, model: keras.Model) -> Path:
    path = folder / "m.tflite"
    path.write_bytes(float_tflite(model))
    return path


FORMS: dict[str, Callable[[Path, keras.Model], Path]] = {
    "keras": saved_keras,
    "saved model": saved_folder,
    "tflite": saved_tflite,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("taken", "channels", "preprocessing"),
    [(1, 1, Preprocessing()), (3, 3, CAFFE), (3, 1, CAFFE)],
    ids=["grey", "colour", "grey into colour"],
)
def test_every_form_answers_as_its_framework(
    tmp_path: Path, form: str, taken: int, channels: int, preprocessing: Preprocessing
) -> None:
    model = grader(taken)
    read = read_float_model(FORMS[form](tmp_path, model), preprocessing, channels=channels)
    assert (read.name, read.source) == ("m", form)
    assert (read.input_shape, read.output_shape) == ((SIZE, SIZE + 8, channels), (3,))
    assert read.activation_removed == "softmax"
    frames = pictures(channels)
    parity = compare(frames, read.reference, float_predictor(read.tflite), output_scale=1.0)
    assert parity.max_error < 1e-4
    for frame in frames:
        fed = preprocessing.apply(frame, taken)
        assert np.allclose(tf.nn.softmax(read.reference(frame)).numpy(), model(fed).numpy(), atol=1e-5)


def test_our_own_models_are_converted_as_before(tmp_path: Path) -> None:
    path = saved_keras(tmp_path, grader(activation=None))
    read = read_float_model(path)
    assert read.activation_removed is None
    assert read.tflite == float_tflite(load_keras(path)) == read_float_model(path).tflite
    assert read.converter == f"tensorflow {tf.__version__}"


def test_a_float_file_in_our_form_keeps_its_bytes() -> None:
    read = read_float_model(GOLDEN / "ramp_float.tflite")
    assert read.tflite == RAMP_FLOAT
    assert read.output_shape == (8, 32, 1)
    assert np.allclose(read.reference(ALL_GREYS)[0, :, :, 0], ALL_GREYS / 255 * 2 - 0.5, atol=1e-6)


def test_a_final_sigmoid_of_a_segmenter_comes_off(tmp_path: Path) -> None:
    source = keras.Input((SIZE, SIZE, 1))
    model = keras.Model(source, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(source))
    read = read_float_model(saved_keras(tmp_path, model))
    assert (read.activation_removed, read.output_shape) == ("sigmoid", (SIZE, SIZE, 1))
    assert "LOGISTIC" not in read_tflite(read.tflite).operators


def test_a_saved_model_of_one_named_signature_is_read(tmp_path: Path) -> None:
    module = tf.Module()
    signature = tf.TensorSpec((None, SIZE, SIZE, 1), tf.float32, name="scan")
    ask = tf.function(lambda scan: {"score": tf.reduce_mean(scan * 3.0, axis=[1, 2])}, input_signature=[signature])
    tf.saved_model.save(module, tmp_path / "m", signatures={"ask": ask})
    read = read_float_model(tmp_path / "m")
    assert read.reference(np.full((SIZE, SIZE), 255, np.uint8)) == pytest.approx(3.0)


def exported(folder: Path, call: Callable[..., Any], *specs: tf.TensorSpec) -> Path:
    with quiet_stderr():
        tf.saved_model.save(tf.Module(), folder, signatures=tf.function(call, input_signature=specs))
    return folder


PICTURE = tf.TensorSpec((1, SIZE, SIZE, 1), tf.float32, name="a")


def without_signature(folder: Path) -> Path:
    tf.saved_model.save(tf.Module(), folder)
    return folder


def two_inputs(folder: Path) -> Path:
    second = tf.TensorSpec((1, SIZE, SIZE, 1), tf.float32, name="b")
    return exported(folder, lambda a, b: {"y": a + b}, PICTURE, second)


def two_outputs(folder: Path) -> Path:
    return exported(folder, lambda a: {"y": a, "z": -a}, PICTURE)


def no_operator(folder: Path) -> Path:
    return exported(folder, lambda a: {"y": tf.linalg.det(a[..., 0])[:, None]}, PICTURE)


def whole_numbers(folder: Path) -> Path:
    pixels = tf.TensorSpec((1, SIZE, SIZE, 1), tf.uint8, name="a")
    return exported(folder, lambda a: {"y": tf.cast(a, tf.float32)}, pixels)


def channels_first(folder: Path) -> Path:
    pixels = tf.TensorSpec((1, 1, SIZE, SIZE), tf.float32, name="a")
    return exported(folder, lambda a: {"y": a * 2.0}, pixels)


def damaged_folder(folder: Path) -> Path:
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"hello, world")
    return folder


def keras_of_two_inputs(folder: Path) -> Path:
    first, second = keras.Input((SIZE, SIZE, 1)), keras.Input((SIZE, SIZE, 1))
    return saved_keras(folder.parent, keras.Model([first, second], keras.layers.add([first, second])))


def keras_of_two_outputs(folder: Path) -> Path:
    source = keras.Input((SIZE, SIZE, 1))
    return saved_keras(folder.parent, keras.Model(source, [source * 2, source * 3]))


def keras_of_any_size(folder: Path) -> Path:
    source = keras.Input((None, None, 1))
    return saved_keras(folder.parent, keras.Model(source, keras.layers.Conv2D(1, 1)(source)))


def keras_of_half_floats(folder: Path) -> Path:
    return saved_keras(folder.parent, grader(dtype="float16"))


def tflite_file(make: Callable[[], bytes]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder.with_suffix(".tflite")
        path.write_bytes(make())
        return path

    return write


def converted(**options: Any) -> bytes:
    with quiet_stderr():
        converter = tf.lite.TFLiteConverter.from_keras_model(grader())
        for name, value in options.items():
            target = converter.target_spec if name == "supported_types" else converter
            setattr(target, name, value)
        return bytes(converter.convert())


def half_weights() -> bytes:
    return converted(optimizations=[tf.lite.Optimize.DEFAULT], supported_types=[tf.float16])


def large_dense() -> bytes:
    """Weights alone in INT8, as "dynamic range" quantization leaves them: its operators are float."""
    source = keras.Input((SIZE, SIZE, 1))
    model = keras.Model(source, keras.layers.Dense(64)(keras.layers.Flatten()(source)))
    with quiet_stderr():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return bytes(converter.convert())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (without_signature, "without a serving signature"),
        (two_inputs, "takes 2 inputs and gives 1 outputs"),
        (two_outputs, "takes 1 inputs and gives 2 outputs"),
        (no_operator, "no operator for .*MatrixDeterminant"),
        (whole_numbers, "uint8, not float32"),
        (channels_first, "not one picture"),
        (damaged_folder, "not a SavedModel that can be read"),
        (keras_of_two_inputs, "not one picture"),
        (keras_of_two_outputs, "gives 2 outputs, not one"),
        (keras_of_any_size, "of a fixed size"),
        (keras_of_half_floats, "a float16 model"),
        (tflite_file(half_weights), "a float16 model"),
        (tflite_file(large_dense), "already quantized"),
        (tflite_file(lambda: RAMP), "already quantized"),
        (tflite_file(lambda: b""), "not a TFLite model"),
        (tflite_file(lambda: RAMP_FLOAT[: len(RAMP_FLOAT) // 2]), "not a whole TFLite model"),
    ],
)
def test_what_cannot_go_on_is_refused_by_name(tmp_path: Path, make: Callable[[Path], Path], told: str) -> None:
    path = make(tmp_path / "m")
    with pytest.raises(ModelError, match=told) as caught:
        read_float_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).count(f"{path}: ") == 1
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_of_no_known_form(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone.onnx: no such file: give a .keras, .onnx or float .tflite file"):
        read_float_model(tmp_path / "gone.onnx")
    (tmp_path / "m.h5").write_bytes(b"\x89HDF")
    for path in (tmp_path / "m.h5", tmp_path):
        with pytest.raises(ModelError, match="not a form that can be read"):
            read_float_model(path)


def test_a_preprocessing_that_does_not_fit_names_the_file() -> None:
    with pytest.raises(ModelError, match=r"ramp_float.tflite: pre-processing: the order is bgr"):
        read_float_model(GOLDEN / "ramp_float.tflite", CAFFE)


@pytest.mark.parametrize("wrong", [1.1, float("nan")])
def test_a_converter_that_misreads_a_network_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    """The converter's fault is put in by hand: weights of the converted file that are not the model's."""
    path = saved_keras(tmp_path, grader(activation=None))

    def misread(path: Path) -> float_model._Network:
        model = load_keras(path)
        right = float_model._keras(path)
        model.layers[-1].set_weights([values * wrong for values in model.layers[-1].get_weights()])
        return float_model._Network(float_tflite(model), right.answer, None, "the converter")

    monkeypatch.setitem(float_model._READERS, "keras", misread)
    with pytest.raises(ModelError, match=r"m.keras: its float TFLite answers .* off its source"):
        read_float_model(path)


@pytest.mark.slow
@pytest.mark.skipif(not PUBLIC_MODELS.is_dir(), reason="the shared public models are not here")
def test_squeezenet_from_onnx_knows_the_parrot_and_the_cat() -> None:
    import cv2

    find_onnx2tf()
    read = read_float_model(PUBLIC_MODELS / "squeezenet_v1.0_imagenet.onnx", CAFFE, channels=3)
    assert (read.source, read.converter, read.activation_removed) == ("onnx", "onnx2tf 2.6.9", "softmax")
    labels = (PUBLIC_MODELS / "coral" / "imagenet_labels.txt").read_text().splitlines()[1:]  # the first is no class
    frames = {}
    for file, name in (("parrot.jpg", "macaw"), ("cat.bmp", "Egyptian cat")):
        whole = cv2.cvtColor(cv2.imread(str(PUBLIC_MODELS / "coral" / file)), cv2.COLOR_BGR2RGB)
        frames[name] = cv2.resize(whole, (227, 227), interpolation=cv2.INTER_AREA)
    converted_answer = float_predictor(read.tflite)
    for name, frame in frames.items():
        by_onnx, by_tflite = read.reference(frame)[0], converted_answer(frame)[0]
        assert labels[int(by_tflite.argmax())] == name
        assert np.array_equal(np.argsort(-by_onnx)[:5], np.argsort(-by_tflite)[:5])
    parity = compare(frames.values(), read.reference, converted_answer, output_scale=1.0, task="classify")
    assert parity.max_error < 1e-4
    assert parity.changed_decisions == 0.0
