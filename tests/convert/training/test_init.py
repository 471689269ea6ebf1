"""Weights to start from: all of an earlier training's, what fits of a foreign network, never of another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the extra `convert` is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `convert` is not installed")

from convert.errors import ModelError  # noqa: E402
from convert.models import architecture  # noqa: E402
from convert.training.init import Kernel, copy_mobilenet, fit_kernels, read_kernels, start_from  # noqa: E402
from edge.errors import UsageError  # noqa: E402
from tests.convert.training.networks import GRADER, SEGMENTER  # noqa: E402

SQUEEZENET = Path(__file__).resolve().parents[4] / "shared" / "data" / "public_models" / "squeezenet_v1.0_imagenet.onnx"


def onnx_file(path: Path, *shapes: tuple[int, ...]) -> Path:
    """A chain of convolutions of these shapes, (filters, inputs, height, width)."""
    rng, nodes, weights = np.random.default_rng(0), [], []
    for number, shape in enumerate(shapes):
        weights.append(onnx.numpy_helper.from_array(rng.normal(0, 9, shape).astype(np.float32), f"w{number}"))
        nodes.append(onnx.helper.make_node("Conv", [f"x{number}", f"w{number}"], [f"x{number + 1}"]))
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, None, None, None])
        for name in ("x0", f"x{len(shapes)}")
    ]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "chain", ends[:1], ends[1:], weights)), path)
    return path


def kernel(name: str, shape: tuple[int, ...], seed: int = 0) -> Kernel:
    return Kernel(name, np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def test_an_earlier_training_gives_all_its_weights_at_any_picture_size(tmp_path: Path) -> None:
    earlier, model = SEGMENTER.build(), SEGMENTER.build()
    earlier.save(tmp_path / "m0.keras")
    assert start_from(tmp_path / "m0.keras", model) == []
    assert all(np.array_equal(a, b) for a, b in zip(earlier.get_weights(), model.get_weights(), strict=True))


def test_another_architecture_is_told_by_name(tmp_path: Path) -> None:
    architecture("squeezenet").build().save(tmp_path / "m0.keras")
    with pytest.raises(ModelError, match=r"m0\.keras: its weights are those of squeezenet: give a tiny"):
        start_from(tmp_path / "m0.keras", GRADER.build())


def test_colours_are_summed_and_the_strongest_on_grey_are_taken() -> None:
    first = kernel("c1", (3, 3, 3, 6))
    first.values[..., 0, 1] = -first.values[..., 1, 1] - first.values[..., 2, 1]  # tells colours apart: nothing on grey
    second = kernel("c2", (1, 1, 6, 4), seed=1)
    fitted, missed = fit_kernels([first, second], [(3, 3, 1, 5), (1, 1, 5, 4)])
    kept = [0, 2, 3, 4, 5]
    assert np.allclose(fitted[0], first.values.sum(axis=2, keepdims=True)[..., kept])
    assert np.array_equal(fitted[1], second.values[:, :, kept])
    assert missed == []


def test_what_does_not_fit_is_named() -> None:
    source = [
        kernel("c1", (7, 7, 3, 4)),
        kernel("c2", (1, 1, 4, 9)),
        kernel("c3", (3, 3, 9, 2)),
        kernel("head", (1,) * 4),
    ]
    fitted, missed = fit_kernels(source, [(3, 3, 1, 4), (1, 1, 4, 8), (3, 3, 9, 2)])
    assert fitted[0].shape == (3, 3, 1, 4) and fitted[1] is None
    assert np.array_equal(fitted[2], source[2].values)
    assert missed == ["c1 (shrunk)", "c2", "head"]


def test_an_onnx_file_of_another_network_is_refused(tmp_path: Path) -> None:
    model = architecture("squeezenet").build()
    other = onnx_file(tmp_path / "other.onnx", (8, 3, 3, 3), (8, 8, 3, 3))
    before = model.get_weights()
    with pytest.raises(ModelError, match=r"other\.onnx: 0 of its convolutions fit the 25 of squeezenet"):
        start_from(other, model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    model = GRADER.build()
    (tmp_path / "torn.onnx").write_bytes(b"\x08\x07 torn")
    for name, told in (
        ("torn.onnx", "not an ONNX model"),
        ("no.onnx", "not an ONNX model"),
        ("no.keras", "no such file"),
    ):
        with pytest.raises(ModelError, match=told):
            start_from(tmp_path / name, model)
    with pytest.raises(UsageError, match=r"ends in \.keras or \.onnx"):
        start_from(tmp_path / "w.h5", model)
    with pytest.raises(UsageError, match="is there for mobilenet_v2"):
        start_from("keras:imagenet", model)


@pytest.mark.skipif(not SQUEEZENET.is_file(), reason=f"no weights at {SQUEEZENET}")
def test_squeezenet_of_imagenet_fits_and_its_answers_have_a_sane_scale() -> None:
    model, fresh = architecture("squeezenet").build(), architecture("squeezenet").build()
    [note] = start_from(SQUEEZENET, model)
    assert note.endswith(": conv1_w (shrunk), conv_final_w")
    source = read_kernels(SQUEEZENET)
    assert len(source) == 26
    convolutions = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
    for layer, theirs in zip(convolutions[2:], source[2:-1], strict=True):
        ours = np.asarray(layer.kernel)
        assert np.corrcoef(ours.ravel(), theirs.values.ravel())[0, 1] > 0.9999
        assert ours.std() == pytest.approx(np.sqrt(2 / np.prod(ours.shape[:3])), rel=1e-3)
    pictures = np.random.default_rng(0).random((4, 160, 160, 1), np.float32)
    spread, usual = (float(np.std(each(pictures, training=True))) for each in (model, fresh))
    assert 0.1 < spread / usual < 10


def test_keras_applications_mobilenet_gives_the_same_answers_away_from_the_border() -> None:
    """Random weights stand in for ImageNet's, which cannot be fetched here; grey p is RGB 2 p - 1."""
    source = keras.applications.MobileNetV2(input_shape=(160, 160, 3), include_top=False, weights=None)
    rng = np.random.default_rng(2)
    for layer in source.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, each.shape) for each in layer.get_weights()])
    model = architecture("mobilenet_v2").build()
    copy_mobilenet(source, model)
    grey = rng.random((1, 160, 160, 1), np.float32)
    theirs = keras.Model(source.input, source.get_layer("block_2_expand_relu").output)
    activations = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    same_place = next(each for each in activations if each.output.shape[1:] == theirs.output_shape[1:])
    wanted = np.asarray(theirs(np.repeat(2 * grey - 1, 3, axis=-1), training=False))
    found = np.asarray(keras.Model(model.input, same_place.output)(grey, training=False))
    assert np.abs(found - wanted)[:, 4:-4, 4:-4].max() < 1e-3
    assert wanted.std() > 0.1
