"""An ONNX file is brought into one form without changing an answer, or refused with one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the convert extra")
pytest.importorskip("onnxruntime", reason="needs the convert extra")

import onnxruntime
from onnx import ModelProto, TensorProto, helper, numpy_helper

from convert.errors import ModelError
from convert.readers import onnx2tf
from convert.readers.onnx2tf import find_onnx2tf, onnx2tf_version, run_onnx2tf
from convert.readers.onnx_model import OPSETS, load_onnx
from tests.convert.onnx_networks import (
    HEIGHT,
    WIDTH,
    classifier,
    empty_weights,
    external,
    float16,
    model,
    of_type,
    one,
    quantized,
    segmenter,
    taking,
    two_inputs,
    two_outputs,
    weights,
    without_last_activation,
    written,
)

CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def pictures(channels: int) -> np.ndarray:
    """One picture (1, H, W, C), 0..1."""
    return np.random.default_rng(7).random((1, HEIGHT, WIDTH, channels), np.float32)


def by_onnx_runtime(proto: ModelProto, fed: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    [answer] = session.run(None, {session.get_inputs()[0].name: fed})
    return answer


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_onnx(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("flat", [True, False], ids=["dense", "1 x 1"])
@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("channels_last", [False, True], ids=["NCHW", "NHWC"])
def test_a_classifier_gives_its_logits_in_a_row(tmp_path: Path, flat: bool, batch: Any, channels_last: bool) -> None:
    proto = classifier(flat=flat, batch=batch, channels_last=channels_last)
    path = written(proto, tmp_path / "m.onnx")
    before = path.read_bytes()
    loaded, fed = load_onnx(path), pictures(3)
    expected = by_onnx_runtime(without_last_activation(proto), fed if channels_last else fed.transpose(CHANNELS_FIRST))
    assert loaded.input_shape == (HEIGHT, WIDTH, 3)
    assert loaded.activation_removed == "softmax"
    assert np.array_equal(loaded(fed), expected.reshape(1, 5))
    assert path.read_bytes() == before


@pytest.mark.parametrize("masks", [1, 2])
@pytest.mark.parametrize("activation", ["Sigmoid", None])
def test_a_segmenter_gives_its_logits_channels_last(tmp_path: Path, masks: int, activation: str | None) -> None:
    proto = segmenter(masks=masks, activation=activation)
    loaded, fed = load_onnx(written(proto, tmp_path / "m.onnx")), pictures(1)
    expected = by_onnx_runtime(without_last_activation(proto), fed.transpose(CHANNELS_FIRST)).transpose(CHANNELS_LAST)
    assert loaded.activation_removed == ("sigmoid" if activation else None)
    assert np.array_equal(loaded(fed), expected)


def test_an_activation_before_a_reshape_is_taken_off(tmp_path: Path) -> None:
    proto = classifier(flat=False)
    proto.graph.node[-1].output[0] = "s"
    proto.graph.node.append(helper.make_node("Flatten", ["s"], ["y"]))
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5)))
    loaded = load_onnx(written(proto, tmp_path / "m.onnx"))
    assert loaded.activation_removed == "softmax"
    expected = by_onnx_runtime(without_last_activation(classifier(flat=False)), pictures(3).transpose(CHANNELS_FIRST))
    assert np.array_equal(loaded(pictures(3)), expected.reshape(1, 5))


def test_external_data_is_read_from_beside_the_model(tmp_path: Path) -> None:
    inside = load_onnx(written(classifier(), tmp_path / "inside.onnx"))
    path = external(tmp_path)
    assert (tmp_path / "weights.bin").stat().st_size > 0
    assert np.array_equal(load_onnx(path)(pictures(3)), inside(pictures(3)))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (two_inputs, r"2 inputs \(x, second\), not one"),
        (two_outputs, r"2 outputs \(y, second\), not one"),
        (lambda: taking(1, 3, 0, 16), r"zero-size dimension in its input x \(1, 3, 0, 16\)"),
        (empty_weights, r"zero-size dimension in the weights K \(0, 1, 1, 1\)"),
        (float16, "float16 model"),
        (lambda: of_type(TensorProto.FLOAT16), "float16, not float32"),
        (lambda: of_type(TensorProto.UINT8), "uint8, not float32"),
        (quantized, r"already quantized \(QuantizeLinear\)"),
        (lambda: one("Gloss", domain="com.acme"), "operator Gloss of com.acme"),
        (lambda: one("Gloss"), "not a valid ONNX model.*Gloss"),
        (lambda: classifier(9), "opset 9, not 11 to 21"),
        (lambda: taking(1, 3, "height", 16), r"takes \(1, 3, height, 16\).*of a fixed size"),
        (lambda: taking(1, 3, 16), r"takes \(1, 3, 16\), not one picture"),
        (lambda: taking(4, 3, 16, 16), "fixed batch of 4"),
        (lambda: taking(1, 5, 16, 16), "1 or 3 channels"),
    ],
)
def test_what_cannot_go_on_is_refused(tmp_path: Path, make: Callable[[], ModelProto], told: str) -> None:
    path = written(make(), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=told):
        load_onnx(path)
    refused(path)


def test_what_is_no_onnx_at_all(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    whole = classifier().SerializeToString()
    for data in (b"", b"PK\x03\x04", b"hello, world", b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(data)
        assert "not an ONNX model" in refused(path)
    for share in (0.1, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert "ONNX model" in refused(path)


def test_external_data_that_is_not_as_it_should_be(tmp_path: Path) -> None:
    path = external(tmp_path)
    data = tmp_path / "weights.bin"
    data.write_bytes(data.read_bytes()[:-4])
    assert "weights.bin is cut short" in refused(path)
    data.unlink()
    assert "weights.bin is missing" in refused(path)
    (tmp_path / "below").mkdir()
    inner = tmp_path / "below" / "m.onnx"
    inner.write_bytes(path.read_bytes().replace(b"weights.bin", b"../weig.bin"))
    (tmp_path / "weig.bin").write_bytes(bytes(4096))
    assert "lie outside its folder (../weig.bin)" in refused(inner)


def test_without_onnx2tf_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(onnx2tf.EXECUTABLE_VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(ModelError, match=r"^SONOEDGE_ONNX2TF=.*gone: no such file"):
        find_onnx2tf()
    monkeypatch.delenv(onnx2tf.EXECUTABLE_VARIABLE)
    monkeypatch.setattr(onnx2tf, "ENVIRONMENT", ".venv-that-is-not-there")
    with pytest.raises(ModelError, match=r"run `make onnx2tf`, .* or name it in SONOEDGE_ONNX2TF"):
        find_onnx2tf()


def program(folder: Path, script: str) -> Path:
    path = folder / "onnx2tf"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_program_that_fails_or_hangs_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_onnx(written(classifier(), tmp_path / "m.onnx"))
    coloured = program(tmp_path, r"printf '\033[31mERROR:\033[0m no way for Foo\n' >&2; exit 1")
    with pytest.raises(ModelError, match=r"cannot convert it \(no way for Foo\)"):
        run_onnx2tf(loaded, coloured)
    with pytest.raises(ModelError, match="does not run"):
        onnx2tf_version(coloured)
    with pytest.raises(ModelError, match=r"cannot convert it \(it ended with status 3\)"):
        run_onnx2tf(loaded, program(tmp_path, "exit 3"))
    monkeypatch.setattr(onnx2tf, "TIME_LIMIT_S", 0.3)
    with pytest.raises(ModelError, match=r"still at work after 0.3 s"):
        run_onnx2tf(loaded, program(tmp_path, "sleep 60"))


@pytest.fixture(scope="module")
def executable() -> Path:
    """Fails, not skips, where it is not installed: a conversion that nobody tried is not tested."""
    return find_onnx2tf()


NETWORKS: dict[str, Callable[[int], ModelProto]] = {
    "softmax": classifier,
    "logits of a dynamic batch": lambda opset: classifier(opset, activation=None, batch="N", channels=1),
    "1 x 1 output": lambda opset: classifier(opset, flat=False),
    "NHWC": lambda opset: classifier(opset, channels_last=True),
    "segmenter, transposed convolution": segmenter,
    "segmenter, nearest": lambda opset: segmenter(opset, up="nearest", activation=None),
    "segmenter, two masks, linear": lambda opset: segmenter(opset, up="linear", masks=2),
}


EVERY_OPSET = ("softmax", "segmenter, transposed convolution")
MEANINGS_CHANGED = (11, 13, 18, 21)  # of Softmax, Unsqueeze, Resize: opsets at which exporters write other graphs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opset", "network"),
    [(opset, name) for name in NETWORKS for opset in (OPSETS if name in EVERY_OPSET else MEANINGS_CHANGED)],
)
def test_onnx2tf_agrees_with_onnx_runtime(tmp_path: Path, executable: Path, opset: int, network: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    proto = NETWORKS[network](opset)
    loaded = load_onnx(written(proto, tmp_path / "m.onnx"))
    interpreter = Interpreter(model_content=run_onnx2tf(loaded, executable))
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    fed = pictures(loaded.input_shape[2])
    interpreter.set_tensor(source["index"], fed)
    interpreter.invoke()
    channels_last = network == "NHWC"
    expected = by_onnx_runtime(without_last_activation(proto), fed if channels_last else fed.transpose(CHANNELS_FIRST))
    spatial = expected.ndim == 4 and expected.shape[2] > 1
    expected = expected.transpose(CHANNELS_LAST) if spatial else expected.reshape(1, -1)
    got = interpreter.get_tensor(result["index"])
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < 1e-5


@pytest.mark.slow
def test_arithmetic_on_shapes_is_folded(tmp_path: Path, executable: Path) -> None:
    from edge.tflite_file import read_tflite

    nodes = [
        helper.make_node("Conv", ["x", "K"], ["c"], strides=[2, 2], pads=[1] * 4),
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "zeros"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["c", "wanted"], ["f"]),
        helper.make_node("Gemm", ["f", "D"], ["y"]),
    ]
    numbers = {"zero": np.int64(0), "zeros": np.int64([0]), "rest": np.int64([-1])}
    constants = weights(K=(2, 1, 3, 3), D=(2 * 8 * 12, 4))
    constants += [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()]
    proto = model(nodes, ("N", 1, HEIGHT, WIDTH), ("N", 4), constants)
    file = read_tflite(run_onnx2tf(load_onnx(written(proto, tmp_path / "m.onnx")), executable))
    assert {"SHAPE", "PACK", "STRIDED_SLICE"}.isdisjoint(file.operators)
    assert {tensor.dtype for tensor in file.tensors} <= {"float32", "int32"}


@pytest.mark.slow
def test_an_operator_that_tflite_lacks_is_named(tmp_path: Path, executable: Path) -> None:
    node = helper.make_node("Det", ["x"], ["y"])
    path = written(model([node], (1, 3, 16, 16), (1, 3)), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="no operator for Det"):
        run_onnx2tf(load_onnx(path), executable)


@pytest.mark.slow
def test_the_version_is_the_one_of_the_requirements(executable: Path) -> None:
    pins = (Path(onnx2tf.__file__).parent / "onnx2tf-requirements.txt").read_text()
    assert f"onnx2tf=={onnx2tf_version(executable)}\n" in pins
