"""Frames are read once, as the device sees them; batches repeat by seed, epoch and row."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("keras", reason="the extra `convert` is not installed")

from convert.data.dataset import read_data_folder
from convert.data.samples import grade_input, input_spec, segment_input
from convert.errors import DataError
from convert.training.augment import NO_AUGMENTATION, SEGMENT
from convert.training.batches import Feed, balanced_order
from convert.training.frames import Frames, read_frames
from tests.convert.training.discs import disc_folder, write_frame
from tests.convert.training.networks import GRADER, SEGMENTER

GRADES = ["normal", "normal", "normal", "mild", "moderate", "severe"]


def feed_of(frames: Frames, side: int = 32, **changed: object) -> Feed:
    rows = frames.rows_of({"S00", "S01", "S02", "S03"})
    words = {"batch": 4, "per_epoch": 12, "augmentation": SEGMENT, "balanced": True, "seed": 3} | changed
    return Feed(frames, rows, frames.rows_of({"S04"}), side=side, **words)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disc_folder(tmp_path_factory.mktemp("discs"), GRADES)


def test_a_segmenter_s_frames_are_the_device_s(folder: Path) -> None:
    samples = read_data_folder(folder).samples
    frames, notes = read_frames(SEGMENTER, [*samples, samples[0]])
    assert notes == []
    assert frames.fed.shape == (12, 32, 32) and frames.fed.dtype == np.uint8
    picture, mask = segment_input(samples[5], input_spec(SEGMENTER))
    assert np.array_equal(frames.fed[5], picture) and np.array_equal(frames.answers[5], mask)
    assert frames.rows_of({"S00"}).tolist() == [0, 1, 0]


def test_a_grader_s_frames_have_a_margin_and_its_held_out_ones_none(folder: Path) -> None:
    samples = read_data_folder(folder).samples
    frames, _ = read_frames(GRADER, samples)
    assert frames.wide.shape == (12, 42, 42)
    assert frames.answers.sum(axis=1).tolist() == [0] * 6 + [1, 1, 2, 2, 3, 3]
    pictures, answers, _ = next(iter(feed_of(frames).untouched()))
    assert np.array_equal(np.round(pictures[0, ..., 0] * 255), grade_input(samples[8], input_spec(GRADER)))
    assert answers[0].tolist() == [1, 1, 0]


def test_each_grade_weighs_alike_among_those_trained_on(folder: Path) -> None:
    frames, _ = read_frames(GRADER, read_data_folder(folder).samples)
    rows = frames.rows_of({"S00", "S01", "S02", "S03"})  # six normal, two mild
    weights = frames.weights(rows, balanced=True)
    assert weights[rows].sum() == pytest.approx(len(rows))
    assert weights[:6].sum() == pytest.approx(weights[6:8].sum())
    assert (frames.weights(rows, balanced=False) == 1).all()
    shown = [answer.sum() for _, answers, _ in feed_of(frames, per_epoch=40).augmented(0) for answer in answers]
    assert shown.count(0) == shown.count(1) == 20


def test_mean_and_deviation_are_numpy_s(folder: Path) -> None:
    frames, _ = read_frames(SEGMENTER, read_data_folder(folder).samples)
    mean, std = frames.mean_and_std(np.array([0, 3, 3]))
    assert mean == pytest.approx(frames.fed[[0, 3, 3]].mean()) and std == pytest.approx(frames.fed[[0, 3, 3]].std())


def test_batches_repeat_by_seed_and_epoch_and_differ_otherwise(folder: Path) -> None:
    frames, _ = read_frames(SEGMENTER, read_data_folder(folder).samples)

    def pictures(epoch: int, seed: int = 3) -> np.ndarray:
        return np.concatenate([batch[0] for batch in feed_of(frames, seed=seed).augmented(epoch)])

    assert pictures(0).shape == (12, 32, 32, 1)
    assert np.array_equal(pictures(0), pictures(0))
    assert not np.array_equal(pictures(0), pictures(1))
    assert not np.array_equal(pictures(0), pictures(0, seed=4))


def test_a_window_of_a_held_out_frame_is_the_same_each_time(folder: Path) -> None:
    frames, _ = read_frames(SEGMENTER, read_data_folder(folder).samples)
    first, again = (next(iter(feed_of(frames, side=16).untouched())) for _ in range(2))
    assert first[0].shape == (2, 16, 16, 1) and first[1].any()
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])


def test_a_digest_tells_frames_apart(folder: Path, tmp_path: Path) -> None:
    samples = read_data_folder(folder).samples
    frames, _ = read_frames(SEGMENTER, samples)
    assert frames.digest() == read_frames(SEGMENTER, samples)[0].digest()
    assert frames.digest() != read_frames(SEGMENTER, samples[1:])[0].digest()
    assert frames.digest() != read_frames(SEGMENTER, [*samples, samples[0]])[0].digest()


def test_two_sizes_and_empty_masks_are_told(tmp_path: Path) -> None:
    folder = disc_folder(tmp_path, GRADES, spacing=0.2)
    write_frame(tmp_path, "S00-0.png", np.array([60, 50]), 9, np.random.default_rng(0), (100, 120))
    cv2.imwrite(str(tmp_path / "masks" / "S01-0.png"), np.zeros((150, 180), np.uint8))
    frames, (empty, sizes) = read_frames(SEGMENTER, read_data_folder(folder).samples)
    assert empty == "1 of 12 images (S01-0.png) has an empty mask: trained on as pictures without a nerve"
    assert sizes == "images of 2 sizes, 180 x 150 (11), 120 x 100 (1): spacing_mm makes them one"
    assert len(frames.fed) == 12
    graded, (empty, _) = read_frames(GRADER, read_data_folder(folder).samples)
    assert "left out" in empty and len(graded.fed) == 11 and len(graded.samples) == 11


def test_masks_without_any_nerve_are_refused(tmp_path: Path) -> None:
    folder = disc_folder(tmp_path, ["mild", "severe"])
    for mask in (tmp_path / "masks").iterdir():
        cv2.imwrite(str(mask), np.zeros((150, 180), np.uint8))
    for arch in (SEGMENTER, GRADER):
        with pytest.raises(DataError, match="shows no nerve, nor does any other mask"):
            read_frames(arch, read_data_folder(folder).samples)


@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=40), st.integers(1, 200), st.integers(0, 2**31))
def test_the_order_has_each_as_often_as_its_weight_says(weights: list[float], count: int, seed: int) -> None:
    order = balanced_order(np.array(weights), count, np.random.default_rng(seed))
    wanted = np.array(weights) / sum(weights) * count
    assert len(order) == count
    assert (np.abs(np.bincount(order, minlength=len(weights)) - wanted) < 1 + 1e-6).all()


def test_alike_weights_show_each_frame_once() -> None:
    assert sorted(balanced_order(np.ones(50), 50, np.random.default_rng(1)).tolist()) == list(range(50))


def test_no_augmentation_feeds_the_frame_itself(folder: Path) -> None:
    frames, _ = read_frames(SEGMENTER, read_data_folder(folder).samples)
    picture, answer = frames.drawn(2, 32, NO_AUGMENTATION, np.random.default_rng(0))
    assert np.array_equal(picture, frames.fed[2]) and np.array_equal(answer[..., 0], frames.answers[2])
