"""Rows of ticks: whatever a machine draws along its picture is found to a thousandth, and nothing else is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.phantom.pen import Pen
from convert.phantom.ruler import RulerStyle, draw_ruler
from edge.frame import Roi
from edge.screen.even_row import even_row
from edge.screen.ticks import Rank, find_ticks
from tests.pictures import stroke_font

PICTURE = Roi(250, 70, 480, 450)
MM_PER_PX = 0.0853  # 38 mm deep, 41 wide; no rank has a whole number of pixels
PLAIN = RulerStyle("left", (1.0, 5.0, 10.0), label_mm=None)
STYLES = {
    "three ranks": PLAIN,
    "two ranks": replace(PLAIN, ranks_mm=(2.5, 10.0)),
    "centimetres": replace(PLAIN, ranks_mm=(10.0,)),
    "labels": replace(PLAIN, ranks_mm=(5.0, 10.0), label_mm=5.0, unit="mm"),
    "dots": replace(PLAIN, ranks_mm=(5.0,), marks="dots", thick_px=2),
    "comb": replace(PLAIN, ranks_mm=(5.0, 10.0), marks="comb"),
    "thick": replace(PLAIN, ranks_mm=(5.0, 10.0), thick_px=3),
    "blue": replace(PLAIN, ink=(220, 60, 0)),
    "red": replace(PLAIN, ink=(0, 0, 200)),
    "focus marks": replace(PLAIN, ranks_mm=(2.0, 10.0), focus=True),
    "touching": replace(PLAIN, ranks_mm=(5.0, 10.0), gap=0.1),
    "far off": replace(PLAIN, gap=8.0),
}


def screen(*styles: RulerStyle, background: int = 0, ink: int = 210) -> np.ndarray:
    """A picture of speckle at `PICTURE` on an 860 x 600 screen, with these rulers."""
    pen = Pen(860, 600, 15, background=(background,) * 3, ink=(ink,) * 3, font=cv2.FONT_HERSHEY_SIMPLEX)
    grain = np.random.default_rng(3).rayleigh(40, (PICTURE.height, PICTURE.width))
    PICTURE.of(pen.pixels)[:] = cv2.GaussianBlur(grain, (0, 0), 1.2).clip(0, 255).astype(np.uint8)[..., None]
    for style in styles:
        draw_ruler(pen, PICTURE, MM_PER_PX, style)
    return pen.pixels


def scaled(pixels: np.ndarray, factor: float, quality: int | None = None) -> tuple[np.ndarray, Roi]:
    large = cv2.resize(
        pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    )
    if quality:
        large = cv2.imdecode(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return large, Roi(*(round(factor * side) for side in (PICTURE.x, PICTURE.y, PICTURE.width, PICTURE.height)))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.125, 1.8])
@pytest.mark.parametrize("side", ["left", "right", "bottom"])
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_any_ruler_is_found_and_its_period_known(style, side, factor):
    if style.gap > 2 and side != "left":
        pytest.skip("the screen ends there")
    (row,) = find_ticks(*scaled(screen(replace(style, side=side)), factor))
    assert row.axis == ("across" if side == "bottom" else "down")
    true = style.ranks_mm[0] / MM_PER_PX * factor
    assert abs(row.period / true - 1) < max(0.002, row.uncertainty)
    assert row.uncertainty < 0.008
    start = PICTURE.x if side == "bottom" else PICTURE.y
    assert abs((row.first - start * factor) / true % 1 - 0.5) > 0.4  # the zero is on a tick


@pytest.mark.parametrize("quality", [95, 60])
def test_a_codec_moves_no_tick(quality):
    pixels, picture = scaled(screen(PLAIN), 1.125, quality)
    (row,) = find_ticks(pixels, picture)
    assert row.period == pytest.approx(1.125 / MM_PER_PX, rel=0.001)


def test_dark_ink_on_a_bright_screen_and_grey_pixels():
    pixels = screen(PLAIN, background=235, ink=40)
    for seen in (pixels, cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)):
        (row,) = find_ticks(seen, PICTURE)
        assert row.period == pytest.approx(1 / MM_PER_PX, rel=0.001)


@pytest.mark.parametrize(
    ("ranks_mm", "ranks"),
    [
        ((1.0, 5.0, 10.0), {Rank(5, 0), Rank(10, 0)}),
        ((1.0, 5.0), {Rank(5, 0)}),
        ((1.0, 10.0), {Rank(10, 0)}),
        ((2.5, 10.0), {Rank(4, 0)}),
        ((5.0, 10.0), {Rank(2, 0)}),
        ((5.0,), set()),
    ],
)
def test_longer_ticks_are_ranks(ranks_mm, ranks):
    (row,) = find_ticks(screen(replace(PLAIN, ranks_mm=ranks_mm)), PICTURE)
    assert set(row.ranks) == ranks
    assert row.count == int(PICTURE.height * MM_PER_PX / ranks_mm[0]) + 1


def test_two_rulers_are_two_rows():
    rows = find_ticks(screen(PLAIN, replace(PLAIN, side="bottom", ranks_mm=(5.0, 10.0))), PICTURE)
    assert {(row.axis, round(row.period * MM_PER_PX, 2)) for row in rows} == {("down", 1.0), ("across", 5.0)}


def test_a_hidden_part_of_the_ruler_is_bridged():
    pixels = screen(PLAIN)
    pixels[200:255, : PICTURE.x] = 0
    (row,) = find_ticks(pixels, PICTURE)
    assert row.period == pytest.approx(1 / MM_PER_PX, rel=0.001)
    assert row.count == 39


@stroke_font
def test_settings_buttons_and_a_grey_bar_are_no_rulers():
    pen = Pen(860, 600, 15, background=(0, 0, 0), ink=(210, 210, 210), font=cv2.FONT_HERSHEY_SIMPLEX)
    PICTURE.of(pen.pixels)[:] = PICTURE.of(screen())
    words = ("FPS 16", "Depth", "DR 74 dB", "Power", "Gain 82", "Freq", "LnDens", "FrmAvg", "Reject", "ImEnh", "Zoom")
    for number, word in enumerate(words):
        pen.write(word, 20, 75 + 40 * number)
        pen.box((750, 70 + 40 * number, 90, 30), (60, 60, 60))
        pen.write(word, 795, 78 + 40 * number, anchor="middle", lines=0.9)
    pen.pixels[70:520, 215:230] = np.linspace(255, 0, 450).astype(np.uint8)[:, None, None]
    assert find_ticks(pen.pixels, PICTURE) == ()


def test_nothing_but_the_picture_has_no_ruler():
    alone = PICTURE.of(screen())
    assert find_ticks(np.ascontiguousarray(alone), Roi(0, 0, PICTURE.width, PICTURE.height)) == ()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_noise_and_tissue_have_none(seed):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.integers(0, 256, (300, 400)).astype(np.uint8), (0, 0), rng.uniform(0.3, 3))
    x, y = int(rng.integers(0, 150)), int(rng.integers(0, 100))
    assert all(row.count < 6 for row in find_ticks(noise, Roi(x, y, 220, 180)))


@given(
    st.floats(6, 120),
    st.floats(0, 50),
    st.integers(6, 40),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_the_even_row_is_found_among_other_marks(period, first, count, seed):
    rng = np.random.default_rng(seed)
    ticks = first + period * np.arange(count)
    shown = np.sort(rng.permutation(count)[: max(5, int(0.9 * count))])
    others = rng.uniform(ticks[0], ticks[-1], count // 5)
    others = others[np.abs((others - first) / period - np.round((others - first) / period)) > 0.3]
    places = np.sort(np.concatenate((ticks[shown] + rng.uniform(-0.5, 0.5, len(shown)), others)))
    row = even_row(places, float(np.round(period)))
    if row is not None:
        assert abs(row.period - period) * (row.count - 1) < 1.5
    neighbours = np.diff(shown) == 1
    if len(others) == 0 and neighbours.any() and len(shown) == shown[-1] - shown[0] + 1:
        assert row is not None
        assert row.count == len(shown)


@pytest.mark.parametrize("places", [[], [3.0], [3.0, 9.0], [0.0, 10.0, 25.0], [0.0, 7.0, 31.0, 32.0]])
def test_no_row_where_there_is_none(places):
    assert even_row(np.array(places), 10.0) is None


def test_the_styles_differ():
    seen = [screen(style) for style in STYLES.values()]
    assert all((one != other).any() for one, other in itertools.combinations(seen, 2))
