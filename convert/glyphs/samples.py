"""Strips to learn from: text as screens show it, and what is no text but looks like it to the device.

Both are cut by the very code of the device (edge.screen.text, edge.screen.glyphs): the network learns what it will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from convert.glyphs.fonts import Font
from convert.glyphs.words import random_text
from edge.frame import Pixels, Roi
from edge.screen.glyphs import ALPHABET, HEIGHT, OTHER, cut_strip
from edge.screen.text import Candidate, candidates, find_ink, measured

Strip = tuple[Pixels, str]  # (HEIGHT, W), and what it says

LOOK_LIKE_OURS = "ЕЗКМНОРСТУХезкмнорстухΕΖΗΙΚΜΝΟΡΤΥΧ"
OTHER_SCRIPTS = "".join(
    glyph
    for glyph in map(chr, (*range(0x0413, 0x0430), *range(0x0393, 0x03A9), *range(0x0431, 0x044F)))
    if glyph not in LOOK_LIKE_OURS
)
IN_A_MIRROR = dict(zip("08AHIMOTUVWXYilovwx:.-+=*'_bdpq()<>", "08AHIMOTUVWXYilovwx:.-+=*'_dbqp)(><", strict=True))
IDEOGRAPHS = "".join(map(chr, range(0x4E00, 0x9FA0, 7)))
PAPER_ROOM = 14  # px of paper round a drawn line
HARDLY_SHARP = 0.75  # half of what the device asks of a row of ink: more of what is no text comes to be learned


@dataclass(frozen=True)
class Studio:
    """What text is drawn with, and upon."""

    fonts: Sequence[Font]
    pictures: Sequence[Pixels]  # ultrasound pictures without any text, (H, W)

    def text(self, random: np.random.Generator) -> Strip | None:
        """A strip of text; None where the chosen font has not the chosen height."""
        weights = np.array([font.weight for font in self.fonts])
        font = self.fonts[int(random.choice(len(self.fonts), p=weights / weights.sum()))]
        written, said, mirrored = _line(random, font)
        height = int(np.clip(np.exp(random.normal(np.log(12), 0.45)), 6, 48))
        ink = font.draw(written, height, bool(random.random() < 0.75))
        if ink is None or ink.shape[0] < 4 or ink.shape[1] < 2:
            return None
        if mirrored:
            ink = np.ascontiguousarray(ink[:, ::-1])
        return drawn_strip(random, ink, self._paper(random, ink.shape), said)

    def no_text(self, random: np.random.Generator) -> Sequence[Strip]:
        """Strips that the device takes for text at first sight, from one picture without text."""
        size = 240, 320
        picture = _crop(random, self.pictures, size) if random.random() < 0.7 else _noise(random, size)
        if random.random() < 0.35:
            picture = _shapes(
                random, picture if random.random() < 0.4 else np.full_like(picture, random.integers(0, 90))
            )
        picture = _as_captured(random, picture)
        found = candidates(picture, sharpness=HARDLY_SHARP)
        chosen = random.permutation(len(found))[:12]
        return [(_cut(picture, found[number]), "") for number in chosen]

    def _paper(self, random: np.random.Generator, shape: tuple[int, ...]) -> Pixels:
        size = shape[0] + 2 * PAPER_ROOM, shape[1] + 2 * PAPER_ROOM
        kind = random.random()
        if kind < 0.3:
            return _crop(random, self.pictures, size)
        level = random.choice([0, random.integers(0, 60), random.integers(0, 256)])
        flat = np.full(size, level, np.float32)
        if kind < 0.5:
            flat += np.linspace(0, random.normal(0, 40), size[random.integers(2)])[:, None].mean() * random.normal(0, 1)
            flat += np.linspace(0, random.normal(0, 30), size[1])[None]
        return np.clip(flat + random.normal(0, 1.0) * 2, 0, 255).astype(np.uint8)


def drawn_strip(random: np.random.Generator, ink: Pixels, paper: Pixels, said: str) -> Strip | None:
    """The strip of `ink` drawn on `paper`, PAPER_ROOM larger on each side, captured and cut as the device does."""
    alpha = np.zeros(paper.shape, np.float32)
    alpha[PAPER_ROOM : PAPER_ROOM + ink.shape[0], PAPER_ROOM : PAPER_ROOM + ink.shape[1]] = ink / np.float32(255)
    below = paper.astype(np.float32)
    level = _ink_level(random, paper)
    if random.random() < 0.15:  # outline or drop shadow, of the other end
        edge = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
        edge = edge if random.random() < 0.5 else np.roll(alpha, (1, 1), (0, 1))
        below = below + (float(level < 128) * 255 - below) * edge * np.float32(random.uniform(0.5, 1))
    bare = alpha.copy()
    _clutter(random, alpha, ink.shape)
    picture = np.clip(below + (level - below) * alpha, 0, 255).astype(np.uint8)
    if random.random() < 0.35:  # an HDMI scaler
        factor = random.uniform(0.75, 1.6), random.uniform(0.75, 1.6)
        factor = (factor[0], factor[0]) if random.random() < 0.6 else factor
        flags = random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA])
        picture = cv2.resize(picture, None, fx=factor[0], fy=factor[1], interpolation=int(flags))
        bare = cv2.resize(bare, picture.shape[::-1], interpolation=cv2.INTER_AREA)
    picture = _as_captured(random, picture)
    box = Roi(*_jittered(random, cv2.boundingRect((bare > 0.35).astype(np.uint8)), picture.shape))
    mask, step = find_ink(picture)
    if not box.of(mask).any() or box.height < 5:
        return None
    found = measured(picture, mask, step, box)
    return None if found is None else (_cut(picture, found), said)


def _clutter(random: np.random.Generator, alpha: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Now and then ticks that reach into the line from above, and a rule below it, in the ink of the text."""
    high, wide = shape
    if random.random() < 0.06:
        for x in random.integers(0, wide, 1 + wide // 60):
            reach = PAPER_ROOM + int(random.integers(-2, 1 + high // 8))
            alpha[max(0, reach - 6) : reach, PAPER_ROOM + x : PAPER_ROOM + x + 1 + high // 14] = 1
    if random.random() < 0.04:
        gap = int(random.integers(1, 4))
        alpha[PAPER_ROOM + high + gap : PAPER_ROOM + high + gap + 1 + high // 16] = 1


def on_tape(strip: Pixels, said: str, width: int, random: np.random.Generator) -> tuple[Pixels, list[int]] | None:
    """The strip somewhere on a black tape of this width, and the classes of what it says; None: too long for it."""
    room = width - strip.shape[1]
    if room < 0 or 2 * len(said) + 2 > strip.shape[1] // 2 * 2:
        return None
    tape = np.zeros((HEIGHT, width), np.uint8)
    start = int(random.integers(0, room + 1))
    tape[:, start : start + strip.shape[1]] = strip
    return tape, [ALPHABET.index(glyph) for glyph in said]


def _line(random: np.random.Generator, font: Font) -> tuple[str, str, bool]:
    """What is drawn, what the network is to say of it, and whether it is mirrored, as on flipped screens."""
    if font.wide and random.random() < 0.4:
        script = IDEOGRAPHS if font.name.startswith("Unifont") else OTHER_SCRIPTS
        written = "".join(random.choice(list(script), random.integers(1, 9)))
        return written, OTHER * len(written), False
    written = random_text(random)
    if len(written) > 3 and random.random() < 0.04:
        seen = written[::-1].replace(" ", "")
        return written, "".join(IN_A_MIRROR.get(glyph, OTHER) for glyph in seen), True
    return written, written, False


def _ink_level(random: np.random.Generator, paper: Pixels) -> float:
    """Apart from the paper, and from nearly all of its speckle."""
    low, high = np.percentile(paper, (5, 95))
    darker = low > 60 and (high > 200 or random.random() < 0.3)
    if darker:
        return float(random.uniform(0, low - 50))
    return 255.0 if random.random() < 0.3 else float(random.uniform(min(high + 45, 250), 256))


def _as_captured(random: np.random.Generator, picture: Pixels) -> Pixels:
    """Blur, chroma bleed, noise and compression, each now and then."""
    if random.random() < 0.3:
        along = random.uniform(0.3, 0.9)
        picture = cv2.GaussianBlur(picture, (0, 0), along, sigmaY=along if random.random() < 0.6 else 0.2)
    if random.random() < 0.3:
        noise = random.normal(0, random.uniform(0.5, 5), picture.shape)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 96))])[1]
        picture = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)  # type: ignore[assignment]
    return picture


