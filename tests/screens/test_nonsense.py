"""Is it a picture? A thousand that are none, and no grade."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.frame import Frame, Pixels, Spacing
from edge.pipeline import Options, Pipeline
from tests.screens.shown import (
    PHOTOGRAPHS,
)

SHAPES = ((480, 640), (600, 800), (720, 1280), (512, 512), (768, 1024), (360, 300))
WORDS = ("the", "nerve", "lies", "between", "two", "tendons", "and", "is", "measured", "where", "it", "is", "largest")
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL, cv2.FONT_HERSHEY_PLAIN)
Draw = np.random.Generator


def noise(rng: Draw) -> Pixels:
    """Of any grain, even or as a beam's, level or fading with depth, as it is or as the logarithm of an envelope."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    across, down = np.exp(rng.uniform(np.log(0.3), np.log(12), 2))
    waves = [cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), sigmaX=across, sigmaY=down) for _ in range(2)]
    grain = waves[0] / waves[0].std()
    if rng.random() < 0.3:
        grain = 2 * np.log(np.hypot(*waves) / waves[0].std() + 1e-3)
    fading = np.linspace(1.4, 0.3, shape[0])[:, None] if rng.random() < 0.3 else 1.0
    return np.clip((grain * rng.uniform(5, 60) + rng.uniform(10, 160)) * fading, 0, 255).astype(np.uint8)


def page(rng: Draw) -> Pixels:
    paper, ink = (
        (rng.integers(0, 60), rng.integers(150, 256)) if rng.random() < 0.4 else rng.integers((190, 0), (256, 90))
    )
    picture = np.full(SHAPES[rng.integers(len(SHAPES))], paper, np.uint8)
    size, font, left = rng.uniform(0.4, 1.6), FONTS[rng.integers(len(FONTS))], int(rng.integers(2, 100))
    for y in range(30, picture.shape[0], round(size * rng.uniform(22, 44))):
        line = " ".join(rng.choice(WORDS, rng.integers(0, 16)))
        cv2.putText(picture, line, (left, y), font, size, int(ink), 1 + int(rng.random() < 0.4), cv2.LINE_AA)
    return picture


def gradient(rng: Draw) -> Pixels:
    height, width = SHAPES[rng.integers(len(SHAPES))]
    y, x = np.mgrid[:height, :width] / width
    way = x * rng.normal() + y * rng.normal() if rng.random() < 0.6 else np.hypot(x - rng.random(), y - rng.random())
    way = (way - way.min()) / np.ptp(way)
    way = 0.5 + 0.5 * np.sin(way * rng.uniform(4, 60)) if rng.random() < 0.3 else way
    one, other = rng.uniform(0, 255, (2, 3))
    coloured = one + (other - one) * way[..., None] + rng.normal(0, rng.choice([0, 0, 2, 8]), (height, width, 1))
    return np.clip(coloured, 0, 255).astype(np.uint8)


def bars(rng: Draw) -> Pixels:
    height, width = SHAPES[rng.integers(len(SHAPES))]
    count = int(rng.integers(2, 17))
    colours = rng.integers(0, 256, (2, count, 3))
    upper, lower = colours[:, np.arange(width) * count // width]
    rows = np.where((np.arange(height) < height * rng.uniform(0.5, 1.4))[:, None, None], upper, lower)
    rows = rows.transpose(1, 0, 2) if rng.random() < 0.3 else rows
    return np.clip(rows + rng.normal(0, rng.choice([0, 3, 10]), (*rows.shape[:2], 1)), 0, 255).astype(np.uint8)


@functools.lru_cache
def all_photographs() -> tuple[Pixels, ...]:
    skimage = pytest.importorskip("skimage", reason="photographs are scikit-image's")
    folder = Path(skimage.__file__).parent / "data"
    paths = sorted(
        [*folder.glob("*.png"), *folder.glob("*.jpg"), *PHOTOGRAPHS.glob("*.bmp"), *PHOTOGRAPHS.glob("*.jpg")]
    )
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in paths]
    return tuple(picture for picture in pictures if min(picture.shape[:2]) >= 100)


