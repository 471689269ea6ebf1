"""A picture that is fit passes whatever its zoom, and each thing that can be wrong with it is told by its own name."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.phantom.folder import Population, exam
from edge.findings import HINTS, Reason
from edge.frame import UNKNOWN_SPACING, Roi, Scan, Spacing
from edge.manifest import Thresholds
from edge.stages.quality import judge_picture
from tests.pictures import tissue

USUAL = Thresholds()
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PLANES = {"transverse": 1, "forearm": 1, "longitudinal": 1}


def scan(pixels, mm_per_px=None, **told):
    spacing = UNKNOWN_SPACING if mm_per_px is None else Spacing(mm_per_px, "dicom")
    return Scan(np.ascontiguousarray(pixels), spacing, Roi(0, 0, pixels.shape[1], pixels.shape[0]), **told)


def reason(pixels, mm_per_px=None, thresholds=USUAL):
    unfit = judge_picture(scan(pixels, mm_per_px), thresholds)
    return unfit and unfit.reason


@pytest.fixture(scope="module")
def phantoms():
    """Three subjects in each plane, with their spacing, on three machines."""
    population = Population(seed=31, subjects=3, frames=PLANES, px_across=640)
    return [(frame.pixels, frame.mm_per_px) for index in range(3) for frame in exam(population, index)]


def changed(pixels, factor=1.0, offset=0.0):
    return np.clip(pixels * factor + offset * (pixels > 2), 0, 255).astype(np.uint8)


def off_skin(shape, seed, noise=0.0):
    """Ringing at the top and its repetitions, uneven by a little, over nothing or over the noise of the gain."""
    rng = np.random.default_rng(seed)
    y = np.arange(shape[0])[:, None] / shape[0]
    rings = sum(220 * 0.6**i * np.exp(-(((y - 0.06 * i) / 0.012) ** 2)) for i in range(10))
    rings = rings * (1 + 0.1 * np.sin(np.arange(shape[1]) / shape[1] * 9))
    grain = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), sigmaX=2, sigmaY=1)
    return np.clip(rings + noise * (y + 0.4 * grain / grain.std()), 0, 255).astype(np.uint8)


def test_what_is_fit_is_fit_at_any_zoom_and_with_or_without_its_spacing(phantoms):
    for pixels, mm_per_px in phantoms:
        for zoom in (0.6, 1.0, 1.7):
            shown = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            assert reason(shown, mm_per_px / zoom) is None
            assert reason(shown) is None
    assert reason(tissue()) is None


@pytest.mark.parametrize(
    ("shape", "reason"), [((63, 400), Reason.TOO_SMALL), ((400, 63), Reason.TOO_SMALL), ((64, 64), None)]
)
def test_the_shorter_side_decides(shape, reason):
    unfit = judge_picture(scan(tissue(shape)), USUAL)
    assert unfit == (None if reason is None else (reason, 63.0, 64.0))


def test_a_colour_share_above_its_threshold_is_no_b_mode():
    assert judge_picture(scan(tissue(), colour_share=0.02), USUAL) is None
    assert judge_picture(scan(tissue(), colour_share=0.03), USUAL) == (Reason.NOT_B_MODE, 0.03, 0.02)


@pytest.mark.parametrize(("spread", "unfit"), [(2, True), (6, False)])
def test_contrast_is_the_spread_of_greys(spread, unfit):
    pixels = np.full((200, 200), 60, np.uint8)
    pixels[:, 100:] += 2 * spread
    found = judge_picture(scan(pixels), USUAL)
    assert (found is not None and found[0] is Reason.NO_CONTRAST) is unfit
    if unfit:
        assert found.value == pytest.approx(spread)


@pytest.mark.parametrize(("rows", "unfit"), [(20, None), (30, Reason.SATURATED)])
def test_saturation_is_the_share_of_white_in_one_sixteenth_of_the_picture(rows, unfit):
    pixels = tissue((200, 200))
    pixels[100 : 100 + rows, 50:100] = 255
    assert reason(pixels) is unfit


@pytest.mark.parametrize("noise", [0.0, 30.0, 90.0])
@pytest.mark.parametrize("shape", [(480, 640), (720, 960)])
def test_off_the_skin_is_ringing_over_nothing_or_noise(shape, noise):
    for seed in range(5):
        assert reason(off_skin(shape, seed, noise)) is Reason.NO_CONTACT


def test_the_rings_of_a_sector_are_no_contact_either():
    box = np.zeros((500, 700), np.uint8)
    y, x = np.mgrid[:500, :700]
    radius, angle = np.hypot(x - 350, y + 120), np.abs(np.arctan2(x - 350, y + 120))
    box[(radius > 180) & (radius < 230) & (angle < 0.6)] = 200
    assert reason(box) is Reason.NO_CONTACT


def test_gain_too_low_and_too_high(phantoms):
    for pixels, mm_per_px in phantoms:
        assert reason(changed(pixels, 0.12), mm_per_px) is Reason.TOO_DARK
        assert reason(changed(pixels, 4.0), mm_per_px) is Reason.SATURATED


@pytest.mark.parametrize("blur_mm", [(0.45, 0.45), (2.0, 0.0), (0.0, 3.0)], ids=["defocus", "down", "across"])
def test_a_blurred_picture_is_told_at_any_zoom(phantoms, blur_mm):
    for pixels, mm_per_px in phantoms:
        down, across = (max(1, round(mm / mm_per_px)) for mm in blur_mm)
        smooth = cv2.GaussianBlur(pixels, (0, 0), down) if down == across else cv2.blur(pixels, (across, down))
        for zoom in (0.7, 1.0, 1.5):
            shown = cv2.resize(smooth, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            assert reason(shown, mm_per_px / zoom) is Reason.BLURRED


def test_a_thresholds_value_decides(phantoms):
    pixels, mm_per_px = phantoms[0]
    for name, unfit in (
        ("min_brightness", Reason.TOO_DARK),
        ("min_echoes", Reason.NO_CONTACT),
        ("min_axial_sharpness", Reason.BLURRED),
        ("min_lateral_sharpness", Reason.BLURRED),
        ("min_contrast", Reason.NO_CONTRAST),
    ):
        strict = Thresholds(**{name: 1.0 if "sharpness" in name else 255.0})
        found = judge_picture(scan(pixels, mm_per_px), strict)
        assert (found.reason, found.limit) == (unfit, getattr(strict, name))
        assert found.value < found.limit
        assert found.reason in HINTS


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.sampled_from([None, 0.001, 0.1, 10.0]))
def test_no_picture_breaks_it(height, width, seed, mm_per_px):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, rng.integers(1, 257), (height, width)).astype(np.uint8)
    unfit = judge_picture(scan(pixels, mm_per_px), Thresholds(min_picture_px=1))
    assert unfit is None or np.isfinite((unfit.value, unfit.limit)).all()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real frames of ../shared/data are not here")
@pytest.mark.parametrize("folder", ["nerve_regions/images", "wrist_dev/images", "quality_hip/standard_ultrasound"])
def test_real_pictures_that_are_good_pass(folder):
    files = sorted((SHARED / folder).glob("*.png"))
    pictures = [cropped(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) for file in files]
    assert len(pictures) >= 20
    assert [file.name for file, pixels in zip(files, pictures, strict=True) if reason(pixels)] == []


def cropped(pixels):
    """Without the black bars that most of these files have."""
    rows, columns = ((pixels > 8).mean(axis=axis) > 0.05 for axis in (1, 0))
    y, x = np.flatnonzero(rows), np.flatnonzero(columns)
    return pixels[y[0] : y[-1] + 1, x[0] : x[-1] + 1]
