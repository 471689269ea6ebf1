"""ReadScreen: of a machine's screen only the ultrasound picture goes on, with the spacing that everybody agrees on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.findings import Reason
from edge.frame import UNKNOWN_SPACING, Frame, Roi, Spacing
from edge.screen.read import ScreenReader
from tests.pictures import frame, screen, tissue

PICTURE = tissue((600, 760))
ON_SCREEN = Roi(200, 90, 760, 600)


def shown(pixels, region=None, spacing=UNKNOWN_SPACING, name="a.png"):
    return Frame(pixels, 0, 0, name, spacing, region)


def close_to(roi: Roi, wanted: Roi, px: int = 24) -> bool:
    edges = [(each.x, each.y, each.x + each.width, each.y + each.height) for each in (roi, wanted)]
    return bool(np.abs(np.subtract(*edges)).max() <= px)


def test_finds_the_picture_on_a_screen():
    reading = ScreenReader(stream=False)(shown(screen(PICTURE)))
    assert (reading.signal, reading.reason) == ("live", None)
    assert close_to(reading.scan.roi, ON_SCREEN)
    assert reading.scan.spacing == UNKNOWN_SPACING
    assert np.array_equal(reading.scan.pixels, reading.scan.roi.of(screen(PICTURE))[:, :, 0])


def test_a_screen_without_a_picture_has_none():
    pixels = screen(np.full((600, 760), 40, np.uint8))
    reading = ScreenReader(stream=False)(shown(pixels))
    assert (reading.scan, reading.reason, reading.signal) == (None, Reason.MENU, "menu")


def test_a_stream_is_read_anew_when_its_screen_changes_and_stills_each_time():
    here, there = screen(PICTURE), screen(PICTURE, at=(900, 300))
    smaller = screen(tissue((300, 380)), at=(40, 60), shape=(480, 640))
    stream, stills = ScreenReader(stream=True), ScreenReader(stream=False)
    assert close_to(stream(shown(here)).scan.roi, ON_SCREEN)
    assert close_to(stream(shown(there)).scan.roi, Roi(900, 300, 760, 600))
    assert close_to(stream(shown(smaller)).scan.roi, Roi(40, 60, 380, 300))
    assert close_to(stills(shown(here)).scan.roi, ON_SCREEN)
    assert close_to(stills(shown(there)).scan.roi, Roi(900, 300, 760, 600))


def test_a_stream_looks_on_until_there_is_a_picture():
    stream = ScreenReader(stream=True)
    assert stream(shown(screen(np.full((600, 760), 40, np.uint8)))).scan is None
    assert close_to(stream(shown(screen(PICTURE))).scan.roi, ON_SCREEN)


def test_the_users_box_goes_before_the_headers_and_the_headers_before_what_is_seen():
    header, user = Roi(210, 100, 300, 200), Roi(220, 110, 100, 120)
    pixels = screen(PICTURE)
    assert ScreenReader(stream=False)(shown(pixels, header)).scan.roi == header
    reading = ScreenReader(stream=False, roi=user)(shown(pixels, header))
    assert reading.scan.roi == user
    assert np.array_equal(reading.scan.pixels, pixels[110:230, 220:320, 0])


@pytest.mark.parametrize("box", [Roi(1900, 0, 21, 10), Roi(0, 1000, 10, 81), Roi(3000, 3000, 5, 5)])
def test_a_box_outside_the_picture_is_refused_in_one_line(box):
    with pytest.raises(UsageError, match=r"^a\.png: .* 1920 x 1080 picture: give --roi") as caught:
        ScreenReader(stream=False, roi=box)(shown(screen(PICTURE)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "user", "agreed"),
    [
        (UNKNOWN_SPACING, UNKNOWN_SPACING, UNKNOWN_SPACING),
        (Spacing(0.1, "dicom"), UNKNOWN_SPACING, Spacing(0.1, "dicom")),
        (UNKNOWN_SPACING, Spacing(0.1, "manual"), Spacing(0.1, "manual")),
        (Spacing(0.1, "dicom"), Spacing(0.1015, "manual"), Spacing(0.1, "dicom")),
    ],
)
def test_the_spacing_and_who_says_so(header, user, agreed):
    reader = ScreenReader(stream=False, spacing=user)
    assert reader(shown(PICTURE, Roi(0, 0, 760, 600), header)).scan.spacing == agreed


def test_two_spacings_that_contradict_are_refused_in_one_line():
    reader = ScreenReader(stream=False, spacing=Spacing(0.104, "manual"))
    with pytest.raises(
        UsageError, match=r"a\.png: dicom says 0\.1 mm per px, manual says 0\.104 mm per px: leave --spacing"
    ) as caught:
        reader(shown(PICTURE, Roi(0, 0, 760, 600), Spacing(0.1, "dicom")))
    assert "\n" not in str(caught.value)


def test_a_tinted_picture_becomes_grey_and_a_grey_one_stays_as_it_is():
    grey, whole = tissue((300, 380)), Roi(0, 0, 380, 300)
    tinted = np.stack([grey - 15, grey, grey + 15], axis=-1)  # sepia, as many machines show
    scan = ScreenReader(stream=False)(shown(tinted, whole)).scan
    assert np.abs(scan.pixels - tinted @ [0.114, 0.587, 0.299]).max() <= 0.51  # ITU-R BT.601
    assert (scan.colour_share, scan.marks) == (0.0, None)
    assert np.array_equal(ScreenReader(stream=False)(shown(grey, whole)).scan.pixels, grey)


@pytest.mark.parametrize("height", [63, 64, 65, 200])
def test_grey_and_colour_may_follow_each_other(height):
    grey, roi = tissue((height, 380)), Roi(0, 0, 380, height)
    reader = ScreenReader(stream=False)
    for pixels in (grey, np.repeat(grey[..., None], 3, axis=2), grey):
        assert np.array_equal(reader(shown(pixels, roi)).scan.pixels, grey)


def test_reading_changes_no_pixel_of_the_frame():
    pixels = screen(PICTURE)
    before = pixels.copy()
    ScreenReader(stream=False)(shown(pixels))
    assert np.array_equal(pixels, before)


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([0, 3]), st.integers(0, 2**32 - 1))
def test_any_small_picture_is_read_or_has_a_reason(height, width, channels, seed):
    shape = (height, width, channels) if channels else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    reading = ScreenReader(stream=False)(frame(pixels, whole=False))
    assert (reading.scan is None) == (reading.reason is not None)
