"""Finding the ultrasound picture: on simulated screens with their truth, on real pictures, and on what is none."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.clip import DISPLAY
from convert.phantom.frames import FOREARM, LONGITUDINAL, TRANSVERSE, render
from convert.phantom.screen import CONSOLES, SIZES, Display, draw_screen
from convert.phantom.subject import draw_subject
from edge.frame import Roi
from edge.screen.roi import find_roi
from edge.sources import open_source

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="no folder shared/data beside the repository")
PLANES = (TRANSVERSE, FOREARM, LONGITUDINAL)


def iou(one: Roi, other: Roi) -> float:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0, wide) * max(0, high)
    return both / (one.width * one.height + other.width * other.height - both)


def page(size: tuple[int, int], em: int, ink: int, paper: int) -> np.ndarray:
    """A screen (W, H) full of text, lines 1.5 `em` apart."""
    grey = np.full(size[::-1], paper, np.uint8)
    for number, y in enumerate(range(2 * em, size[1], round(1.5 * em))):
        text = f"{number:03d} Lorem ipsum dolor sit amet, consectetur adipiscing elit 0123456789 " * 4
        cv2.putText(grey, text, (em, y), cv2.FONT_HERSHEY_SIMPLEX, em / 31, ink, max(1, em // 16), cv2.LINE_AA)
    return grey


@pytest.mark.parametrize(("console", "size"), list(itertools.product(CONSOLES, SIZES)))
def test_picture_is_found_on_every_layout(console: str, size: tuple[int, int]):
    index = list(CONSOLES).index(console) * len(SIZES) + SIZES.index(size)
    frame = render(draw_subject(index, 9), draw_settings(index, 9, px_across=320), PLANES[index % 3])
    screen = draw_screen(frame, Display(*size, console), index=3)
    found = find_roi(cv2.cvtColor(screen.pixels, cv2.COLOR_BGR2GRAY))
    assert found is not None
    assert iou(found, screen.roi) >= 0.95


@pytest.mark.parametrize("index", range(12))
def test_bare_picture_is_its_own_roi(index: int):
    frame = render(
        draw_subject(index, 9), draw_settings(index, 9, px_across=(160, 240, 320)[index % 3]), PLANES[index % 3]
    )
    found = find_roi(frame.pixels)
    assert found is not None
    assert found.width * found.height >= 0.95 * frame.pixels.size


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_found_where_nothing_is(size: tuple[int, int]):
    width, height = size
    across, down = np.linspace(0, 255, width)[None], np.linspace(0, 255, height)[:, None]
    nothings = {
        "black": np.zeros((height, width)),
        "flat": np.full((height, width), 77),
        "bars": np.repeat(np.repeat([[235, 210, 170, 150, 110, 90, 50, 16]], width // 8, axis=1), height, axis=0),
        "gradient across": np.repeat(across, height, axis=0),
        "gradient down": np.repeat(down, width, axis=1),
        "gradient both ways": across * down / 255,
        "steep gradient": np.repeat(across * 4 % 256, height, axis=0),
        "white noise": np.random.default_rng(0).integers(0, 256, (height, width)),
    }
    found = {name: find_roi(np.ascontiguousarray(picture, np.uint8)) for name, picture in nothings.items()}
    assert found == dict.fromkeys(nothings)


@pytest.mark.parametrize(("ink", "paper"), [(230, 20), (20, 240), (140, 70)])
@pytest.mark.parametrize("em", [11, 18, 40])
@pytest.mark.parametrize("size", SIZES)
def test_text_is_no_picture(size: tuple[int, int], em: int, ink: int, paper: int):
    assert find_roi(page(size, em, ink, paper)) is None


def test_picture_beside_a_larger_page_of_text_is_found():
    frame = render(draw_subject(0, 9), draw_settings(0, 9, px_across=320))
    grey = page((1920, 1080), 14, 230, 20)
    place = Roi(1500, 40, *frame.pixels.shape[::-1])
    grey[place.y - 30 : place.y + place.height + 30, place.x - 30 :] = 20
    place.of(grey)[:] = frame.pixels
    found = find_roi(grey)
    # 320 x 224 is a small part of a 1080p screen, below what counts as a picture; twice the size is not.
    assert found is None
    twice = cv2.resize(frame.pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    place = Roi(1200, 40, *twice.shape[::-1])
    grey[: place.y + place.height + 30, place.x - 30 :] = 20
    place.of(grey)[:] = twice
    found = find_roi(grey)
    assert found is not None
    assert iou(found, place) >= 0.9


def test_tiny_pictures_are_refused():
    assert find_roi(np.random.default_rng(0).integers(0, 255, (31, 400)).astype(np.uint8)) is None


def test_takes_less_than_20_ms_for_1080p():
    frame = render(draw_subject(1, 9), draw_settings(1, 9, px_across=320))
    grey = cv2.cvtColor(draw_screen(frame, Display(DISPLAY.width, DISPLAY.height)).pixels, cv2.COLOR_BGR2GRAY)
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        find_roi(grey)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.020


@real
def test_real_wrists_are_found_whole_but_for_a_dark_floor():
    for path in sorted((SHARED / "wrist_dev" / "images").iterdir()):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        found = find_roi(grey)
        assert found is not None, path.name
        assert (found.x, found.y) == (0, 0), path.name
        assert found.width >= 0.98 * grey.shape[1], path.name
        assert found.height >= 0.65 * grey.shape[0], path.name


@real
def test_real_nerves_lie_in_the_picture_that_is_found():
    for path in sorted((SHARED / "nerve_regions" / "images").iterdir())[::4]:
        found = find_roi(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
        nerve = cv2.imread(str(SHARED / "nerve_regions" / "masks" / path.name), cv2.IMREAD_GRAYSCALE) > 0
        assert found is not None, path.name
        assert np.count_nonzero(found.of(nerve)) >= 0.99 * np.count_nonzero(nerve), path.name


@real
@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("BoneUltrasound_L14", Roi(176, 2, 467, 613)),
        ("SegmentationTest_VLCUS_RandomStepperMotionData2", None),  # wires in water: nearly black, and a menu of text
        ("USTC_FrameGrabber_ProbeRotationData", None),
    ],
)
def test_frame_grabber_sequences(sequence: str, expected: Roi | None):
    source = open_source(str(SHARED / "framegrabber" / f"{sequence}.igs.mha"))
    frames = list(source)
    source.close()
    for frame in frames[:: max(1, len(frames) // 5)]:
        found = find_roi(frame.pixels if frame.pixels.ndim == 2 else cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY))
        assert (found is None) == (expected is None)
        if found and expected:
            assert iou(found, expected) >= 0.9
