"""What a screen shows is told from its content: a machine's screen, or one of the pictures of a dead input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convert.phantom import screen as machine
from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import TRANSVERSE, render
from convert.phantom.subject import draw_subject
from edge.screen.colour import to_grey
from edge.screen.roi import find_roi
from edge.screen.signal import signal_state
from edge.sources import open_source
from tests.pictures import screen, tissue

DATA = Path(__file__).parents[3] / "shared" / "data"
SIZES = ((1080, 1920), (720, 1280), (600, 800), (480, 640), (576, 720), (1920, 1080))
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_PLAIN)
SMPTE = ((1, 1, 1), (0, 1, 1), (1, 1, 0), (0, 1, 0), (1, 0, 1), (0, 0, 1), (1, 0, 0))  # BGR, white to blue
EBU = (*SMPTE, (0, 0, 0))

sizes = st.sampled_from(SIZES)
colours = st.tuples(*[st.integers(0, 255)] * 3)
seeds = st.integers(0, 2**32 - 1)


def captured(pixels, *, noise: float = 0.0, jpeg: int | None = None, seed: int = 0):
    """The picture as an analog grabber (grey levels of noise) or a compressing one (JPEG quality) delivers it."""
    if noise:
        rng = np.random.default_rng(seed)
        grain = np.rint(rng.normal(0, noise, (240, *pixels.shape[1:]))).astype(np.int16)
        grain = np.concatenate([grain] * -(-len(pixels) // 240))[: len(pixels)]
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    if jpeg:
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, jpeg])[1], cv2.IMREAD_UNCHANGED)
    return pixels


takes = st.fixed_dictionaries(
    {"noise": st.sampled_from([0.0, 1.0, 3.0]), "jpeg": st.sampled_from([None, 95, 75, 40]), "seed": seeds}
)


def one_colour(size, colour):
    return np.full((*size, 3), colour, np.uint8)


def gradient(size, dark: int, bright: int, upright: bool):
    line = np.linspace(dark, bright, size[0] if upright else size[1])
    grey = np.broadcast_to(line[:, None] if upright else line, size)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def bars(size, colours_bgr, level: int, strip: str = ""):
    """Full-screen bars, with SMPTE's lower strips: reversed bars, then boxes of dark colours."""
    edges = np.linspace(0, size[1], len(colours_bgr) + 1).astype(int)
    whole = np.zeros((*size, 3), np.uint8)
    for left, right, colour in zip(edges, edges[1:], colours_bgr, strict=False):
        whole[:, left:right] = np.multiply(colour, level)
    if strip:
        two_thirds, three_quarters = size[0] * 2 // 3, size[0] * 3 // 4
        whole[two_thirds:three_quarters] = whole[:1, ::-1]
        boxes = [(76, 33, 0), (255, 255, 255), (106, 0, 50), (19, 19, 19), (9, 9, 9), (19, 19, 19), (29, 29, 29)]
        for left, right, colour in zip(edges, edges[1:], boxes, strict=False):
            whole[three_quarters:, left:right] = colour
    return whole


def greys(size, steps: int, low: int = 0, high: int = 255):
    return bars(size, [(level, level, level) for level in np.linspace(low, high, steps)], 1)


def dongle(size, background, ink, text: str, font: int, at: tuple[float, float], height: float, box=None):
    """A capture device's own picture: a line of text, perhaps in a box, on one colour."""
    whole = one_colour(size, background)
    em = height * size[0]
    scale, thick = em / 22, max(1, round(em / 10))
    (wide, high), _ = cv2.getTextSize(text, font, scale, thick)
    if wide > 0.55 * size[1]:
        scale, high, wide = scale * 0.55 * size[1] / wide, round(high * 0.55 * size[1] / wide), round(0.55 * size[1])
    x, y = round(at[0] * (size[1] - wide - 4)) + 2, round(at[1] * (size[0] - 2 * high)) + round(1.4 * high)
    if box is not None:
        cv2.rectangle(whole, (x - high, y - 2 * high), (x + wide + high, y + high), box, cv2.FILLED)
    cv2.putText(whole, text, (x, y), font, scale, ink, thick, cv2.LINE_AA)
    return whole


@cache
def phantom(*, black: bool):
    """A wrist, or the probe in air: the ringing at the skin is all there is."""
    frame = render(draw_subject(3, 5), draw_settings(3, 5), TRANSVERSE)
    if black:
        frame.pixels[round(0.04 * len(frame.pixels)) :] //= 30
    return frame


