"""What is set while one looks is painted over soon, and a recording comes out the same however fast it is played."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from edge.frame import Frame, Roi
from edge.screen.later import USED_AFTER_NS
from edge.screen.read import ScreenReader
from edge.screen.turns import RESTS_NS
from tests.edge.test_screen_marks import FONTS, ink, painted, tissue

FPS = 30
BOX = Roi(160, 120, 640, 480)
SET_AT = 20  # frame


def frames(count: int = 3 * FPS):
    """A living picture in which a name is typed."""
    name = ink((480, 640), "SMITH John", 18, (0.5, 0.5), FONTS[0])
    for index in range(count):
        screen = np.full((720, 960, 3), 40, np.uint8)
        picture = np.roll(tissue(3), index, axis=0)
        BOX.of(screen)[:] = (painted(picture, name, 235) if index >= SET_AT else picture)[..., None]
        yield Frame(screen, round(index / FPS * 1e9), index)


def marked(pause_s: float = 0.0) -> list[int]:
    """Of each frame, how many of its pixels are painted over."""
    read, counts = ScreenReader(stream=True, roi=BOX), []
    for frame in frames():
        scan = read(frame).scan
        assert scan is not None
        counts.append(0 if scan.marks is None else int(np.count_nonzero(scan.marks)))
        time.sleep(pause_s)
    return counts


def test_a_name_typed_over_a_living_picture_is_painted_over_within_a_second_and_a_half():
    counts = marked()
    assert not any(counts[:SET_AT])
    soon = SET_AT + round((RESTS_NS["marks"] + USED_AFTER_NS) * FPS / 1e9) + 2
    assert all(count > 1000 for count in counts[soon:])


def test_a_recording_comes_out_the_same_however_fast_it_is_played():
    assert marked() == marked(pause_s=0.02)


@pytest.mark.parametrize("back_ns", [1, 10_000_000_000])
def test_a_clock_set_back_begins_anew(back_ns):
    read = ScreenReader(stream=True, roi=BOX)
    shown = list(frames(2 * FPS))
    for frame in shown:
        read(frame)
    later = [Frame(frame.pixels, frame.timestamp_ns - back_ns, frame.index) for frame in shown]
    counts = [read(frame).scan.marks is not None for frame in later[SET_AT:] + later[SET_AT:]]
    assert counts[-1]


def test_the_picture_is_not_kept_in_the_callers_memory():
    """A source may use a frame's memory again while it is looked at."""
    read, count = ScreenReader(stream=True, roi=BOX), 0
    memory = np.empty((720, 960, 3), np.uint8)
    for frame in frames():
        np.copyto(memory, frame.pixels)
        scan = read(Frame(memory, frame.timestamp_ns, frame.index)).scan
        cv2.randu(memory, 0, 256)
        count = 0 if scan.marks is None else int(np.count_nonzero(scan.marks))
    assert count > 1000
    assert count == marked()[-1]