def _jittered(random: np.random.Generator, box: Sequence[int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """As far off as the device's own boxes are: a pixel, or a twentieth of the height."""
    x, y, width, height = box
    most = max(1.0, 0.05 * height)
    left, top, right, bottom = np.round(random.uniform(-most, most, 4) * (random.random(4) < 0.4)).astype(int)
    x0, y0 = max(0, x - left), max(0, y - top)
    x1, y1 = min(shape[1], x + width + right), min(shape[0], y + height + bottom)
    return int(x0), int(y0), max(2, int(x1 - x0)), max(1, int(y1 - y0))


def _crop(random: np.random.Generator, pictures: Sequence[Pixels], size: tuple[int, int]) -> Pixels:
    """A part of a picture, at 0.7 to 2.5 times its size, of another brightness."""
    picture = pictures[random.integers(len(pictures))]
    factor = random.uniform(0.7, 2.5)
    high, wide = (max(4, round(side / factor)) for side in size)
    y, x = (
        int(random.integers(0, max(1, have - want))) for have, want in zip(picture.shape, (high, wide), strict=True)
    )
    part = cv2.resize(picture[y : y + high, x : x + wide], size[::-1], interpolation=cv2.INTER_LINEAR)
    gamma = np.float32(random.uniform(0.6, 1.5))
    return (255 * (part / np.float32(255)) ** gamma).astype(np.uint8)


def _noise(random: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Grain of any size and direction, harder than any speckle of the simulator."""
    noise = np.abs(
        cv2.GaussianBlur(random.normal(0, 1, size), (0, 0), random.uniform(0.5, 2.5), sigmaY=random.uniform(0.5, 2.5))
    )
    return np.clip(noise * (random.uniform(30, 120) / noise.mean()), 0, 255).astype(np.uint8)


def _shapes(random: np.random.Generator, picture: Pixels) -> Pixels:
    """Ticks, crosses, arrows, curves and boxes, as calipers, rulers and buttons have them."""
    picture = picture.copy()
    for _ in range(random.integers(8, 30)):
        x, y = int(random.integers(10, picture.shape[1] - 10)), int(random.integers(10, picture.shape[0] - 10))
        size, thick, level = int(random.integers(3, 20)), int(random.integers(1, 4)), int(random.integers(100, 256))
        match random.integers(8):
            case 0:
                marker = int(random.integers(0, 7))
                cv2.drawMarker(picture, (x, y), level, marker, size + 3, thick)
            case 1:
                cv2.line(picture, (x, y), (x + size, y), level, thick)
            case 2:
                for row in range(4):
                    cv2.line(picture, (x, y + row * size), (x + size // 2, y + row * size), level, 1)
            case 3:
                cv2.circle(picture, (x, y), size // 2 + 2, level, -1 if random.random() < 0.5 else thick)
            case 4:
                corners = random.integers(-size, size + 1, (3, 2)) + np.array([x, y])
                cv2.fillPoly(picture, [corners.astype(np.int32)], level)
            case 5:
                cv2.rectangle(picture, (x, y), (x + size, y + size), level, thick)
            case 6:
                cv2.ellipse(picture, (x, y), (2 * size, size), float(random.uniform(0, 180)), 0, 120, level, thick)
            case _:
                cv2.arrowedLine(
                    picture, (x, y), (x + size, y + int(random.integers(-9, 10))), level, thick, tipLength=0.5
                )
    return picture


def _cut(picture: Pixels, found: Candidate) -> Pixels:
    box = found.core
    return cut_strip(picture, (box.x, box.y, box.width, box.height), ink=found.ink, paper=found.paper)
