"""A frame of video, luma with its chroma beside it, is read as the same frame in BGR is."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.frame import Frame, Pixels, Roi
from edge.screen.colour import bgr, chroma_within
from edge.screen.marks import colour_share
from edge.screen.read import ScreenReader
from tests.pictures import screen, tissue

PICTURE = tissue((600, 760))
ON_SCREEN = Roi(200, 90, 760, 600)


def uyvy(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Views of the luma and of the chroma within a packed buffer, as a capture gives them."""
    yuv = cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb)
    packed = np.empty((*pixels.shape[:2], 2), np.uint8)
    packed[..., 1] = yuv[..., 0]
    packed[:, 0::2, 0], packed[:, 1::2, 0] = yuv[:, ::2, 2], yuv[:, ::2, 1]
    return packed[..., 1], packed.reshape(pixels.shape[0], -1, 4)[..., ::2]


def yuyv(pixels: Pixels) -> tuple[Pixels, Pixels]:
    luma, chroma = uyvy(pixels)
    packed = np.empty((*luma.shape, 2), np.uint8)
    packed[..., 0] = luma
    pairs = packed.reshape(luma.shape[0], -1, 4)[..., 1::2]
    pairs[:] = chroma
    return packed[..., 0], pairs


def nv12(pixels: Pixels) -> tuple[Pixels, Pixels]:
    luma, chroma = uyvy(pixels)
    return luma.copy(), chroma[::2].copy()


FORMATS = (uyvy, yuyv, nv12)


def coloured(pixels: Pixels) -> Pixels:
    """With a colour box in the picture: flow to the probe and away."""
    shown = pixels.copy()
    cv2.rectangle(shown, (400, 200), (560, 420), (20, 30, 220), -1)
    cv2.rectangle(shown, (560, 200), (720, 420), (230, 60, 20), -1)
    return shown


@pytest.mark.parametrize("packed", FORMATS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_scan_is_that_of_the_grey_frame(packed, stream):
    whole = screen(PICTURE)
    luma, chroma = packed(whole)
    kept = luma.copy()
    expected = ScreenReader(stream=stream)(Frame(kept, 0, 0)).scan
    scan = ScreenReader(stream=stream)(Frame(luma, 0, 0, chroma=chroma)).scan
    assert scan.roi == expected.roi
    assert np.array_equal(scan.pixels, expected.pixels)
    assert scan.colour_share == 0.0
    assert np.array_equal(luma, kept)


@pytest.mark.parametrize("packed", FORMATS)
def test_colour_doppler_is_told_as_in_bgr(packed):
    whole = coloured(screen(PICTURE))
    luma, chroma = packed(whole)
    part = ON_SCREEN.of(luma)
    share = colour_share(part, chroma_within(ON_SCREEN, luma, chroma))
    assert share == pytest.approx(colour_share(ON_SCREEN.of(whole)), abs=0.01)
    assert share > 0.1
    assert colour_share(part) == 0.0


@pytest.mark.parametrize("packed", FORMATS)
@pytest.mark.parametrize("roi", [Roi(0, 0, 1920, 1080), ON_SCREEN, Roi(201, 91, 33, 47), Roi(1919, 1079, 1, 1)])
def test_the_colour_of_a_part_is_that_part_of_the_colour(packed, roi):
    rng = np.random.default_rng(1)
    whole = cv2.resize(rng.integers(0, 256, (27, 48, 3), np.uint8), (1920, 1080), interpolation=cv2.INTER_LINEAR)
    luma, chroma = packed(whole)
    part = chroma_within(roi, luma, chroma)
    assert np.shares_memory(part, chroma)
    error = np.abs(bgr(roi.of(luma), part).astype(int) - roi.of(whole))
    assert np.mean(error) < 3
    assert chroma_within(roi, luma, None) is None


@pytest.mark.parametrize("packed", FORMATS)
def test_a_coloured_mark_that_luma_hides_is_painted_over(packed):
    where, read = Roi(500, 300, 60, 24), ScreenReader(stream=True)
    for index in range(70):
        shown = screen(np.roll(PICTURE, index, axis=1))
        if index > 5:
            where.of(shown)[:] = (60, 20, 114)  # as bright as the tissue
        luma, chroma = packed(shown)
        scan = read(Frame(luma, index * 40_000_000, index, chroma=chroma)).scan
    assert scan.marks is not None
    assert scan.marks[where.y - scan.roi.y + 12, where.x - scan.roi.x + 30]


def test_the_watch_holds_whatever_memory_a_frame_lies_in():
    """A source that runs short of buffers hands out a copy now and then."""
    read, count = ScreenReader(stream=True), 0
    read_layout = read._learn

    def counted(*args):
        nonlocal count
        count += 1
        return read_layout(*args)

    read._learn = counted
    for index in range(6):
        luma, chroma = uyvy(screen(np.roll(PICTURE, index, axis=1)))
        frame = Frame(luma, index * 40_000_000, index, chroma=chroma)
        frame = frame if index % 2 else replace(frame, pixels=luma.copy(), chroma=chroma.copy())
        assert read(frame).scan is not None
    assert count == 1


@pytest.mark.parametrize("packed", FORMATS)
def test_of_a_steady_frame_the_picture_alone_is_copied(packed):
    """Counted: what is allocated while a frame is read is no copy of it; the picture goes into memory kept for it."""
    frames = []
    for index in range(12):
        luma, chroma = packed(screen(np.roll(PICTURE, index, axis=1)))
        frames.append(Frame(luma, index * 40_000_000, index, chroma=chroma))
    read = ScreenReader(stream=True)
    for frame in frames[:-4]:
        read(frame)
    grey = read(frames[-4]).scan.pixels
    tracemalloc.start()
    try:
        for frame in frames[-3:]:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            scan = read(frame).scan
            assert tracemalloc.get_traced_memory()[1] - before < luma.size // 10
            assert np.shares_memory(scan.pixels, grey)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("fps", [2, 10, 12, 30])
def test_colour_that_comes_and_goes_is_told_within_half_a_second(fps):
    read, come, gone, shares = ScreenReader(stream=True), 2 * fps, 4 * fps, []
    for index in range(6 * fps):
        shown = screen(np.roll(PICTURE, 7 * index, axis=1))
        shown = coloured(shown) if come <= index < gone else shown
        shares.append(read(Frame(shown, round(index / fps * 1e9), index)).scan.colour_share)
    soon = fps // 2
    assert not any(shares[:come]) and not any(shares[gone + soon :])
    assert min(shares[come + soon : gone]) > 0.1
