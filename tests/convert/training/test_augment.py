"""Augmentation moves picture and mask together, and leaves them alone when told to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.training.augment import GRADE, NO_AUGMENTATION, SEGMENT, augment_crop, augment_pair


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return ((columns - x) ** 2 + (rows - y) ** 2 < radius**2).astype(np.uint8)


@given(st.integers(0, 2**31))
def test_picture_and_mask_stay_together(seed: int) -> None:
    mask = disc(96, 45, 50, 14)
    picture = np.where(mask == 1, 200, 60).astype(np.uint8)
    moved, moved_mask = augment_pair(picture, mask, 96, SEGMENT, np.random.default_rng(seed))
    assert moved_mask.sum() > 100
    assert moved[moved_mask == 1].mean() > moved[(moved_mask == 0) & (moved > 0)].mean() + 30


def test_a_window_shows_the_nerve_or_lies_near_it() -> None:
    mask = disc(192, 150, 40, 9)
    windows = [
        augment_pair(mask * np.uint8(200), mask, 96, SEGMENT, np.random.default_rng(seed))[1] for seed in range(200)
    ]
    assert all(window.shape == (96, 96) for window in windows)
    assert sum(window.any() for window in windows) >= 190


def test_no_augmentation_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (64, 64)).astype(np.uint8)
    same, _ = augment_pair(picture, disc(64, 30, 30, 9), 64, NO_AUGMENTATION, rng)
    assert np.array_equal(same, picture)


def test_crop_keeps_the_nerve_s_size() -> None:
    """Our crops have millimetres and the nerve's size is a sign of its grade: scaling stays within 5 %."""
    nerve = disc(208, 104, 104, 30) * np.uint8(200)
    areas = [(augment_crop(nerve, 160, GRADE, np.random.default_rng(seed)) > 60).sum() for seed in range(40)]
    assert min(areas) > 0.85 * np.pi * 30**2 and max(areas) < 1.16 * np.pi * 30**2


def test_black_beyond_the_picture_stays_black() -> None:
    picture = np.zeros((64, 64), np.uint8)
    assert not augment_crop(picture, 48, GRADE, np.random.default_rng(3)).any()


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_draws_the_same(seed: int) -> None:
    picture = np.random.default_rng(9).integers(0, 255, (64, 64)).astype(np.uint8)
    once, again = (augment_crop(picture, 48, GRADE, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(once, again)
