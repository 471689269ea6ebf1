"""How the glyph network is made: its words, its fonts, its strips, and the way to INT8."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.errors import DataError
from convert.glyphs.fonts import LICENCES, OPENCV_FACES, drawn_fonts, font_files, matplotlib_fonts
from convert.glyphs.samples import PAPER_ROOM, Studio, drawn_strip, on_tape
from convert.glyphs.words import random_text
from edge.screen.glyphs import ALPHABET, ASSET, HEIGHT, INK_LEVEL, OTHER
from edge.tflite_file import non_integer_tensors

ASSETS = Path(__file__).resolve().parents[3] / "edge" / "assets"


@pytest.fixture(scope="module")
def studio() -> Studio:
    grain = np.random.default_rng(0).normal(60, 30, (300, 400))
    picture = np.clip(cv2.GaussianBlur(grain, (0, 0), 2) * 2 - 60, 0, 255).astype(np.uint8)
    return Studio([*drawn_fonts(), *font_files([matplotlib_fonts()])], [picture])


def test_words_are_of_the_alphabet():
    random = np.random.default_rng(1)
    texts = [random_text(random) for _ in range(2000)]
    assert set("".join(texts)) <= set(ALPHABET[1:-1])
    assert set("".join(texts)) >= set("0123456789.:cm")
    assert all(text == " ".join(text.split()) and text for text in texts)


def test_fonts_are_those_whose_licence_is_known():
    fonts = font_files([matplotlib_fonts()])
    assert {"DejaVu Sans Book", "STIXGeneral Regular"} <= {font.name for font in fonts}
    assert all(font.licence in LICENCES.values() and len(font.sha256) == 64 for font in fonts)
    assert cv2.FONT_HERSHEY_COMPLEX not in OPENCV_FACES.values(), "the tests read it as a font that was never seen"


def test_a_folder_without_fonts_is_refused(tmp_path):
    with pytest.raises(DataError, match="no font of a known licence"):
        font_files([tmp_path])


def test_every_font_draws_at_the_height_asked_for(studio):
    for font in studio.fonts:
        for height in (10, 24):
            ink = font.draw("H", height, True)
            assert ink is None or abs(ink.shape[0] - height) <= max(2, 0.25 * height), font.name


def test_strips_show_bright_ink_whatever_was_drawn(studio):
    random = np.random.default_rng(2)
    strips = [strip for strip in (studio.text(random) for _ in range(300)) if strip is not None]
    assert len(strips) > 200
    assert all(pixels.shape[0] == HEIGHT and said for pixels, said in strips)
    middle = [np.percentile(pixels[4:-4], 95) for pixels, _ in strips]
    assert np.median(middle) == pytest.approx(INK_LEVEL, abs=50)


def test_the_same_seed_draws_the_same(studio):
    one, two = ([studio.text(np.random.default_rng(seed)) for seed in range(20)] for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert (a is None) == (b is None)
        assert a is None or (a[1] == b[1] and np.array_equal(a[0], b[0]))


def test_what_is_no_text_says_nothing(studio):
    random = np.random.default_rng(3)
    strips = [strip for _ in range(20) for strip in studio.no_text(random)]
    assert strips
    assert {said for _, said in strips} == {""}


def test_dark_ink_and_bright_ink_give_the_same_strip():
    ink = drawn_fonts()[0].draw("40 mm", 16, True)
    shape = ink.shape[0] + 2 * PAPER_ROOM, ink.shape[1] + 2 * PAPER_ROOM
    quiet = np.random.default_rng
    strips = []
    for paper in (5, 250):
        pixels = [drawn_strip(quiet(seed), ink, np.full(shape, paper, np.uint8), "40mm") for seed in range(40)]
        strips.append(np.mean([p[0].mean() for p in pixels if p is not None]))
    assert strips[0] == pytest.approx(strips[1], rel=0.15)


def test_a_strip_lies_whole_on_its_tape():
    strip = np.full((HEIGHT, 60), 9, np.uint8)
    tape, classes = on_tape(strip, "4 cm" + OTHER, 160, np.random.default_rng(0))
    assert tape.sum() == strip.sum()
    assert "".join(ALPHABET[number] for number in classes) == "4 cm" + OTHER
    assert on_tape(strip, "4", 59, np.random.default_rng(0)) is None


def test_the_packaged_network_says_what_it_was_made_of():
    record = json.loads((ASSETS / "glyphs.json").read_text())
    assert record["alphabet"] == ALPHABET[1:]
    names = {font["name"] for font in record["fonts"]}
    assert {"DejaVu Sans Book", "Hershey rowmans", "Rubik by OpenCV, simplex"} <= names
    assert all(font["licence"] for font in record["fonts"])


@pytest.mark.slow
def test_a_small_run_gives_an_all_integer_file(tmp_path):
    pytest.importorskip("keras", reason="the extra convert is not installed")
    from convert.glyphs.__main__ import main

    assert main(["--out", str(tmp_path), "--strips", "1000", "--epochs", "1"]) == 0
    assert not non_integer_tensors((tmp_path / ASSET).read_bytes())
    assert json.loads((tmp_path / "glyphs.json").read_text())["plan"]["strips"] == 1000
