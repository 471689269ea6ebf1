"""Measures against shapes whose area, outline, axes and place are known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.frame import UNKNOWN_SPACING, Spacing
from edge.stages.measure import measure, nerve_components
from edge.stages.placement import Box, Placement
from tests.pictures import Oval

SIZE = 128
WHOLE = Box(0, 0, SIZE, SIZE)
SAME = Placement(WHOLE, WHOLE, (SIZE, SIZE))  # canvas = picture
MM = Spacing(1.0, "manual")  # a pixel is a millimetre


def mask_of(*ovals: Oval) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    return np.any([oval.covers(x, y) for oval in ovals], axis=0).astype(np.uint8)


def measured(mask, placement=SAME, spacing=MM, view="transverse"):
    return measure(nerve_components(mask, placement.target), placement, spacing, view)


@given(st.floats(10, 80), st.floats(0, 1), st.floats(0, 1))
def test_a_discs_measures(diameter, dx, dy):
    disc = Oval(64 + dx, 64 + dy, diameter / 2, diameter / 2)
    mask = mask_of(disc)
    nerve = measured(mask)
    small = diameter < 16  # where a disc of pixels is not very round
    assert nerve.perimeter_mm == pytest.approx(math.pi * diameter, rel=0.05 if small else 0.03)
    assert nerve.csa_mm2 == mask.sum()
    assert nerve.flattening_ratio == pytest.approx(1.0, abs=0.12 if small else 0.06)


@given(st.floats(12, 80), st.floats(1.0, 4.0), st.floats(-89, 89), st.floats(0, 1), st.floats(0, 1))
def test_an_ellipses_measures(longest, ratio, angle, dx, dy):
    assume(longest / ratio >= 10)
    oval = Oval(64 + dx, 64 + dy, longest / 2, longest / ratio / 2, angle)
    nerve = measured(mask_of(oval))
    small = longest / ratio < 16
    assert nerve.perimeter_mm == pytest.approx(oval.perimeter_mm, rel=0.05 if small else 0.03)
    assert nerve.flattening_ratio == pytest.approx(ratio, rel=0.12 if small else 0.06)
    assert nerve.ellipse.major_px == pytest.approx(longest, rel=0.08 if small else 0.04)
    assert (nerve.ellipse.x_px + 0.5, nerve.ellipse.y_px + 0.5) == pytest.approx((oval.x, oval.y), abs=0.25)
    if ratio > 1.5:  # a rounder one has no direction to speak of
        assert abs((nerve.ellipse.angle_deg - angle + 90) % 180 - 90) < 4


def test_a_positive_angle_is_deeper_on_the_right():
    assert measured(mask_of(Oval(64, 64, 30, 10, 30.0))).ellipse.angle_deg == pytest.approx(30.0, abs=1.0)


@given(st.integers(0, 2**32 - 1))
def test_no_mask_breaks_it(seed):
    rng = np.random.default_rng(seed)
    mask = (rng.random((SIZE, SIZE)) < rng.random() ** 4).astype(np.uint8)
    components = nerve_components(mask, WHOLE)
    if not mask.any():
        assert components is None
        return
    assert components.count in (1, 2)
    assert not (components.mask & ~mask).any()
    for view in ("transverse", "longitudinal"):
        nerve = measure(components, SAME, MM, view)
        assert nerve.flattening_ratio >= 1.0
        assert 0 < nerve.area_share <= 1
        assert -90 <= nerve.ellipse.angle_deg <= 90
    assert nerve.ap_diameter_mm > 0


@pytest.mark.parametrize(("y", "x"), [(0, 0), (64, 64)])
def test_a_single_pixel_has_measures(y, x):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[y, x] = 1
    nerve = measured(mask)
    assert (nerve.csa_mm2, nerve.flattening_ratio) == (1.0, 1.0)
    assert (nerve.ellipse.x_px, nerve.ellipse.y_px) == (x, y)
    assert math.pi <= nerve.perimeter_mm <= 4.0


@pytest.mark.parametrize(("height", "width", "angle"), [(1, 12, 0.0), (12, 1, 90.0), (6, 18, 0.0), (18, 6, 90.0)])
def test_a_bars_axes_are_those_of_whole_pixels(height, width, angle):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[60 : 60 + height, 60 : 60 + width] = 1
    ellipse = measured(mask).ellipse
    # A uniform bar of length n has the variance n² / 12, the ellipse of that variance the axis 4 n / sqrt(12).
    axes = sorted((4 * height / math.sqrt(12), 4 * width / math.sqrt(12)))
    assert (ellipse.minor_px, ellipse.major_px) == pytest.approx(axes)
    assert abs(ellipse.angle_deg) == pytest.approx(angle)


def test_rounding_to_whole_pixels_may_differ_across_and_down():
    squeezed = Placement(Box(0, 0, SIZE, SIZE // 2), WHOLE, (SIZE, SIZE))  # two canvas pixels down, one across
    mask = mask_of(Oval(64, 64, 20, 10))
    assert measured(mask, squeezed).csa_mm2 == mask.sum() / 2


def test_an_empty_mask_is_no_nerve():
    assert nerve_components(np.zeros((SIZE, SIZE), np.uint8), WHOLE) is None


def test_outside_the_visible_picture_there_is_no_nerve():
    mask = mask_of(Oval(20, 64, 10, 10))
    assert nerve_components(mask, Box(40, 0, 90, SIZE)) is None
    half = nerve_components(mask, Box(20, 0, 90, SIZE))
    assert half.mask.sum() == pytest.approx(mask.sum() / 2, rel=0.03)
    assert not half.mask[:, :20].any()


@pytest.mark.parametrize(
    ("visible", "cut"),
    [
        (Box(54, 20, 100, 100), True),  # left edge touches
        (Box(53, 20, 100, 100), False),
        (Box(20, 20, 74, 100), True),  # right
        (Box(20, 20, 75, 100), False),
        (Box(20, 20, 100, 74), True),  # floor
        (Box(20, 20, 100, 75), False),
        (Box(20, 54, 100, 100), False),  # the skin cuts nothing off
    ],
)
def test_cut_off_is_touching_a_side_or_the_floor(visible, cut):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[54:74, 54:74] = 1
    assert (nerve_components(mask, visible).margin_px == 0) is cut


def test_margin_and_span_are_of_all_strands_within_the_visible_picture():
    found = nerve_components(mask_of(Oval(40, 64, 12, 8), Oval(70, 66, 10, 8)), Box(20, 10, 120, 110))
    assert found.count == 2
    assert found.margin_px == 40 - 12 - 20
    assert found.span == pytest.approx((2 * 12 + 2 * 10) / 100)
    stacked = nerve_components(mask_of(Oval(64, 40, 44, 8), Oval(64, 60, 44, 8)), Box(20, 10, 110, 110))
    assert (stacked.count, stacked.span) == (2, 1.0)


def test_the_spacings_uncertainty_is_twice_as_much_of_an_area():
    mask = mask_of(Oval(64, 32, 20, 10))
    unsure = measured(mask, spacing=Spacing(0.1, "ruler", 0.01))
    assert unsure.csa_uncertainty_mm2 == pytest.approx(0.02 * unsure.csa_mm2)
    assert unsure.perimeter_uncertainty_mm == pytest.approx(0.01 * unsure.perimeter_mm)
    assert unsure.ap_diameter_uncertainty_mm is None
    along = measured(mask, spacing=Spacing(0.1, "ruler", 0.01), view="longitudinal")
    assert along.ap_diameter_uncertainty_mm == pytest.approx(0.01 * along.ap_diameter_mm)
    assert along.csa_uncertainty_mm2 is None
    for spacing in (Spacing(0.1, "manual"), UNKNOWN_SPACING):
        assert measured(mask, spacing=spacing).csa_uncertainty_mm2 is None


def test_lengths_and_places_are_the_pictures_not_the_canvass():
    placement = Placement(Box(100, 40, 100 + 2 * SIZE, 40 + 2 * SIZE), WHOLE, (SIZE, SIZE))
    nerve = measured(mask_of(Oval(64, 32, 20, 10)), placement, Spacing(0.1, "dicom"))
    assert nerve.csa_mm2 == pytest.approx(math.pi * 20 * 10 * 0.2**2, rel=0.02)
    assert (nerve.ellipse.x_px + 0.5, nerve.ellipse.y_px + 0.5) == pytest.approx((100 + 128, 40 + 64), abs=0.1)
    assert nerve.ellipse.major_px == pytest.approx(80, rel=0.02)
    assert nerve.perimeter_mm == pytest.approx(Oval(0, 0, 4, 2).perimeter_mm, rel=0.03)


def test_no_spacing_no_millimetres():
    for view in ("transverse", "longitudinal"):
        nerve = measured(mask_of(Oval(64, 64, 20, 10)), spacing=UNKNOWN_SPACING, view=view)
        assert (nerve.csa_mm2, nerve.perimeter_mm, nerve.ap_diameter_mm) == (None, None, None)
        assert nerve.flattening_ratio == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("angle", [-60, -45, -20, 0, 10, 45, 80, 90])
def test_a_bands_diameter_is_taken_across_its_course(angle):
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    across = (y - 64) * math.cos(math.radians(angle)) - (x - 64) * math.sin(math.radians(angle))
    band = (np.abs(across) <= 8).astype(np.uint8)
    assert measured(band, view="longitudinal").ap_diameter_mm == pytest.approx(16, rel=0.05)


def test_three_parts_are_at_most_two_strands():
    nerve = measured(mask_of(Oval(40, 64, 12, 8), Oval(64, 64, 10, 8), Oval(88, 64, 10, 8)))
    assert nerve.components == 2


def test_what_else_the_network_answers_changes_no_measure():
    nerve = mask_of(Oval(40, 64, 12, 8, 20.0))
    littered = nerve.copy()
    littered[3, 3] = littered[120:123, 110:114] = 1
    alone, found = nerve_components(nerve, WHOLE), nerve_components(littered, WHOLE)
    assert np.array_equal(found.mask, nerve)
    assert np.array_equal(found.box.of(nerve), found.box.of(found.mask))
    assert found.box.of(nerve).sum() == nerve.sum()
    assert (found.margin_px, found.span, found.count) == (alone.margin_px, alone.span, alone.count)
    assert measured(littered).outlines == measured(nerve).outlines
    assert measured(littered).ellipse.major_px == pytest.approx(measured(nerve).ellipse.major_px)
    assert (measured(littered).csa_mm2, measured(littered).perimeter_mm) == pytest.approx(
        (measured(nerve).csa_mm2, measured(nerve).perimeter_mm)
    )


def test_two_strands_have_one_ellipse_of_all_their_pixels():
    mask = mask_of(Oval(40, 64, 12, 8), Oval(66, 70, 9, 8))
    y, x = np.nonzero(mask)
    nerve = measured(mask)
    assert nerve.components == 2
    assert (nerve.ellipse.x_px, nerve.ellipse.y_px) == pytest.approx((x.mean(), y.mean()))
    variances = np.linalg.eigvalsh(np.cov(x, y, bias=True) + np.eye(2) / 12)
    assert (nerve.ellipse.minor_px, nerve.ellipse.major_px) == pytest.approx(tuple(4 * np.sqrt(variances)))


def test_how_elliptical_a_component_is():
    frame = Box(0, 0, 120, 120)
    canvas = np.zeros((120, 120), np.uint8)
    disc = cv2.ellipse(canvas.copy(), (60, 60), (30, 14), 20, 0, 360, 1, -1)
    assert nerve_components(disc, frame).ellipse_fill > 0.97
    cross = canvas.copy()
    cross[57:63, 20:100] = cross[20:100, 57:63] = 1
    assert nerve_components(cross, frame).ellipse_fill < 0.6
    bent = cv2.ellipse(canvas.copy(), (60, 60), (30, 30), 0, 0, 200, 1, 6)
    assert nerve_components(bent, frame).ellipse_fill < 0.7


def test_outlines_are_the_mask_in_the_scan_s_pixels():
    canvas = np.zeros((60, 60), np.uint8)
    canvas[20:31, 10:41] = 1
    placement = Placement(Box(100, 50, 220, 170), Box(0, 0, 60, 60), (60, 60))  # a scan twice as fine
    components = nerve_components(canvas, placement.target)
    (outline,) = measure(components, placement, UNKNOWN_SPACING, "transverse").outlines
    xs, ys = zip(*outline, strict=True)
    assert (min(xs), max(xs)) == (100 + 20.5, 100 + 80.5)
    assert (min(ys), max(ys)) == (50 + 40.5, 50 + 60.5)