def photograph(rng: Draw) -> Pixels:
    """A part of one at another size and gamma, in colour or grey, perhaps turned, perhaps on a black screen."""
    whole = all_photographs()[rng.integers(len(all_photographs()))]
    high, wide = (int(side * share) for side, share in zip(whole.shape, rng.uniform(0.3, 1, 2), strict=False))
    top, left = rng.integers(0, whole.shape[0] - high + 1), rng.integers(0, whole.shape[1] - wide + 1)
    part = whole[top : top + high, left : left + wide]
    zoom = min(rng.uniform(0.5, 4.0), 1100 / max(high, wide))
    part = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    part = (255 * (part / 255.0) ** rng.uniform(0.5, 2.2)).astype(np.uint8)
    part = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY) if rng.random() < 0.5 else part
    part = np.rot90(part) if rng.random() < 0.25 else part
    if rng.random() < 0.3:
        beside = [(20, 20), tuple(rng.integers(10, 200, 2))] + [(0, 0)] * (part.ndim - 2)
        part = np.pad(part, beside)
        cv2.putText(part, "12:34 Gain 50", (4, 14), FONTS[0], 0.4, (220,) * 3, 1, cv2.LINE_AA)
    return np.ascontiguousarray(part)


def desktop(rng: Draw) -> Pixels:
    """Windows with pages, photographs and noise in them, icons, and a bar with a clock."""
    picture = np.full((*SHAPES[rng.integers(2, 5)], 3), rng.integers(0, 256, 3), np.uint8)
    height, width = picture.shape[:2]
    for kind in rng.choice([page, photograph, noise, gradient], rng.integers(1, 6)):
        high, wide = (int(rng.integers(side // 8, side * 3 // 4)) for side in (height, width))
        y, x = int(rng.integers(0, height - high)), int(rng.integers(0, width - wide))
        inside = cv2.resize(kind(rng), (wide, high), interpolation=cv2.INTER_AREA)
        picture[y : y + high, x : x + wide] = inside if inside.ndim == 3 else inside[..., None]
        picture[y : y + 26, x : x + wide] = rng.integers(40, 220, 3)
        cv2.putText(picture, str(rng.choice(WORDS)), (x + 6, y + 18), FONTS[0], 0.5, (250,) * 3, 1, cv2.LINE_AA)
    for y in range(40, int(rng.integers(41, height)), 100):
        cv2.rectangle(picture, (30, y), (78, y + 48), rng.integers(0, 256, 3).tolist(), cv2.FILLED)
        cv2.putText(picture, str(rng.choice(WORDS)), (30, y + 66), FONTS[0], 0.45, (255,) * 3, 1, cv2.LINE_AA)
    picture[-40:] = rng.integers(0, 256, 3)
    cv2.putText(picture, "12:34", (width - 70, height - 14), FONTS[0], 0.5, (255,) * 3, 1, cv2.LINE_AA)
    return picture


NONSENSE = (noise, page, photograph, gradient, bars, desktop, noise, photograph)  # the likeliest twice


def nonsense(number: int) -> Pixels:
    rng = np.random.default_rng([number, 55])
    picture = NONSENSE[number % len(NONSENSE)](rng)
    quality = (100, 100, 90, 60, 30)[rng.integers(5)]
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


WAYS = {"plain": Options(), "scaled": Options(spacing=Spacing(0.1, "manual")), "unscaled": Options(allow_unscaled=True)}


@pytest.mark.parametrize(
    "numbers", [range(24), pytest.param(range(24, 1024), marks=pytest.mark.slow)], ids=["some", "a thousand"]
)
def test_nonsense_is_never_graded(numbers: range):
    bundles = [Bundle.open(packaged_bundle(view)) for view in ("transverse", "longitudinal")]
    pipelines = {
        f"{bundle.manifest.view} {way}": Pipeline(bundle, options, stream=False)
        for bundle in bundles
        for way, options in WAYS.items()
    }
    why: Counter[str] = Counter()
    graded = []
    for number in numbers:
        frame = Frame(nonsense(number), 0, number)
        for way, pipeline in pipelines.items():
            grade = pipeline(frame).grade
            why[grade.reason.value if grade.reason else "graded"] += 1
            if grade.gradable:
                graded.append((number, NONSENSE[number % len(NONSENSE)].__name__, way, grade.grade))
    print(*(f"{count:6d} {reason}" for reason, count in why.most_common()), sep="\n")
    assert not graded
    assert sum(why.values()) == len(numbers) * len(pipelines)
