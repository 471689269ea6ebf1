"""Augmentation moves picture and mask together, changes what it is told to, and leaves the rest alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.training import grey
from convert.training.augment import GRADE, NO_AUGMENTATION, SEGMENT, Augmentation
from convert.training.overlay import MARKS, overlay
from edge.errors import UsageError

EMPTY = np.zeros((208, 208), np.uint8)


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return ((columns - x) ** 2 + (rows - y) ** 2 < radius**2).astype(np.uint8)


def changed_by(layer: grey.Layer, picture: np.ndarray, seed: int) -> np.ndarray:
    return layer(picture, np.zeros_like(picture), np.random.default_rng(seed))[0]


@given(st.integers(0, 2**31))
def test_picture_and_mask_stay_together(seed: int) -> None:
    mask = disc(96, 45, 50, 14)
    picture = np.where(mask == 1, 200, 60).astype(np.uint8)
    moves = SEGMENT.without(("overlay", "speckle", "shade"))
    moved, moved_mask = moves(picture, mask, 96, np.random.default_rng(seed))
    assert moved_mask.sum() > 100
    assert moved[moved_mask == 1].mean() > moved[(moved_mask == 0) & (moved > 0)].mean() + 30


def test_a_window_shows_the_nerve_or_lies_near_it() -> None:
    mask = disc(192, 150, 40, 9)
    windows = [SEGMENT(mask * np.uint8(200), mask, 96, np.random.default_rng(seed))[1] for seed in range(200)]
    assert all(window.shape == (96, 96) for window in windows)
    assert sum(window.any() for window in windows) >= 190


def test_no_augmentation_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    picture, mask = rng.integers(0, 255, (64, 64)).astype(np.uint8), disc(64, 30, 30, 9)
    for left in (NO_AUGMENTATION, SEGMENT.without(SEGMENT.names)):
        same, same_mask = left(picture, mask, 64, rng)
        assert np.array_equal(same, picture) and np.array_equal(same_mask, mask)


@pytest.mark.parametrize("name", SEGMENT.names)
def test_each_layer_alone_changes_pictures_and_is_off_when_switched_off(name: str) -> None:
    rng = np.random.default_rng(2)
    picture, mask = rng.integers(1, 255, (96, 96)).astype(np.uint8), disc(96, 48, 48, 34)
    alone = SEGMENT.without([other for other in SEGMENT.names if other != name])
    drawn = [alone(picture, mask, 96, np.random.default_rng(seed)) for seed in range(20)]
    assert any(not np.array_equal(changed, picture) for changed, _ in drawn)
    assert any(not np.array_equal(moved, mask) for _, moved in drawn) == (name in {*SEGMENT.moves, "crop"})
    assert name not in SEGMENT.without([name]).names


def test_an_unknown_layer_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"'bluur': one of shift, .*, overlay"):
        SEGMENT.without(["bluur"])


def test_crop_keeps_the_nerve_s_size() -> None:
    """Our crops have millimetres and the nerve's size is a sign of its grade: scaling stays within 5 %."""
    nerve = disc(208, 104, 104, 30) * np.uint8(200)
    sized = GRADE.without(["overlay"])
    areas = [(sized(nerve, EMPTY, 160, np.random.default_rng(seed))[0] > 60).sum() for seed in range(40)]
    assert min(areas) > 0.85 * np.pi * 30**2 and max(areas) < 1.16 * np.pi * 30**2


def test_black_beyond_the_picture_stays_black() -> None:
    for seed in range(10):
        picture, _ = GRADE.without(["overlay"])(EMPTY, EMPTY, 160, np.random.default_rng(seed))
        assert not picture.any()


@pytest.mark.parametrize("augmentation", [SEGMENT, GRADE])
def test_the_same_seed_draws_the_same_and_another_something_else(augmentation: Augmentation) -> None:
    picture = np.random.default_rng(9).integers(0, 255, (64, 64)).astype(np.uint8)
    mask = disc(64, 30, 30, 9)
    once, again, other = (augmentation(picture, mask, 48, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(once[0], again[0]) and np.array_equal(once[1], again[1])
    assert not np.array_equal(once[0], other[0])


def test_what_is_cut_off_the_picture_is_cut_off_the_mask_and_the_skin_stays() -> None:
    picture, mask = np.full((90, 90), 120, np.uint8), np.ones((90, 90), np.uint8)
    for seed in range(30):
        cut, cut_mask = grey.crop(0.3)(picture, mask, np.random.default_rng(seed))
        assert np.array_equal(cut > 0, cut_mask > 0)
        assert cut[0].any() and cut_mask.mean() > 0.4


def test_a_coarser_beam_loses_detail_and_keeps_the_brightness() -> None:
    picture = np.random.default_rng(3).integers(40, 200, (96, 96)).astype(np.uint8)
    drawn = [changed_by(grey.resolution(2.0, 1.0), picture, seed) for seed in range(20)]
    assert all(each.std() < picture.std() for each in drawn)
    assert all(abs(each.mean() - picture.mean()) < 2 for each in drawn)


def test_speckle_is_wider_than_high_and_spares_what_is_black() -> None:
    picture = np.full((192, 192), 120, np.uint8)
    picture[:40] = 0
    grain = [changed_by(grey.speckle(12), picture, seed)[40:].astype(float) - 120 for seed in range(30)]
    across, down = (np.mean([np.abs(np.diff(each, axis=axis)).mean() for each in grain]) for axis in (1, 0))
    assert across < down
    assert max(each.std() for each in grain) < 13
    assert not changed_by(grey.speckle(12), picture, 1)[:40].any()


def test_shade_differs_from_place_to_place() -> None:
    shaded = changed_by(grey.shade(0.4), np.full((96, 96), 100, np.uint8), 1)
    assert shaded.std() > 5 and shaded.min() > 30 and shaded.max() < 170


@pytest.mark.parametrize("name", MARKS)
def test_each_mark_is_seen_and_covers_little(name: str) -> None:
    for seed in range(12):
        picture = np.zeros((192, 192), np.uint8)
        MARKS[name](picture, 7.0, np.random.default_rng(seed))
        assert picture.max() > 40
        assert (picture > 0).mean() < 0.03


def test_an_overlay_has_no_more_marks_than_told_and_leaves_the_mask() -> None:
    mask = disc(192, 96, 96, 20)
    picture, same = overlay(3)(np.zeros((192, 192), np.uint8), mask, np.random.default_rng(8))
    assert picture.any() and np.array_equal(same, mask)
