"""Held frames given again: when they were due, on a clock that runs on, on smaller screens."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from edge.bench.replay import Replay, hold, scaled
from edge.frame import Frame, Roi, Spacing
from tests.pictures import Listed, frame, screen, tissue, wrist


def test_a_paced_replay_drops_what_was_overtaken_and_stamps_what_was_due():
    period_ns = 10_000_000
    taken = []
    for each in Replay([frame(tissue())], count=20, stream=True, fps=1e9 / period_ns):
        assert time.monotonic_ns() >= each.timestamp_ns
        taken.append((each.index, each.timestamp_ns))
        time.sleep(0.035)  # three and a half periods
    indices, stamps = map(np.array, zip(*taken, strict=True))
    assert (np.diff(indices) >= 3).all()
    assert len(taken) <= 7
    assert indices[-1] < 20
    assert np.diff(stamps) == pytest.approx(np.diff(indices) * period_ns, abs=2)


def test_a_paced_replay_that_keeps_up_drops_nothing():
    started = time.monotonic()
    assert [each.index for each in Replay([frame(tissue())], 10, True, fps=50.0)] == list(range(10))
    assert time.monotonic() - started >= 9 / 50


def test_waits_and_cpu_are_those_of_the_frames():
    replay = Replay([frame(tissue())], 5, True, fps=100.0)
    for _ in replay:
        until = time.process_time() + 0.025  # two and a half periods, busy
        while time.process_time() < until:
            pass
    assert len(replay.waits_ns) < 5
    assert max(replay.waits_ns) > 1e6
    assert replay.cpu_ns >= 25e6 * len(replay.waits_ns)


def test_the_clock_of_a_recording_runs_on_when_it_is_repeated():
    held = [replace(frame(tissue(), index=i), taken_ns=5 + 40 * i) for i in range(3)]
    assert [each.taken_ns for each in Replay(held, 8, True)] == [5 + 40 * i for i in range(8)]
    later = list(Replay(held, 4, True, first=7))
    assert [(each.index, each.taken_ns) for each in later] == [(i, 5 + 40 * i) for i in range(7, 11)]
    assert {each.taken_ns for each in Replay([frame(tissue())], 3, True)} == {None}


def test_what_is_held_is_a_copy_with_the_gaps_of_its_memory():
    packed = np.random.default_rng(0).integers(0, 256, (40, 2 * 64), np.uint8)  # luma, chroma, luma, chroma ...
    luma, chroma = packed[:, ::2], packed[:, 1::2].reshape(40, 32, 2)
    (held,) = hold(Listed([Frame(pixels=luma, timestamp_ns=0, index=0, chroma=chroma)]))
    assert np.array_equal(held.pixels, luma)
    assert np.array_equal(held.chroma, chroma)
    assert held.pixels.strides == luma.strides
    packed[:] = 0
    assert held.pixels.any()
    assert held.chroma.any()


def test_a_smaller_screen_has_larger_pixels():
    whole = replace(
        frame(screen(wrist()), mm_per_px=None, whole=False),
        spacing=Spacing(0.1, "dicom"),
        region=Roi(200, 90, 380, 300),
    )
    small = scaled(whole, 480 / 1080)
    assert small.pixels.shape == (480, 853, 3)
    assert small.spacing.mm_per_px == pytest.approx(0.1 * 1080 / 480)
    assert small.spacing.provenance == "dicom"
    assert small.region == Roi(88, 40, 169, 133)
    assert small.region.fits(small.pixels)
    assert small.pixels[40:173, 88:257].mean() == pytest.approx(whole.pixels[90:390, 200:580].mean(), abs=1.0)
    assert scaled(whole, 1.0) is whole
    assert scaled(Frame(pixels=None, timestamp_ns=0, index=0), 0.5).pixels is None


@pytest.mark.parametrize("shape", [(540, 960, 2), (1080, 960, 2), (1080, 1920, 2)])
def test_colour_stays_as_many_times_smaller(shape):
    planes = Frame(np.zeros((1080, 1920), np.uint8), 0, 0, chroma=np.full(shape, 128, np.uint8))
    small = scaled(planes, 480 / 1080)
    down, across = 1080 // shape[0], 1920 // shape[1]
    assert small.pixels.shape == (small.chroma.shape[0] * down, small.chroma.shape[1] * across)
    assert small.pixels.shape[0] == 480
    assert abs(small.pixels.shape[1] - 853.3) < 1.4
    assert (small.chroma == 128).all()