@pytest.mark.parametrize(
    ("pixels", "state"),
    [
        (None, "unreadable"),
        (np.zeros((480, 640, 3), np.uint8), "black"),
        (np.full((480, 640, 3), 16, np.uint8), "black"),
        (np.full((480, 640, 3), (200, 30, 30), np.uint8), "flat"),
        (np.full((480, 640, 3), (90, 0, 0), np.uint8), "flat"),
        (np.full((480, 640), 90, np.uint8), "flat"),
        (screen(tissue((600, 760))), "live"),
        (tissue((300, 380)), "live"),
    ],
)
def test_the_signal(pixels, state):
    assert signal_state(pixels) == state


@settings(max_examples=40)
@given(sizes, colours, takes)
def test_one_colour_is_flat_or_black_however_it_was_captured(size, colour, take):
    state = signal_state(captured(one_colour(size, colour), **take))
    assert state in ("flat", "black")
    if max(colour) > 40:
        assert state == "flat"
    if max(colour) <= 16:
        assert state == "black"


@settings(max_examples=20)
@given(sizes, st.integers(0, 255), st.integers(0, 255), st.booleans(), takes)
def test_a_slow_gradient_is_flat(size, dark, bright, upright, take):
    assert signal_state(captured(gradient(size, dark, bright, upright), **take)) in ("flat", "black")


@settings(max_examples=40)
@given(
    sizes,
    st.sampled_from([SMPTE, EBU, EBU[::-1], ((0.4, 0.4, 0.4), *SMPTE, (0.4, 0.4, 0.4))]),
    st.sampled_from([255, 235, 191, 180]),
    st.sampled_from(["", "castellations"]),
    st.sampled_from([(0.0, 0.0), (0.125, 0.0), (0.0, 0.125), (0.03, 0.02)]),
    takes,
)
def test_colour_bars(size, colours_bgr, level, strip, border, take):
    inner = bars((480, 720), colours_bgr, level, strip)
    whole = np.zeros((*size, 3), np.uint8)
    top, left = round(border[0] * size[0]), round(border[1] * size[1])
    whole[top : size[0] - top, left : size[1] - left] = cv2.resize(inner, (size[1] - 2 * left, size[0] - 2 * top))
    assert signal_state(captured(whole, **take)) == "colour bars"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("steps", [8, 11, 16])
@pytest.mark.parametrize(("low", "high"), [(0, 255), (255, 0), (16, 235)])
def test_stairs_of_grey_are_bars(size, steps, low, high):
    assert signal_state(captured(greys(size, steps, low, high), noise=2.0)) == "colour bars"


@example(
    (576, 720),
    (0, 0, 0),
    (255, 255, 255),
    "No Video",
    0,
    (0.5, 0.5),
    0.12,
    (60, 60, 60),
    {"noise": 0.0, "jpeg": None, "seed": 0},
)
@settings(max_examples=60)
@given(
    sizes,
    st.sampled_from([(0, 0, 0), (16, 16, 16), (200, 0, 0), (120, 60, 20), (128, 128, 128), (0, 90, 0)]),
    st.sampled_from([(255, 255, 255), (235, 235, 235), (0, 255, 255)]),
    st.sampled_from(["NO SIGNAL", "No Signal", "No Video", "HDMI: no input", "Check the cable"]),
    st.sampled_from(FONTS),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.floats(0.04, 0.12),
    st.sampled_from([None, (60, 60, 60), (180, 30, 30)]),
    takes,
)
def test_the_picture_of_a_capture_device_is_no_signal(size, background, ink, text, font, at, height, box, take):
    shown = captured(dongle(size, background, ink, text, font, at, height, box), **take)
    smeared = take["jpeg"] in (40, 75)  # such letters may be "live": no picture is found on them, which blocks too
    state = signal_state(shown)
    assert state == "no signal" or (smeared and find_roi(to_grey(shown)) is None)


@pytest.mark.parametrize("black", [False, True], ids=["tissue", "probe in air"])
@pytest.mark.parametrize("console", list(machine.CONSOLES))
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (640, 480)])
@pytest.mark.parametrize("take", [{}, {"noise": 3.0}, {"jpeg": 60}], ids=["digital", "analog", "jpeg"])
def test_a_machines_screen_is_live_however_black_its_picture(width, height, console, black, take):
    shown = machine.draw_screen(phantom(black=black), machine.Display(width, height, console)).pixels
    assert signal_state(captured(shown, **take)) == "live"


