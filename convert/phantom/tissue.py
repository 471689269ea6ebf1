"""A slice of tissue on the picture's own pixel grid, drawn with shapes in millimetres."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]  # (N, 2): x mm from the middle of the picture, z mm below the skin

_FINE = 8
_SHIFT = 4  # sixteenths of a pixel, for OpenCV's drawing


class TissueMap:
    """What the beam meets, (H, W) each: diffuse echo level in dB, mirror amplitude, and shadow in dB."""

    def __init__(self, shape: tuple[int, int], mm_per_px: float, level_db: float) -> None:
        self.shape = shape
        self.mm_per_px = mm_per_px
        self.level_db: Floats = np.full(shape, level_db, np.float32)
        self.mirror: Floats = np.zeros(shape, np.float32)  # smooth interfaces: they echo without speckle
        self.shadow_db: Floats = np.zeros(shape, np.float32)  # loss that begins at this pixel, for all below it

    @property
    def width_mm(self) -> float:
        return self.shape[1] * self.mm_per_px

    @property
    def depth_mm(self) -> float:
        return self.shape[0] * self.mm_per_px

    def to_px(self, points: Points) -> npt.NDArray[np.float64]:
        """Millimetres to (column, row) in pixels."""
        px = points / self.mm_per_px
        px[:, 0] += self.shape[1] / 2
        return px

    def inside(self, outline: Points) -> npt.NDArray[np.bool_]:
        """The pixels inside a closed outline."""
        mask = np.zeros(self.shape, bool)
        window, within = self._window(outline)
        mask[window] = within
        return mask

    def mostly_inside(self, outlines: Sequence[Points]) -> npt.NDArray[np.uint8]:
        """(H, W), 1 where at least half of a pixel lies inside one of the outlines: the mask whose area is theirs.

        OpenCV also fills every pixel that an outline touches; on a grid eight times as fine that is of no account.
        """
        mask = np.zeros(self.shape, np.uint8)
        for outline in outlines:
            px = self.to_px(outline.copy())
            low, high = self._box(px)
            fine = np.zeros((high - low)[::-1] * _FINE, np.uint8)
            if fine.size:
                points = ((px - low) * _FINE + (_FINE - 1) / 2) * 2**_SHIFT
                cv2.fillPoly(fine, [np.round(points).astype(np.int32)], 255, shift=_SHIFT)
                covered = cv2.resize(fine, tuple(int(n) for n in high - low), interpolation=cv2.INTER_AREA)
                mask[low[1] : high[1], low[0] : high[0]] |= (covered > 127).astype(np.uint8)
        return mask

    def _box(self, px: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Corners (x, y) of the pixels about some points, as far as the picture reaches."""
        low = np.clip(np.floor(px.min(axis=0)).astype(int) - 1, 0, self.shape[::-1])
        return low, np.clip(np.ceil(px.max(axis=0)).astype(int) + 2, low, self.shape[::-1])

    def fill(
        self, outline: Points, level_db: float, grain_db: float = 0.0, rng: np.random.Generator | None = None
    ) -> None:
        """Give the inside of an outline a level; `grain_db` is the SD of a fine texture (needs `rng`)."""
        window, within = self._window(outline)
        region = self.level_db[window]
        region[within] = level_db
        if grain_db and rng is not None:
            region[within] += rng.normal(0.0, grain_db, int(within.sum())).astype(np.float32)

    def shade(self, outline: Points, change_db: float) -> None:
        """Raise or lower the level inside an outline."""
        window, within = self._window(outline)
        self.level_db[window][within] += change_db

    def _window(self, outline: Points) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """The outline's bounding box in the picture, and which of its pixels lie inside."""
        px = self.to_px(outline.copy())
        low, high = self._box(px)
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        if mask.size:
            cv2.fillPoly(mask, [np.round((px - low) * 2**_SHIFT).astype(np.int32)], 1, shift=_SHIFT)
        return (slice(low[1], high[1]), slice(low[0], high[0])), mask.astype(bool)

    def line(self, path: Points, thickness_mm: float, level_db: float, mirror: float = 0.0) -> None:
        """A thin bright layer along an open path: diffuse level, and a mirror amplitude where it lies flat."""
        self._lay(self._stroke(path, thickness_mm), level_db, mirror)

    def outline(
        self,
        closed: Points,
        thickness_mm: float,
        level_db: float,
        mirror: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        """A thin layer round a closed outline, strongest on top and below, where the beam meets it squarely.

        With `rng` the layer is patchy, as real interfaces are; without it, whole.
        """
        loop = np.vstack([closed, closed[:1]])
        step = max(2, len(closed) // 24)
        for at in range(0, len(closed), step):
            piece = loop[at : at + step + 1]
            along = piece[-1] - piece[0]
            square_on = abs(along[0]) / (np.hypot(*along) + 1e-9)
            fade = -9.0 * (1 - square_on) + (rng.normal(-1.5, 2.5) if rng is not None else 0.0)
            shine = mirror * square_on**3 * 10 ** (min(fade, 0) / 20)
            self._lay(self._stroke(piece, thickness_mm), level_db + fade, shine)

    def _lay(self, stroke: tuple[tuple[slice, slice], Floats], level_db: float, mirror: float) -> None:
        window, cover = stroke
        bright = cover > 0.05
        level = self.level_db[window]
        level[bright] = np.maximum(level[bright], level_db + 20 * np.log10(cover[bright]))
        if mirror:
            self.mirror[window] = np.maximum(self.mirror[window], cover * np.float32(mirror))

    def cast_shadow(self, path: Points, loss_db: float) -> None:
        """Everything below an open path loses `loss_db`."""
        columns_rows = self.to_px(path.copy())
        columns = np.arange(self.shape[1])
        rows = np.interp(columns, columns_rows[:, 0], columns_rows[:, 1], left=np.inf, right=np.inf)
        hit = np.isfinite(rows) & (rows < self.shape[0])
        self.shadow_db[np.clip(rows[hit], 0, None).astype(int), columns[hit]] += loss_db

    def _stroke(self, path: Points, thickness_mm: float) -> tuple[tuple[slice, slice], Floats]:
        """How far a line covers each pixel of its bounding box, 0..1."""
        px = self.to_px(path.copy())
        thickness = max(1, round(thickness_mm / self.mm_per_px))
        low = np.clip(np.floor(px.min(axis=0)).astype(int) - thickness - 1, 0, self.shape[::-1])
        high = np.clip(np.ceil(px.max(axis=0)).astype(int) + thickness + 2, low, self.shape[::-1])
        stroke = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        if stroke.size:
            points = np.round((px - low) * 2**_SHIFT).astype(np.int32)
            cv2.polylines(stroke, [points], False, 255, thickness, cv2.LINE_AA, _SHIFT)
        return (slice(low[1], high[1]), slice(low[0], high[0])), stroke.astype(np.float32) / 255


def ellipse(x: float, z: float, long_mm: float, short_mm: float, angle_deg: float = 0.0, points: int = 72) -> Points:
    """An outline, clockwise from the right end, with full axes `long_mm` and `short_mm`."""
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    flat = np.stack([np.cos(t) * long_mm / 2, np.sin(t) * short_mm / 2], axis=1)
    a = np.deg2rad(angle_deg)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return flat @ turn + (x, z)


def roughen(outline: Points, amount: float, rng: np.random.Generator, waves: Sequence[int] = (2, 3, 4, 5)) -> Points:
    """Move an outline in and out along its radius by a few slow waves, `amount` relative to the radius."""
    centre = outline.mean(axis=0)
    t = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
    factor = np.ones(len(outline))
    for wave in waves:
        factor += rng.normal(0, amount / wave) * np.cos(wave * t + rng.uniform(0, 2 * np.pi))
    return centre + (outline - centre) * factor[:, None]


def area_mm2(outline: Points) -> float:
    """Area inside an outline."""
    x, z = outline.T
    return float(abs(np.dot(x, np.roll(z, 1)) - np.dot(z, np.roll(x, 1))) / 2)


def wavy(x0: float, x1: float, z: float, swing_mm: float, rng: np.random.Generator, points: int = 60) -> Points:
    """A layer from x0 to x1 about the depth z, with slow waves of `swing_mm`."""
    x = np.linspace(x0, x1, points)
    t = (x - x0) / max(x1 - x0, 1e-6)
    depth = np.full(points, z)
    for wave in (0.5, 1.0, 2.0, 3.5):
        depth += rng.normal(0, swing_mm / (1 + wave)) * np.sin(2 * np.pi * (wave * t + rng.random()))
    return np.stack([x, depth], axis=1)
