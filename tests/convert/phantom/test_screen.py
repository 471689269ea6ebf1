"""Machine screens: what their truth says is what their pixels show."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.clip import SEED, SUBJECT, demo_screens
from convert.phantom.frames import LONGITUDINAL, TRANSVERSE, PhantomFrame, Plane, render
from convert.phantom.screen import CONSOLES, SIZES, Display, Screen, draw_screen
from convert.phantom.subject import draw_subject
from edge.frame import Roi
from edge.sources import open_source

ASSETS = Path(__file__).resolve().parents[3] / "edge" / "assets"

FRAMES = [render(draw_subject(index, 9), draw_settings(index, 9, px_across=320)) for index in range(4)]
LAYOUTS = list(itertools.product(CONSOLES, SIZES))


def layout_id(layout: tuple[str, tuple[int, int]]) -> str:
    return f"{layout[0]}-{layout[1][0]}x{layout[1][1]}"


def frame_of(layout: tuple[str, tuple[int, int]]) -> PhantomFrame:
    return FRAMES[LAYOUTS.index(layout) % len(FRAMES)]


def screen_of(layout: tuple[str, tuple[int, int]], index: int | None = 17) -> Screen:
    console, size = layout
    return draw_screen(frame_of(layout), Display(*size, console), index=index)


def overlap(one: Roi, other: Roi) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.y + other.height and other.y < one.y + one.height


@pytest.fixture(params=LAYOUTS, ids=layout_id)
def layout(request):
    return request.param


def test_picture_and_mask_lie_in_the_roi_at_the_stated_scale(layout):
    screen, frame = screen_of(layout), frame_of(layout)
    assert screen.pixels.shape == (*screen.mask.shape, 3) == (*layout[1][::-1], 3)
    assert screen.roi.fits(screen.pixels)
    assert screen.mask.sum() == screen.roi.of(screen.mask).sum()
    height, width = frame.pixels.shape
    for got, full in ((screen.roi.width, width), (screen.roi.height, height)):
        assert 0 <= full * frame.mm_per_px / screen.mm_per_px - got < 1
    assert screen.mask.sum() * screen.mm_per_px**2 == pytest.approx(frame.csa_mm2, rel=0.02)
    back = cv2.resize(screen.roi.of(screen.pixels)[..., 0], (width, height), interpolation=cv2.INTER_AREA)
    smooth = [cv2.GaussianBlur(pixels, (0, 0), 4).astype(float) for pixels in (back, frame.pixels)]
    assert np.abs(smooth[0] - smooth[1]).mean() < 2.0


def test_ticks_on_the_screen_are_a_centimetre_apart(layout):
    """Read from the pixels at the ruler's column, not from the truth."""
    screen = screen_of(layout)
    column = screen.pixels[:, screen.ruler.x].astype(int).sum(axis=1)
    inside = slice(screen.roi.y, screen.roi.y + screen.roi.height + 1)
    background = sum(CONSOLES[layout[0]].background)
    rows = screen.roi.y + np.flatnonzero(np.abs(column[inside] - background) > 60)
    assert tuple(rows) == screen.ruler.rows
    assert rows[0] == screen.roi.y
    every_cm = rows[:: round(10 / screen.ruler.tick_mm)]
    assert len(every_cm) >= 2
    assert np.abs(np.diff(every_cm) - 10 / screen.mm_per_px).max() < 1e-6


def test_text_boxes_hold_all_text_and_leave_the_picture_alone(layout):
    screen = screen_of(layout)
    assert len(screen.text_boxes) >= 15
    for box in screen.text_boxes:
        assert box.fits(screen.pixels)
        assert not overlap(box, screen.roi)
        assert box.of(screen.pixels).std() > 5  # there is ink in it
    for one, other in itertools.combinations(screen.text_boxes, 2):
        assert not overlap(one, other)


def test_picture_is_untouched_by_the_screen_about_it(layout):
    screen = screen_of(layout)
    plain = draw_screen(frame_of(layout), Display(4000, 3000, layout[0], screen.mm_per_px))
    assert np.array_equal(screen.roi.of(screen.pixels), plain.roi.of(plain.pixels))
    inside = screen.roi.of(screen.pixels)
    assert np.array_equal(inside[..., 0], inside[..., 1])
    assert np.array_equal(inside[..., 0], inside[..., 2])


def test_only_the_banner_changes_with_the_index(layout):
    without, some, other = (screen_of(layout, index) for index in (None, 17, 18))
    assert len(some.text_boxes) == len(without.text_boxes) + 1
    rows, columns = np.nonzero((some.pixels != other.pixels).any(axis=2))
    assert len(rows)
    box = next(box for box in some.text_boxes if box not in without.text_boxes)
    assert rows.min() >= box.y - 1
    assert rows.max() <= box.y + box.height
    assert columns.min() >= box.x - 1


def test_given_scale_is_kept_and_a_picture_too_large_is_refused():
    frame = FRAMES[0]
    screen = draw_screen(frame, Display(1920, 1080, mm_per_px=0.05))
    assert screen.mm_per_px == 0.05
    assert screen.roi.width == int(frame.pixels.shape[1] * frame.mm_per_px / 0.05)
    with pytest.raises(ValueError, match="does not fit"):
        draw_screen(frame, Display(640, 480, mm_per_px=0.05))


def test_clock_runs_with_the_exam():
    early, late = (draw_screen(FRAMES[0], Display(800, 600), at_s=at) for at in (0.0, 2.5))
    changed = np.nonzero((early.pixels != late.pixels).any(axis=2))[0]
    assert len(changed)
    assert changed.max() < early.roi.y


def test_machine_of_the_settings_gives_the_layout():
    frame = FRAMES[0]
    handheld = PhantomFrame(
        frame.pixels, frame.mask, frame.subject, replace(frame.settings, machine="handheld-d"), frame.plane
    )
    by_machine = draw_screen(handheld, Display(800, 600))
    assert np.array_equal(by_machine.pixels, draw_screen(handheld, Display(800, 600, "handheld-d")).pixels)


@pytest.mark.parametrize("plane", [TRANSVERSE, LONGITUDINAL], ids=lambda plane: plane.view)
def test_packaged_clip_is_the_one_that_is_described(plane: Plane):
    clip = next(clip for clip in json.loads((ASSETS / "demo.json").read_text())["clips"] if clip["view"] == plane.view)
    subject = draw_subject(SUBJECT, SEED)
    assert (clip["subject"], clip["grade"]) == (subject.name, subject.grade)
    assert clip.get("csa_mm2", 0) == (round(subject.csa_mm2, 2) if plane is TRANSVERSE else 0)
    source = open_source(str(ASSETS / clip["file"]))
    first, *rest = source
    source.close()
    assert len(rest) + 1 == clip["frames"] == 36
    screen = next(demo_screens(plane))
    assert screen.mm_per_px == clip["mm_per_px"]
    assert first.pixels.shape == screen.pixels.shape
    error = screen.roi.of(first.pixels).astype(float) - screen.roi.of(screen.pixels)
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 33  # dB: the codec's loss and nothing else
    assert sum((ASSETS / f"demo-{view}.mp4").stat().st_size for view in ("transverse", "longitudinal")) < 8_000_000
