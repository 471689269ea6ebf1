"""The layout of a screen, and the cheap look that tells whether it still holds."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import TRANSVERSE, render
from convert.phantom.screen import CONSOLES, Display, Screen, draw_screen
from convert.phantom.subject import draw_subject
from edge.frame import Pixels, Roi
from edge.screen.layout import AT_ONCE, PATIENCE, LayoutWatch, layout_at, read_layout
from edge.screen.signal import signal_state

SIZES = ((1920, 1080), (800, 600))


def shown(console: str, size: tuple[int, int], *, subject: int = 3, **how: float) -> Screen:
    frame = render(draw_subject(subject, 9), draw_settings(3, 9, px_across=320), TRANSVERSE)
    mm = how.pop("mm_per_px", None)
    return draw_screen(frame, Display(*size, console, mm), index=int(how.pop("index", 3)), **how)


def grey(pixels: Pixels) -> Pixels:
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)


def watched(screen: Screen) -> LayoutWatch:
    return LayoutWatch(screen.pixels, read_layout([grey(screen.pixels)]))


@pytest.fixture(params=[(console, size) for console in CONSOLES for size in SIZES], ids=str)
def case(request: pytest.FixtureRequest) -> tuple[str, tuple[int, int], Screen, LayoutWatch]:
    console, size = request.param
    screen = shown(console, size)
    return console, size, screen, watched(screen)


def test_screen_that_lives_is_the_same_layout(case: tuple[str, tuple[int, int], Screen, LayoutWatch]):
    console, size, screen, watch = case
    later = shown(console, size, subject=11, index=99, at_s=3725).pixels
    screen.roi.of(later)[:] = 255 - screen.roi.of(later)[::-1]  # whatever the tissue does
    cursor = later.copy()
    cv2.rectangle(cursor, (size[0] // 2, 4), (size[0] // 2 + 8, 20), (255, 255, 255), -1)
    gain = later.copy()
    em = Display(*size).em
    x = round(0.7 * em) + (
        0 if CONSOLES[console].panel == "left" else round(size[0] - CONSOLES[console].panel_lines * em)
    )
    cv2.putText(gain, "88", (x + 2 * em, round(10.2 * em)), cv2.FONT_HERSHEY_SIMPLEX, em / 31, (255, 255, 255), 2)
    compressed = cv2.imdecode(cv2.imencode(".jpg", later, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)
    for name, pixels in {"clock": later, "cursor": cursor, "gain": gain, "compressed": compressed}.items():
        assert watch.holds(pixels), name


def test_another_layout_is_noticed(case: tuple[str, tuple[int, int], Screen, LayoutWatch]):
    console, size, screen, watch = case
    width, height = size
    other = list(CONSOLES)[(list(CONSOLES).index(console) + 1) % len(CONSOLES)]
    over, aside = screen.pixels.copy(), screen.pixels.copy()
    cv2.rectangle(over, (width // 4, height // 4), (width * 3 // 4, height * 3 // 4), (90, 80, 70), -1)
    cv2.rectangle(aside, (width // 20, height // 3), (width // 3, height * 2 // 3), (90, 80, 70), -1)
    changed = {
        "zoomed out": shown(console, size, mm_per_px=screen.mm_per_px * 1.25).pixels,
        "another console": shown(other, size).pixels,
        "menu over the picture": over,
        "menu beside it": aside,
        "half the size": screen.pixels[::2, ::2],
    }
    for name, pixels in changed.items():
        assert not watch.holds(pixels), name
    assert watch.holds(screen.pixels)


def test_a_layout_that_holds_vouches_for_a_screen_that_is_live(case: tuple[str, tuple[int, int], Screen, LayoutWatch]):
    _, (width, height), screen, watch = case
    assert watch.vouches
    lost = np.full_like(screen.pixels, (200, 0, 0))
    cv2.putText(lost, "NO SIGNAL", (width // 3, height // 2), cv2.FONT_HERSHEY_SIMPLEX, 2, (255, 255, 255), 3)
    bars = np.repeat(np.linspace(255, 0, 8).astype(np.uint8), width // 8)[None, :, None]
    for name, pixels in {
        "black": np.zeros_like(screen.pixels),
        "limited black": np.full_like(screen.pixels, 16),
        "blue": np.full_like(screen.pixels, (255, 0, 0)),
        "no signal": lost,
        "bars": np.broadcast_to(bars, screen.pixels.shape).copy(),
    }.items():
        assert signal_state(pixels) != "live", name
        assert not watch.holds(pixels), name


def test_a_picture_alone_vouches_for_nothing():
    picture = grey(shown("console-a", SIZES[0]).pixels)[200:700, 700:1300]
    assert not LayoutWatch(picture, read_layout([picture])).vouches


def test_ruler_at_another_depth_is_noticed_though_the_picture_stays(
    case: tuple[str, tuple[int, int], Screen, LayoutWatch],
):
    _, size, screen, watch = case
    em = Display(*size).em
    deeper = screen.pixels.copy()
    at = Roi(screen.ruler.x - em, screen.roi.y, 2 * em, screen.roi.height)
    background = screen.pixels[screen.roi.y + 3, screen.ruler.x]
    ticks = at.of(deeper).copy()
    at.of(deeper)[:] = background
    shorter = cv2.resize(ticks, (at.width, round(at.height / 1.2)), interpolation=cv2.INTER_AREA)
    at.of(deeper)[: len(shorter)] = shorter
    screen.roi.of(deeper)[:] = screen.roi.of(screen.pixels)
    assert not watch.holds(deeper)


def test_no_change_is_tolerated_at_an_anchor():
    screen = shown("console-a", (1280, 720))
    beyond = screen.roi.x + screen.roi.width + 8 * Display(1280, 720).em
    anchor = next(box for box in screen.text_boxes if box.x > beyond and box.y > screen.roi.y + 100)
    changed = screen.pixels.copy()
    anchor.of(changed)[:] = anchor.of(changed)[:, ::-1]
    layout = read_layout([grey(screen.pixels)])
    assert LayoutWatch(screen.pixels, layout).holds(changed)
    assert not LayoutWatch(screen.pixels, layout, [anchor]).holds(changed)


def test_picture_that_grows_is_noticed():
    screen = shown("console-a", (1280, 720))
    shallow = screen.pixels.copy()
    lower = Roi(screen.roi.x, screen.roi.y + screen.roi.height // 3, screen.roi.width, screen.roi.height * 2 // 3)
    lower.of(shallow)[:] = 0
    layout = read_layout([grey(shallow)])
    assert layout.picture is not None
    assert layout.picture.roi.height < 0.5 * screen.roi.height
    assert not LayoutWatch(shallow, layout).holds(screen.pixels)


def test_what_never_rests_is_left_alone_for_a_while():
    screen = shown("console-a", (1280, 720))
    layout = read_layout([grey(screen.pixels)])
    random = np.random.default_rng(0)

    def traced() -> Pixels:
        pixels = screen.pixels.copy()
        pixels[-12:, ::9] = random.integers(0, 256, pixels[-12:, ::9].shape)
        pixels[-12:, :200] = screen.pixels[-12:, :200]
        return pixels

    watch, read = LayoutWatch(traced(), layout), 0
    for _ in range(600):
        frame = traced()
        if not watch.holds(frame):
            watch, read = watch.again(frame, layout), read + 1
    assert 1 <= read <= 10  # 30 + 60 + 120 + 240 frames, and a few to find all of it
    menu = frame.copy()
    cv2.rectangle(menu, (60, 200), (400, 500), (90, 80, 70), -1)
    assert not watch.holds(menu)
    assert PATIENCE[0] >= AT_ONCE


def test_picture_as_large_as_the_screen_can_be_watched():
    screen = shown("console-a", (800, 600))
    bare = np.ascontiguousarray(screen.roi.of(screen.pixels))
    layout = read_layout([grey(bare)])
    assert layout.picture is not None
    watch = LayoutWatch(bare, layout)
    assert watch.holds(bare[::-1])
    assert not watch.holds(np.full_like(bare, 90))


def two_views(left: int, right: int) -> Pixels:
    """Two equal pictures on a grey screen."""
    pixels = np.zeros((720, 1280), np.uint8)
    for x, subject in ((60, left), (680, right)):
        picture = render(draw_subject(subject, 9), draw_settings(2, 9, px_across=320), TRANSVERSE).pixels[:300]
        large = cv2.resize(picture, None, fx=1.7, fy=1.7, interpolation=cv2.INTER_CUBIC)
        pixels[80 : 80 + large.shape[0], x : x + large.shape[1]] = large
    return pixels


def test_two_views_are_ambiguous_until_one_alone_moves():
    still = read_layout([two_views(2, 5)])
    assert still.ambiguous
    assert len(still.others) == 1
    assert read_layout([two_views(2, 5), two_views(8, 11)]).ambiguous
    active = read_layout([two_views(2, 5), two_views(2, 11)])
    assert not active.ambiguous
    assert active.picture is not None
    assert active.picture.roi.x > 640


def test_screen_without_a_picture():
    pixels = np.full((600, 800, 3), 40, np.uint8)
    cv2.putText(pixels, "Patient list", (60, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 3)
    layout = read_layout([grey(pixels)])
    assert layout.picture is None
    assert not layout.ambiguous
    watch = LayoutWatch(pixels, layout)
    assert watch.holds(pixels)
    assert not watch.holds(shown("console-a", (800, 600)).pixels)


def test_looks_within_a_region_and_takes_a_stated_place():
    screen = shown("console-b", (1280, 720))
    half = Roi(200, 40, 1000, 640)
    layout = read_layout([grey(screen.pixels)], within=half)
    assert layout.picture is not None
    assert abs(layout.picture.roi.x - screen.roi.x) <= 3
    assert abs(layout.picture.roi.y - screen.roi.y) <= 3
    corners = ((0.0, 0.0), (100.0, 0.0), (50.0, 80.0))
    stated = layout_at(screen.pixels, Roi(300, 100, 100, 80), corners)
    assert stated.picture is not None
    assert (stated.picture.roi, stated.outline, stated.shape) == (Roi(300, 100, 100, 80), corners, (720, 1280))
    assert LayoutWatch(screen.pixels, stated).holds(screen.pixels)


def test_picture_that_comes_back_is_noticed():
    screen = shown("console-b", (1280, 720))
    empty = screen.pixels.copy()
    screen.roi.of(empty)[:] = empty[screen.roi.y - 2, screen.roi.x]
    layout = read_layout([grey(empty)])
    assert layout.picture is None
    watch = LayoutWatch(empty, layout)
    assert watch.holds(empty)
    assert not watch.holds(screen.pixels)


def test_look_at_a_1080p_frame_takes_less_than_a_fifth_of_a_millisecond():
    screen = shown("console-a", (1920, 1080))
    watch = watched(screen)
    times = []
    for _ in range(200):
        begin = time.perf_counter()
        watch.holds(screen.pixels)
        times.append(time.perf_counter() - begin)
    assert np.median(times) < 0.0002
