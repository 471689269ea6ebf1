"""Placement keeps its geometry for any picture, canvas and scale."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.frame import UNKNOWN_SPACING, Roi, Scan, Spacing
from edge.manifest import InputSpec
from edge.stages.crop import crop_side_px, place_crop
from edge.stages.placement import Placement, place_about, place_from_skin
from edge.stages.segment import place_scan
from tests.pictures import tissue

sizes = st.integers(1, 400)
shapes = st.tuples(sizes, sizes)
canvases = st.tuples(st.integers(8, 300), st.integers(8, 300))
scales = st.floats(1e-3, 1e3)
spacings = st.floats(0.001, 10.0)


@st.composite
def placements(draw: st.DrawFn) -> tuple[Placement, tuple[int, int]]:
    """Any placement that the device can make, and the shape of its picture."""
    shape, canvas = draw(shapes), draw(canvases)
    if draw(st.booleans()):
        return place_from_skin(shape, canvas, draw(scales)), shape
    centre = draw(st.floats(-0.5, shape[1] - 0.5)), draw(st.floats(-0.5, shape[0] - 0.5))
    return place_about(shape, canvas, centre, draw(st.floats(0.01, 2000.0))), shape


@given(placements())
def test_both_boxes_lie_inside(placed):
    placement, (height, width) = placed
    rows, columns = placement.canvas_shape
    for box, right, bottom in ((placement.source, width, height), (placement.target, columns, rows)):
        assert 0 <= box.left < box.right <= right
        assert 0 <= box.top < box.bottom <= bottom


@given(placements(), st.floats(0, 1), st.floats(0, 1))
def test_to_picture_undoes_the_way_to_the_canvas(placed, across, down):
    placement, _ = placed
    source, target = placement.source, placement.target
    x, y = source.left - 0.5 + across * source.width, source.top - 0.5 + down * source.height
    canvas_x = (x + 0.5 - source.left) * placement.scale_x + target.left - 0.5
    canvas_y = (y + 0.5 - source.top) * placement.scale_y + target.top - 0.5
    assert placement.to_picture(canvas_x, canvas_y) == pytest.approx((x, y), abs=1e-6)


@given(placements())
def test_paint_writes_the_target_and_clears_the_rest(placed):
    placement, shape = placed
    canvas = np.full(placement.canvas_shape, 77, np.uint8)
    placement.paint(np.full(shape, 200, np.uint8), canvas)
    assert (placement.target.of(canvas) == 200).all()
    assert np.count_nonzero(canvas) == placement.target.width * placement.target.height


@given(placements())
def test_lift_brings_a_mask_back_to_where_it_was_seen(placed):
    placement, shape = placed
    whole = placement.lift(np.ones(placement.canvas_shape, np.uint8), shape)
    assert whole.shape == shape
    assert placement.source.of(whole).all()
    assert whole.sum() == placement.source.width * placement.source.height


@given(st.integers(40, 200), st.integers(40, 200), st.integers(1, 4))
def test_painting_a_mask_and_lifting_it_again_changes_nothing_at_whole_scales(height, width, scale):
    mask = (np.random.default_rng(height * width).random((height, width)) < 0.5).astype(np.uint8)
    placement = place_from_skin((height, width), (height * scale + 3, width * scale + 7), float(scale))
    canvas = np.zeros(placement.canvas_shape, np.uint8)
    canvas[: height * scale, 3 : 3 + width * scale] = np.kron(mask, np.ones((scale, scale), np.uint8))
    assert placement.target.left == 3
    assert np.array_equal(placement.lift(canvas, mask.shape), mask)


@pytest.mark.parametrize("times", [1.2, 1.5, 1.9, 2.0, 2.5, 3.0, 3.75, 5.0, 6.7, 11.0])
def test_what_shrinks_becomes_the_mean_of_what_it_covers(times):
    pixels = tissue((600, 900))
    placement = place_from_skin(pixels.shape, (256, 256), 1 / times)
    canvas = np.zeros((256, 256), np.uint8)
    placement.paint(pixels, canvas)
    source, target = placement.source.of(pixels).astype(np.float32), placement.target.of(canvas)
    exact = cv2.resize(source, target.shape[::-1], interpolation=cv2.INTER_AREA)
    off = np.abs(target - exact)  # 0.25 on average is what rounding alone does
    assert (off.mean() < 0.6, off.max() < 4.0) == (True, True)


@given(placements())
def test_corners_are_the_canvass_columns_and_rows_in_the_picture(placed):
    placement, _ = placed
    xs, ys = placement.corners
    rows, columns = placement.canvas_shape
    assert (len(xs), len(ys)) == (columns, rows)
    assert (xs[columns // 3], ys[rows // 3]) == tuple(
        round(v, 1) for v in placement.to_picture(columns // 3, rows // 3)
    )


def test_from_skin_keeps_the_top_and_the_middle():
    placement = place_from_skin((500, 1000), (192, 192), 0.4)  # 200 x 400 on a canvas of 192 x 192
    assert (placement.source.top, placement.target.top) == (0, 0)
    assert (placement.source.left, placement.source.right) == (260, 740)
    assert (placement.source.height, placement.target.height) == (480, 192)


def test_a_crop_over_the_edge_is_black_where_there_is_no_picture():
    canvas = np.full((100, 100), 9, np.uint8)
    place_about((200, 300), (100, 100), (0.0, 199.0), 100.0).paint(np.full((200, 300), 50, np.uint8), canvas)
    assert (canvas[:51, 50:] == 50).all()
    assert not canvas[:, :50].any()
    assert not canvas[51:].any()


def test_the_centre_of_the_crop_is_the_point_asked_for():
    placement = place_about((400, 400), (150, 150), (210.0, 120.0), 90.0)
    assert placement.to_picture(74.5, 74.5) == pytest.approx((210.0, 120.0), abs=0.6)


@given(st.tuples(st.integers(64, 1200), st.integers(64, 1200)), spacings, st.floats(0.02, 1.0))
def test_a_scan_is_placed_at_the_models_own_millimetres(shape, mm, model_mm):
    spec = InputSpec(height=192, width=256, mm_per_px=model_mm)
    placement = place_scan(shape, Spacing(mm, "manual"), spec)
    # Whole pixels: the error is half a pixel of the smaller side.
    smallest = min(placement.source.width, placement.target.width)
    assert placement.scale_x * model_mm / mm == pytest.approx(1.0, abs=0.5 / smallest + 0.5 / smallest**2 + 1e-9) or (
        smallest == 1
    )


def test_without_a_spacing_a_scan_fills_the_width():
    placement = place_scan((300, 777), UNKNOWN_SPACING, InputSpec(height=192, width=256, mm_per_px=0.2))
    assert (placement.source.width, placement.target.width) == (777, 256)


def test_the_crop_is_as_many_millimetres_as_the_grader_takes():
    spec = InputSpec(height=160, width=160, mm_per_px=0.09375)  # 15 mm
    assert crop_side_px(spec, Spacing(0.05, "dicom"), 900, 0.4) == pytest.approx(300.0)
    assert crop_side_px(spec, UNKNOWN_SPACING, 900, 0.4) == pytest.approx(360.0)


def test_the_crop_is_the_picture_about_the_nerve():
    pixels = tissue((400, 600))
    scan = Scan(pixels, Spacing(0.1, "dicom"), Roi(0, 0, 600, 400))
    spec = InputSpec(height=150, width=150, mm_per_px=0.1)
    canvas = np.zeros((150, 150), np.uint8)
    place_crop(scan, (299.5, 199.5), spec, 0.4).paint(pixels, canvas)
    assert np.array_equal(canvas, pixels[125:275, 225:375]) or np.array_equal(canvas, pixels[124:274, 224:374])
