"""Golden vectors are made, not taken: what is in them, and that the same model gives the same bytes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from convert.golden import golden_file, golden_vectors
from edge.golden import GoldenVectors, decode_golden, replay
from edge.interpreter import open_model
from edge.manifest import InputSpec, ModelEntry
from tests.conftest import GRADE_SPEC, SEGMENT_SPEC, entry
from tests.tiny_tflite import FULLY_CONNECTED, FULLY_CONNECTED_OPTIONS, INT32, Graph, Tensor, grader, segmenter, tflite

SEGMENT = entry("segment.tflite", SEGMENT_SPEC, ("nerve",))
GRADE = entry("grade.tflite", GRADE_SPEC, ("mild", "moderate", "severe"))
COLOUR = msgspec.structs.replace(
    GRADE, task="classify", input=InputSpec(height=32, width=40, mm_per_px=0.2, channels=3), logits=("parrot", "cat")
)


def colour_classifier() -> bytes:
    """(1, 32, 40, 3) -> (1, 2): the mean of all three channels, and its opposite."""
    values = 32 * 40 * 3
    weights = np.stack([np.ones(values, np.int8), -np.ones(values, np.int8)])
    tensors = [
        Tensor((1, 32, 40, 3), scale=1 / 255, zero_point=-128),
        Tensor((2, values), scale=1 / values, values=weights),
        Tensor((2,), INT32, scale=1 / 255 / values, values=np.zeros(2, np.int32)),
        Tensor((1, 2), scale=1 / 127),
    ]
    return tflite(Graph(tensors, [(FULLY_CONNECTED, [0, 1, 2], [3], FULLY_CONNECTED_OPTIONS, {})], [3]))


MODELS = [(SEGMENT, segmenter(192, 140)), (GRADE, grader(75)), (COLOUR, colour_classifier())]


def vectors(made: ModelEntry, int8: bytes, view: str = "transverse") -> GoldenVectors:
    return decode_golden(golden_vectors(made, int8, view), made, open_model(int8))


@pytest.mark.parametrize(("made", "int8"), MODELS, ids=["segment", "grade", "classify"])
def test_the_same_model_gives_the_same_bytes_which_it_repeats(made: ModelEntry, int8: bytes) -> None:
    assert golden_vectors(made, int8) == golden_vectors(made, int8)
    model = open_model(int8)
    found = replay(decode_golden(golden_vectors(made, int8), made, model), model, made.task)
    assert (found.pictures, found.max_lsb, found.changed_share) == (4, 0, 0.0)


@pytest.mark.parametrize(("made", "int8"), MODELS, ids=["segment", "grade", "classify"])
def test_three_wrists_and_every_grey_level(made: ModelEntry, int8: bytes) -> None:
    inputs = vectors(made, int8).inputs
    assert np.array_equal(np.unique(inputs[-1]), np.arange(256))
    assert len({picture.tobytes() for picture in inputs}) == 4
    assert all(picture.std() > 15 for picture in inputs)


def test_a_scan_lies_from_the_skin_on_and_a_crop_about_the_nerve() -> None:
    scans = vectors(SEGMENT, segmenter(192, 140)).inputs[:3]
    assert all(scan[:8].mean() > 60 for scan in scans)  # the skin, bright, at the top
    for crop in vectors(GRADE, grader(75)).inputs[1:3]:  # a diseased nerve is dark
        assert crop[33:42, 33:42].mean() < 0.6 * crop[5:].mean()


def test_a_longitudinal_bundle_has_longitudinal_pictures() -> None:
    int8 = segmenter(192, 140)
    across, along = (vectors(SEGMENT, int8, view).inputs for view in ("transverse", "longitudinal"))
    assert all(not np.array_equal(a, b) for a, b in zip(across[:3], along[:3], strict=True))
    assert np.array_equal(across[3], along[3])


def test_colours_are_three_times_the_grey() -> None:
    inputs = vectors(COLOUR, colour_classifier()).inputs
    assert inputs.shape == (4, 32, 40, 3)
    assert np.array_equal(inputs[..., 0], inputs[..., 1]) and np.array_equal(inputs[..., 1], inputs[..., 2])


def test_the_file_s_name_follows_the_model_s() -> None:
    assert golden_file("segment-sa_unet.tflite") == "golden/segment-sa_unet.npy"
    assert golden_file("models/grade-x.1.tflite") == "golden/grade-x.1.npy"
