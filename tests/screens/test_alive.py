"""Is it alive? A frozen picture and a lost signal give no grade, and life is seen again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.findings import Reason
from edge.frame import Pixels
from edge.pipeline import Pipeline
from edge.report import Report
from edge.sources import open_source
from tests.screens.shown import (
    FPS,
    GRABBED,
    OWN_SCREENS,
    SIZE,
    first,
    living,
    looped,
    needs_shared,
    parts,
    play,
    reasons,
    shown,
    with_clock,
    wrist,
    write_video,
)

HISS = (
    np.random.default_rng(1).normal(0, 1.5, (SIZE[1], SIZE[0], 3)).round().clip(-8, 8).astype(np.int8).astype(np.uint8)
)
CAPTURES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "digital": lambda pixels, rng: pixels,
    "analog": lambda pixels, rng: np.roll(HISS, int(rng.integers(HISS.size))) + np.clip(pixels, 8, 247),
    "JPEG": lambda pixels, rng: cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1),
}


class TestFrozen:
    @pytest.mark.parametrize("capture", ["digital", "analog", pytest.param("JPEG", marks=pytest.mark.slow)])
    def test_no_grade_from_a_still_picture_whatever_its_clock_says(self, stream: Pipeline, capture: str):
        rng = np.random.default_rng(5)
        still = [shown(wrist(), at_s=10 + number / FPS).pixels for number in range(2 * FPS)]
        pictures = [*looped(living(), 1.2), *still, *looped(living(), 2.1)]
        seen = play(stream, [CAPTURES[capture](each, rng) for each in pictures])
        before, frozen, after = parts(seen, 1.2, 2.0)
        assert reasons(before) == {None}
        assert first(frozen, lambda each: each.signal == "frozen") <= 1.0
        assert reasons(frozen[FPS:]) == {Reason.FROZEN}
        assert first(after, lambda each: each.grade.gradable) <= 2.0 and reasons(after[2 * FPS :]) == {None}

    @needs_shared
    @pytest.mark.parametrize(
        ("recording", "clock"),
        [
            (GRABBED / "BoneUltrasound_L14.igs.mha", (8, 24)),
            (OWN_SCREENS / "itkpocus/butterfly-ocular-phantom.mp4", (8, 150)),
        ],
        ids=["bone", "eye"],
    )
    def test_real_recording_that_stands_still(self, stream: Pipeline, recording: Path, clock: tuple[int, int]):
        there = [frame.pixels for frame in open_source(str(recording))][:20]
        alive = looped([*there, *there[::-1]], 1.5)
        still = with_clock(there[10], 2.0, clock)
        before, frozen, after = parts(play(stream, [*alive, *still, *alive]), 1.5, 2.0)
        assert {each.signal for each in before} == {"live"}
        assert {each.signal for each in frozen[FPS:]} == {"frozen"} and reasons(frozen[FPS:]) == {Reason.FROZEN}
        assert first(after, lambda each: each.scan is not None) <= 0.5  # looked at again
        assert {each.signal for each in after[FPS:]} == {"live"}


def no_signal(number: int) -> Pixels:
    """What a capture device shows when nothing is plugged in: a box that wanders."""
    screen = np.full((SIZE[1], SIZE[0], 3), (120, 30, 10), np.uint8)
    x, y = 80 + 3 * number % 800, 60 + 2 * number % 500
    cv2.rectangle(screen, (x, y), (x + 300, y + 90), (230, 230, 230), cv2.FILLED)
    cv2.putText(screen, "NO SIGNAL", (x + 40, y + 60), cv2.FONT_HERSHEY_DUPLEX, 1.2, (20, 20, 20), 2, cv2.LINE_AA)
    return screen


def colour_bars(number: int) -> Pixels:
    colours = np.array([(191,) * 3, (0, 191, 191), (191, 191, 0), (0, 191, 0), (191, 0, 191), (0, 0, 191), (191, 0, 0)])
    row = colours[np.arange(SIZE[0]) * len(colours) // SIZE[0]].astype(np.uint8)
    return np.broadcast_to(row, (SIZE[1], *row.shape))


def one_colour(*colour: int) -> Callable[[int], Pixels]:
    return lambda number: np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("reason", "seconds", "screen"),
    [
        (Reason.NO_SIGNAL, 30.0, no_signal),
        (Reason.BLACK, 5.0, one_colour(16, 16, 16)),
        (Reason.FLAT, 5.0, one_colour(200, 40, 10)),
        (Reason.COLOUR_BARS, 5.0, colour_bars),
    ],
)
def test_sweep_with_the_signal_lost_in_its_middle(stream: Pipeline, reason, seconds, screen):
    some = [screen(10 * number) for number in range(10)]
    seen = play(stream, [*looped(living(), 1.2), *looped(some, seconds), *looped(living(), 2.1)])
    before, without, after = parts(seen, 1.2, seconds)
    assert reasons(before) == {None}
    assert reasons(without) == {reason} and not any(each.grade.gradable or each.scan for each in without)
    assert first(after, lambda each: each.grade.gradable) <= 2.0 and reasons(after[2 * FPS :]) == {None}


def test_video_that_freezes_and_loses_its_signal(examined: Callable[..., tuple[Report, str]], tmp_path: Path):
    still = [shown(wrist(), at_s=10 + number / FPS).pixels for number in range(2 * FPS)]
    gone = [no_signal(number) for number in range(FPS)]
    alive = looped(living(), 1.0)
    clip = write_video(tmp_path / "clip.mp4", [*alive, *still, *alive, *gone, *alive])
    report, told = examined("run", "--source", clip)
    seen = [(frame.signal, frame.reason) for frame in report.frames]
    assert len(seen) == 6 * FPS
    assert set(seen[2 * FPS : 3 * FPS]) == {("frozen", Reason.FROZEN)}
    assert set(seen[4 * FPS : 5 * FPS]) == {("no signal", Reason.NO_SIGNAL)}
    for alive_again in (seen[:FPS], seen[3 * FPS + 3 : 4 * FPS], seen[5 * FPS + 3 :]):
        assert set(alive_again) == {("live", None)}
    assert "frozen picture" in told and report.clip.frames_graded == report.clip.frames_total - sum(
        reason is not None for _, reason in seen
    )