def real_frames() -> Iterator[tuple[str, np.ndarray]]:
    """Each real still, and each twentieth frame of the sequences."""
    for path in (
        sorted(DATA.glob("screens/*/*"))
        + sorted(DATA.glob("framegrabber/*.mha"))
        + sorted(
            path
            for folder in ("wrist_dev/images", "nerve_regions/images", "dicom_us")
            for path in DATA.glob(f"{folder}/*")
        )
    ):
        if "LICENSE" in path.name:
            continue
        source = open_source(str(path))
        for frame in source:
            if frame.index % 20 == 0 and frame.pixels is not None:
                yield f"{path.parent.name}/{path.name} {frame.index}", frame.pixels
        source.close()


def test_real_screens_are_live_nearly_black_ones_too():
    if not DATA.is_dir():
        pytest.skip("no ../shared/data here")
    pytest.importorskip("pydicom", reason="the extra dicom is not installed")
    states = {name: signal_state(pixels) for name, pixels in real_frames()}
    assert len(states) > 250
    assert {name: state for name, state in states.items() if state != "live"} == {}


@settings(max_examples=60)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([0, 3]), seeds)
def test_any_small_picture_has_a_state_and_keeps_its_pixels(height, width, channels, seed):
    shape = (height, width, channels) if channels else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    before = pixels.copy()
    assert signal_state(pixels) in ("live", "flat", "black", "no signal", "colour bars")
    assert np.array_equal(pixels, before)


def test_a_view_into_a_larger_frame_is_read_as_a_copy_is():
    whole = screen(tissue((600, 760)))
    view = whole[100:900, 40:1800]
    assert signal_state(view) == signal_state(view.copy()) == "live"


def noise(rng, size):
    grain = rng.integers(0, 256, (*size, 3), np.uint8)
    return cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.3, 3)) if rng.random() < 0.5 else grain


def page(rng, size):
    """Lines of words from edge to edge."""
    paper, ink = (250, 20) if rng.random() < 0.5 else (10, 220)
    whole = one_colour(size, (paper,) * 3)
    for y in range(30, size[0] - 10, 26):
        words = " ".join("".join(rng.choice(list("abcdehilmnorstu"), rng.integers(2, 9))) for _ in range(size[1] // 60))
        cv2.putText(whole, words, (20, y), int(rng.integers(0, 4)), 0.7, (ink,) * 3, 1, cv2.LINE_AA)
    return whole


def some_gradient(rng, size):
    return captured(gradient(size, *rng.integers(0, 256, 2), bool(rng.integers(2))), noise=2.0 * rng.integers(2))


def some_bars(rng, size):
    return captured(bars(size, [SMPTE, EBU][rng.integers(2)], rng.integers(180, 256)), noise=2.0 * rng.integers(2))


@cache
def photographs():
    folder = Path(pytest.importorskip("skimage", reason="the extra explain is not installed").__file__).parent / "data"
    paths = [*folder.glob("*.png"), *folder.glob("*.jpg"), *DATA.glob("public_models/coral/*.[bj]*")]
    read = [cv2.imread(str(path)) for path in sorted(paths)]
    return [each for each in read if each is not None and min(each.shape[:2]) >= 64]


def photograph(rng, size):
    """A part of a photograph, drawing or micrograph, as large as the screen."""
    whole = photographs()[rng.integers(len(photographs()))]
    height, width = (int(rng.integers(side // 2, side + 1)) for side in whole.shape[:2])
    y, x = (int(rng.integers(0, left + 1)) for left in (whole.shape[0] - height, whole.shape[1] - width))
    return cv2.resize(whole[y : y + height, x : x + width], size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "states"),
    [
        (noise, {"live", "flat", "no signal"}),
        (page, {"live"}),
        (some_gradient, {"flat", "black"}),
        (some_bars, {"colour bars"}),
        (photograph, {"live", "flat", "black", "no signal"}),  # the night sky, a coin on a cloth
    ],
)
def test_nonsense_has_its_state_and_what_has_content_is_left_to_the_other_rooms(draw, states):
    rng = np.random.default_rng(11)
    found = Counter(signal_state(draw(rng, SIZES[index % len(SIZES)])) for index in range(200))
    assert set(found) <= states
