"""What is painted into a picture: found wherever it stands and whatever its ink; tissue is not taken for ink."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.screen.marks import colour_share, find_marks

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="no folder shared/data beside the repository")
PHANTOMS = sorted((ROOT / "calibration_data").glob("*/images/*.png"))
NAMES = ("MUELLER, ANNA", "Smith John", "ID 4711-22", "12.03.1957", "DX", "O'Brien")
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)
WHITE, DARK = 250, 90  # ink; a level of tissue in mid-depth


def tissue(seed: int = 0, shape: tuple[int, int] = (480, 640), moved: int = 0) -> np.ndarray:
    """Speckle as a linear probe shows it, wider than deep, with brighter layers; `moved` is another look at it."""
    grain = np.random.default_rng((seed, moved)).rayleigh(1.0, shape)
    speckle = cv2.GaussianBlur(grain, (0, 0), sigmaX=2.6, sigmaY=0.9)
    speckle = (speckle - speckle.mean()) / speckle.std()
    rows = np.arange(shape[0])[:, None]
    layers = 40 * np.exp(-(((rows - 60 - 3 * seed) / 2.0) ** 2)) + 60 * np.exp(-(((rows - 210) / 2.5) ** 2))
    return np.clip(DARK - rows / 8 + layers + 18 * speckle, 0, 255).astype(np.uint8)


def ink(shape: tuple[int, int], text: str, height: int, at: tuple[float, float], font: int) -> np.ndarray:
    """`text` drawn alone, 0..255, wholly inside, `at` of the room left, each 0..1."""
    size = cv2.getTextSize(text, font, 1, 1)[0]
    scale, thick = height / size[1], max(1, round(height / 10))
    (wide, high), below = cv2.getTextSize(text, font, scale, thick)
    sheet = np.zeros(shape, np.uint8)
    x, y = round(3 + at[0] * (shape[1] - wide - 8)), round(high + 3 + at[1] * (shape[0] - high - below - 8))
    cv2.putText(sheet, text, (x, y), font, scale, 255, thick, cv2.LINE_AA)
    return sheet


def painted(picture: np.ndarray, drawn: np.ndarray, level: int) -> np.ndarray:
    return np.round(picture + (level - picture.astype(float)) * (drawn / 255.0)).astype(np.uint8)


def covered(marks: np.ndarray, drawn: np.ndarray) -> float:
    return float(marks[drawn > 100].mean())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9),
    text=st.sampled_from(NAMES),
    height=st.integers(8, 40),
    at=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    font=st.sampled_from(FONTS),
    level=st.sampled_from((WHITE, 205, 0)),
)
def test_text_is_marked_whole(seed: int, text: str, height: int, at: tuple[float, float], font: int, level: int):
    picture = tissue(seed)
    drawn = ink(picture.shape, text, height, at, font)
    picture = painted(picture, drawn, level)
    clear = np.abs(tissue(seed)[drawn > 100].astype(int) - level).mean() > 60  # black ink on black cannot be read
    marks = find_marks(picture)
    assert not clear or covered(marks, drawn) >= 0.9
    _, _, wide, high = cv2.boundingRect(drawn)
    assert marks.sum() <= (wide + 40) * (high + 20) + 900  # the word, not the picture


@pytest.mark.parametrize("change", ["jpeg", "enlarged", "reduced", "noise"])
def test_text_is_marked_after_a_capture(change: str):
    picture = tissue(1, (540, 720))
    drawn = ink(picture.shape, "SMITH John 1957", 18, (0.4, 0.6), FONTS[0])
    picture = painted(picture, drawn, 220)
    if change == "jpeg":
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE)
    elif change == "noise":
        noise = np.random.default_rng(0).normal(0, 4, picture.shape)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    else:
        factor = 2.25 if change == "enlarged" else 0.7
        drawn, picture = (
            cv2.resize(
                each, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR if factor > 1 else cv2.INTER_AREA
            )
            for each in (drawn, picture)
        )
    assert covered(find_marks(picture), drawn) >= 0.9


def _caliper(sheet: np.ndarray) -> None:
    for x, y in ((200, 250), (330, 300)):
        cv2.line(sheet, (x - 6, y), (x + 6, y), 255, 1)
        cv2.line(sheet, (x, y - 6), (x, y + 6), 255, 1)


def _dotted(sheet: np.ndarray) -> None:
    for step in range(25):
        cv2.rectangle(sheet, (200 + 6 * step, 250 + 3 * step), (201 + 6 * step, 251 + 3 * step), 255, cv2.FILLED)


def _box(sheet: np.ndarray) -> None:
    cv2.rectangle(sheet, (150, 240), (420, 380), 255, 2)


def _arrow(sheet: np.ndarray) -> None:
    cv2.arrowedLine(sheet, (300, 300), (260, 270), 255, 2, tipLength=0.4)


def _focus(sheet: np.ndarray) -> None:
    cv2.fillPoly(sheet, [np.array([[625, 260], [636, 253], [636, 267]])], 255)


@pytest.mark.parametrize("draw", [_caliper, _dotted, _box, _arrow, _focus])
def test_graphics_are_marked(draw):
    picture = tissue(2)
    drawn = np.zeros_like(picture)
    draw(drawn)
    assert covered(find_marks(painted(picture, drawn, WHITE)), drawn) >= 0.95


@pytest.mark.parametrize("colour", [(0, 0, 200), (0, 230, 0), (0, 200, 220), (200, 80, 0)])
def test_coloured_mark_is_found_though_its_grey_is_the_tissues(colour: tuple[int, int, int]):
    picture = cv2.cvtColor(tissue(3), cv2.COLOR_GRAY2BGR)
    drawn = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(drawn, (60, 150), 9, 255, cv2.FILLED)
    picture[drawn > 0] = colour
    marks = find_marks(picture)
    assert covered(marks, drawn) >= 0.99  # a pixel sticks out at its side
    assert marks.sum() < 3 * (drawn > 0).sum() + 300


def test_tinted_picture_has_no_colour():
    grey = tissue(4)
    sepia = cv2.merge([(grey * 0.6).astype(np.uint8), (grey * 0.85).astype(np.uint8), grey])
    assert colour_share(sepia) == 0.0
    assert not find_marks(sepia).any()


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_flow_is_told_from_the_tint(share: float):
    picture = cv2.cvtColor(tissue(5), cv2.COLOR_GRAY2BGR)
    rows = slice(100, 100 + round(share * 480))
    grey = picture[rows, :, 0].copy()
    picture[rows] = cv2.merge([grey // 4, grey // 2, np.maximum(grey, 160)])
    assert colour_share(picture) == pytest.approx(share, abs=0.03)
    assert colour_share(picture[..., 0]) == 0.0


@pytest.mark.parametrize("thick", [1, 2, 4])
@pytest.mark.parametrize("apart", [2, 6, 11, 40])
def test_level_lines_are_marked_however_close_they_lie(thick: int, apart: int):
    drawn = np.zeros((480, 640), np.uint8)
    for top in (230, 230 + thick + apart, 460):
        drawn[top : top + thick, 120:420] = 255
    marks = find_marks(painted(tissue(3), drawn, WHITE))
    assert covered(marks, drawn) >= 0.95
    assert marks.sum() < 3 * 300 * (thick + 12) + 900


def test_names_in_every_line_are_marked_as_each_alone_is():
    """Lines of text far apart are told one by one, lines that nearly touch together."""
    height, picture, alone = 14, tissue(4), np.zeros((480, 640), np.uint8)
    lines = [
        ink(picture.shape, NAMES[n % 4], height, (0.13 * n % 1, share), FONTS[0])
        for n, share in enumerate((0.0, 0.05, 0.3, 0.34, 0.6, 1.0))
    ]
    for drawn in lines:
        alone |= find_marks(painted(picture, drawn, WHITE))
    together = find_marks(painted(picture, np.max(lines, axis=0), WHITE))
    assert all(covered(together, drawn) >= 0.95 for drawn in lines)
    assert not (alone & ~together & 1).sum() > 0.02 * alone.sum()


def test_ink_as_faint_as_speckle_is_found_once_the_tissue_moves():
    drawn = ink((480, 640), "MUELLER, ANNA", 16, (0.5, 0.5), FONTS[0])
    frames = [painted(tissue(6, moved=n), drawn, int(tissue(6)[drawn > 100].mean()) + 18) for n in range(8)]
    alone, together = covered(find_marks(frames[0]), drawn), covered(find_marks(*frames), drawn)
    assert together >= 0.9 > alone


def test_clean_tissue_has_no_marks():
    assert sum(bool(find_marks(tissue(seed)).any()) for seed in range(20)) == 0


def test_phantoms_have_hardly_any_marks():
    shares = [find_marks(cv2.imread(str(path))).mean() for path in PHANTOMS[::3]]
    assert sum(share > 0 for share in shares) <= 0.05 * len(shares)
    assert max(shares) < 0.01


@real
def test_real_pictures_have_hardly_any_false_marks():
    pictures = sorted((SHARED / "nerve_regions" / "images").glob("*.png"))
    with_side_mark = {"0014", "0069", "0076", "0083", "0171", "0181"}  # the maker's letter, at the upper left
    shares = {path.stem: find_marks(cv2.imread(str(path))).mean() for path in pictures}
    assert all(shares[stem] > 0 for stem in with_side_mark)
    false = [share for stem, share in shares.items() if share > 0 and stem not in with_side_mark]
    assert len(false) <= 0.05 * len(pictures)
    assert max(false) < 0.005


@real
def test_logo_focus_and_side_of_real_wrists_are_marked():
    for path in sorted((SHARED / "wrist_dev" / "images").glob("*.png")):
        picture = cv2.imread(str(path))
        blue, green, red = (picture[..., channel].astype(int) for channel in range(3))
        side = np.zeros(blue.shape, bool)
        side[370:400, 15:60] = green[370:400, 15:60] == 204
        marks = find_marks(picture) > 0
        assert marks[(red - green > 60) | (green - red > 60)].all(), f"{path.name}: logo and focus marks"
        assert side.sum() > 100
        assert marks[side].all(), f"{path.name}: side"
        assert marks.mean() < 0.01


@real
def test_calipers_and_words_of_a_real_measurement_are_marked():
    picture = cv2.imread(str(SHARED / "screens" / "itkpocus" / "interson-image-annotation.jpg"))[95:870, 390:920]
    yellow = (picture[..., 2].astype(int) - picture[..., 0]) > 80
    marks = find_marks(picture) > 0
    assert yellow.sum() > 500
    assert marks[yellow].all()
    for x, y in ((151, 317), (208, 328), (182, 350), (155, 373)):  # the caliper crosses
        assert marks[y - 4 : y + 5, x - 4 : x + 5].mean() > 0.5
    assert marks.mean() < 0.04


def test_takes_at_most_20_ms():
    """Of this thread's own time; the bound is for a machine under load twice over."""
    picture = cv2.cvtColor(tissue(7, (720, 960)), cv2.COLOR_GRAY2BGR)
    times = []
    for _ in range(7):
        start = time.thread_time()
        find_marks(picture)
        times.append(time.thread_time() - start)
    assert min(times) < 0.04


@pytest.mark.parametrize("shape", [(1, 1), (15, 400), (16, 16)])
def test_tiny_pictures_are_no_trouble(shape: tuple[int, int]):
    assert find_marks(np.zeros(shape, np.uint8)).shape == shape


def test_frames_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        find_marks(np.zeros((50, 50), np.uint8), np.zeros((50, 51), np.uint8))
    with pytest.raises(ValueError, match="one frame"):
        find_marks()
