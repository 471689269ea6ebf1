"""Limited range is told only where both of its ends are seen, and stretched once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convert.phantom import screen as machine
from edge.screen.levels import STRETCH, is_limited
from tests.edge.test_screen_signal import DATA, captured, phantom, real_frames, sizes

SQUEEZE = np.rint(np.arange(256) * 219 / 255 + 16).astype(np.uint8)  # what a source of limited range does
FAMILIES_OF_SCREENS = ("ge_logiq_e9", "itkpocus", "telemed_philips", "dicom_us")


def console(width: int = 1920, height: int = 1080, name: str = "console-a"):
    shown = machine.draw_screen(phantom(black=False), machine.Display(width, height, name)).pixels
    shown[shown == shown.max()] = 255  # of the grey bar and the ink
    return shown


def test_the_table_puts_black_at_0_and_white_at_255_and_all_between_in_proportion():
    assert STRETCH[[0, 15, 16, 235, 236, 255]].tolist() == [0, 0, 0, 255, 255, 255]
    assert np.abs(STRETCH[SQUEEZE].astype(int) - np.arange(256)).max() <= 1  # as far as 220 levels can tell
    with pytest.raises(ValueError, match="read-only"):
        STRETCH[0] = 1


@pytest.mark.parametrize("name", ["console-a", "handheld-d"])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (640, 480)])
def test_a_squeezed_screen_is_limited_and_its_stretched_one_full(name, width, height):
    full = console(width, height, name)
    limited = cv2.LUT(full, SQUEEZE)
    assert not is_limited(full)
    assert is_limited(limited) and is_limited(limited, limited) and is_limited(limited[..., 1])
    assert not is_limited(cv2.LUT(limited, STRETCH))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pixels: captured(pixels, noise=1.0),
        lambda pixels: captured(pixels, jpeg=75),
        lambda pixels: np.minimum(pixels, 225),
        lambda pixels: np.maximum(pixels, 20),
        lambda pixels: np.where(pixels == 16, 17, pixels).astype(np.uint8),
        lambda pixels: np.concatenate([pixels, np.full((60, *pixels.shape[1:]), 8, np.uint8)]),
        lambda pixels: np.concatenate([pixels, np.full((60, *pixels.shape[1:]), 250, np.uint8)]),
    ],
    ids=["noise", "jpeg", "no white", "no black", "no black at 16", "blacker than black", "whiter than white"],
)
def test_in_doubt_the_range_is_full(spoil):
    assert not is_limited(spoil(cv2.LUT(console(), SQUEEZE)))


def test_one_full_screen_among_several_is_enough():
    limited = cv2.LUT(console(), SQUEEZE)
    assert not is_limited(limited, console(), limited)


@settings(max_examples=60)
@example(size=(1080, 1920), seed=0, darkest=16, brightest=235, black_share=0.0)  # black at 0.4 %, in 500 samples
@given(sizes, st.integers(0, 2**32 - 1), st.integers(0, 16), st.integers(235, 255), st.floats(0.0, 0.4))
def test_what_is_stretched_is_never_stretched_again(size, seed, darkest, brightest, black_share):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(darkest, brightest + 1, size, np.uint8)
    pixels[rng.random(size) < black_share] = darkest
    pixels[: size[0] // 9] = brightest
    once = cv2.LUT(pixels, STRETCH) if is_limited(pixels) else pixels
    ends = (darkest, brightest) == (16, 235)
    assert ends or not is_limited(pixels)
    assert is_limited(pixels) or not (ends and np.mean(pixels == 16) >= 0.05)  # between, the size decides
    assert not is_limited(cv2.LUT(pixels, STRETCH))
    assert np.array_equal(once, pixels) or not is_limited(once)


def test_no_real_screen_is_called_limited_and_most_are_once_they_are_squeezed():
    if not DATA.is_dir():
        pytest.skip("no ../shared/data here")
    pytest.importorskip("pydicom", reason="the extra dicom is not installed")
    found = []
    for name, pixels in real_frames():
        assert not is_limited(pixels), name
        if name.startswith(FAMILIES_OF_SCREENS):
            found.append(is_limited(cv2.LUT(pixels, SQUEEZE)))
            assert not is_limited(cv2.LUT(cv2.LUT(pixels, SQUEEZE), STRETCH)), name
    assert np.mean(found) > 0.4
