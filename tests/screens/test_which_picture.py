"""Is it B-mode, and which picture of two? What DICOM brings with it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.phantom.screen import Screen
from edge.findings import Reason
from edge.frame import Pixels, Spacing
from edge.pipeline import Options, Pipeline
from tests.screens.shown import (
    DICOM,
    FPS,
    SIZE,
    frames,
    looped,
    needs_shared,
    play,
    reasons,
    shown,
    wrist,
)


def with_flow(screen: Screen) -> Pixels:
    """Colour Doppler over the middle of the picture."""
    pixels, roi = screen.pixels.copy(), screen.roi
    middle, axes = (roi.x + roi.width // 2, roi.y + roi.height // 2), (roi.width // 5, roi.height // 6)
    cv2.ellipse(pixels, middle, axes, 0, 0, 360, (20, 40, 220), cv2.FILLED)
    cv2.ellipse(pixels, middle, (axes[0] // 2, axes[1] // 2), 0, 0, 360, (40, 200, 250), cv2.FILLED)
    cv2.rectangle(
        pixels,
        (roi.x + roi.width // 5, roi.y + roi.height // 5),
        (roi.x + roi.width * 4 // 5, roi.y + roi.height * 4 // 5),
        (240,) * 3,
        1,
    )
    return pixels


def two_views(left: Pixels, right: Pixels) -> Pixels:
    """Two pictures side by side on one machine's screen."""
    screen = np.full((SIZE[1], SIZE[0], 3), 12, np.uint8)
    for word, at in (("CONSOLE", (20, 30)), ("Gain 50", (20, 700)), ("Dual", (1150, 700))):
        cv2.putText(screen, word, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (210,) * 3, 1, cv2.LINE_AA)
    for picture, x in ((left, 60), (right, 680)):
        screen[90 : 90 + picture.shape[0], x : x + picture.shape[1]] = picture[..., None]
    return screen


class TestWhichPicture:
    def test_colour_doppler_is_not_graded(self, transverse, stream):
        flowing = [with_flow(shown(wrist("console-b", speckle), at_s=speckle / FPS)) for speckle in range(4)]
        assert reasons([Pipeline(transverse, Options(), stream=False)(frame) for frame in frames(flowing)]) == {
            Reason.NOT_B_MODE
        }
        assert reasons(play(stream, flowing)) == {Reason.NOT_B_MODE}
        without = [shown(wrist("console-b", speckle), at_s=speckle / FPS).pixels for speckle in range(4)]
        assert None in reasons(play(Pipeline(transverse, Options(), stream=False), without))

    def test_two_views_are_ambiguous_until_one_of_them_moves_alone(self, transverse):
        pictures = [wrist("console-b", speckle).pixels for speckle in range(7)]
        small = [cv2.resize(picture, (500, 440), interpolation=cv2.INTER_AREA) for picture in pictures]
        options = Options(spacing=Spacing(0.09, "manual"))
        still, both, one = (Pipeline(transverse, options, stream=streams) for streams in (False, True, True))
        two = [two_views(small[number], small[(number + 2) % 7]) for number in range(7)]
        assert reasons(play(still, two)) == {Reason.AMBIGUOUS_VIEWS}
        assert reasons(play(both, looped(two, 2.5))) == {Reason.AMBIGUOUS_VIEWS}
        seen = play(one, looped([two_views(small[0], picture) for picture in small], 3.0))
        assert reasons(seen[:5]) == {Reason.AMBIGUOUS_VIEWS}
        assert all(each.scan and each.scan.roi.x > SIZE[0] // 2 for each in seen[round(2.5 * FPS) :])


@needs_shared
@pytest.mark.parametrize(
    ("file", "mm_per_px", "reasons_allowed"),
    [
        ("US1_UNCR.dcm", None, {Reason.NOT_B_MODE, Reason.AMBIGUOUS_VIEWS}),  # power Doppler over a seam
        ("US1_J2KR.dcm", None, {Reason.NOT_B_MODE, Reason.AMBIGUOUS_VIEWS}),  # the same in JPEG 2000
        ("gdcm-US-ALOKA-16.dcm", 0.38265, {Reason.AMBIGUOUS_VIEWS}),  # two views
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", 0.25477, None),  # a heart in JPEG lossless
        ("OBXXXX1A.dcm", 0.26229, None),
        ("OBXXXX1A_rle_2frame.dcm", 0.26229, None),
    ],
)
def test_dicom_is_read_and_never_a_grade_of_what_is_no_wrist(examined, file, mm_per_px, reasons_allowed):
    pytest.importorskip("pydicom")
    pytest.importorskip("gdcm")
    report, _ = examined("grade", DICOM / file, "--allow-unscaled")
    assert len(report.frames) == (2 if "2frame" in file else 1)
    for frame in report.frames:
        assert frame.reason is not None and (reasons_allowed is None or frame.reason in reasons_allowed)
        assert frame.signal == "live"
        if mm_per_px is not None:
            assert frame.spacing.provenance == "dicom" and frame.spacing.mm_per_px == pytest.approx(mm_per_px, rel=1e-3)
