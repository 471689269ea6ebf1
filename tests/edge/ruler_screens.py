"""Machine screens drawn at random, rulers of many makes: what a reader of rulers is held against."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import PhantomFrame, render
from convert.phantom.ruler import DEPTH_WORDS, RulerStyle
from convert.phantom.screen import CONSOLES, SIZES, Display, Screen, captured, draw_screen, finest_scale
from convert.phantom.subject import draw_subject
from edge.screen.text import TextLine

T = TypeVar("T")

RANKS = ((1.0, 5.0, 10.0), (1.0, 10.0), (5.0, 10.0), (10.0,), (5.0,), (2.5, 10.0), (2.0, 10.0), (1.0,))
SIDES = (("left",), ("right",), ("bottom",), ("left", "bottom"), ("right", "bottom"), ())
INKS = (None, (255, 160, 60), (0, 220, 220), (200, 200, 200), (90, 255, 90))
FACTORS = (1.0, 1.0, 0.75, 1.5, 1.125, 0.6, 4 / 3)  # of a scaler
MOST_ROWS = 1100


@dataclass(frozen=True)
class Drawn:
    """A screen, and what can be known of its scale from what is drawn on it."""

    screen: Screen
    styles: tuple[RulerStyle, ...]
    depth: str | None

    @property
    def tells(self) -> bool:
        """Whether a person could read the scale off it."""
        return any(style.label_mm for style in self.styles) or bool(self.styles and self.depth)

    @property
    def lines(self) -> tuple[TextLine, ...]:
        """Its words as they are."""
        return tuple(TextLine(*pair, 1.0) for pair in zip(self.screen.text_boxes, self.screen.texts, strict=True))


def draw(seed: int) -> Drawn:
    """One screen: size, machine, rulers, wording of the depth, scale, scaler and codec drawn at random."""
    rng = np.random.default_rng([seed, 77])
    size, console, frame = _one_of(rng, SIZES), _one_of(rng, tuple(CONSOLES)), _frames()[int(rng.integers(8))]
    styles = tuple(_style(rng, side) for side in _one_of(rng, SIDES))
    depth = _one_of(rng, (None, *DEPTH_WORDS))
    mm_per_px = finest_scale(frame, Display(*size, console)) * rng.uniform(1.02, 1.4)
    screen = draw_screen(frame, Display(*size, console, mm_per_px, styles, depth), index=3)
    factor = _one_of(rng, FACTORS)
    quality = _one_of(rng, (None, None, 90, 70))
    taken = captured(screen, factor if factor * size[1] <= MOST_ROWS else 1.0, jpeg_quality=quality)
    return Drawn(taken, styles, depth)


def _style(rng: np.random.Generator, side: str) -> RulerStyle:
    ranks = _one_of(rng, RANKS)
    label = _one_of(rng, (10.0, 10.0, 5.0, None))
    return RulerStyle(
        side,
        ranks,
        marks=_one_of(rng, ("ticks", "ticks", "dots", "comb")),
        label_mm=10.0 if label and label % ranks[0] else label,
        unit=_one_of(rng, ("cm", "cm", "mm")),
        unit_shown=bool(rng.random() < 0.25),
        gap=_one_of(rng, (0.15, 0.4, 1.0, 1.5)),
        thick_px=_one_of(rng, (1, 1, 2)),
        ink=_one_of(rng, INKS),
        focus=bool(rng.random() < 0.3),
    )


def _one_of(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


@functools.cache
def _frames() -> list[PhantomFrame]:
    return [render(draw_subject(index, 9), draw_settings(index, 9, px_across=320)) for index in range(8)]
