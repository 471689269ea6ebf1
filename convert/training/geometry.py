"""Random moves of a picture and its mask: the examiner's hand, and the machine's depth knob.

A layer draws a (3, 3) matrix about the middle of the target, in shares of its side; several make one map by product,
so that the pixels are resampled once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels

Matrix = npt.NDArray[np.float64]
Move = Callable[[np.random.Generator], Matrix]
Point = tuple[float, float]  # x, y in pixels


def flip() -> Move:
    """Left wrists and right wrists, one as often as the other."""
    return lambda rng: np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0, 1.0])


def rotation(limit_deg: float) -> Move:
    """Turned by up to `limit_deg` either way."""

    def draw(rng: np.random.Generator) -> Matrix:
        turn = np.deg2rad(rng.uniform(-limit_deg, limit_deg))
        return _linear([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    return draw


def shear(limit_deg: float) -> Move:
    """Sheared by up to `limit_deg` on x and on y, each by itself (P1)."""

    def draw(rng: np.random.Generator) -> Matrix:
        x, y = np.tan(np.deg2rad(rng.uniform(-limit_deg, limit_deg, 2)))
        return _linear([[1.0, x], [y, 1.0]])

    return draw


def scale(factor: float) -> Move:
    """Enlarged by 1 / factor .. factor: another depth setting, where nobody tells the spacing."""

    def draw(rng: np.random.Generator) -> Matrix:
        size = np.exp(rng.uniform(-1, 1) * np.log(factor))
        return np.diag([size, size, 1.0])

    return draw


def shift(share: float) -> Move:
    """Moved by up to `share` of the target's side on x and on y."""

    def draw(rng: np.random.Generator) -> Matrix:
        matrix = np.eye(3)
        matrix[:2, 2] = rng.uniform(-share, share, 2)
        return matrix

    return draw


def random_affine(moves: Iterable[Move], centre: Point, target: int, rng: np.random.Generator) -> Matrix:
    """(2, 3): the product of all moves, bringing `centre` of a picture near the middle of a `target` x `target` one."""
    product = np.eye(3)
    for move in moves:
        product = product @ move(rng)
    linear, shifted = product[:2, :2], product[:2, 2] * target
    return np.hstack([linear, ((target - 1) / 2 + shifted - linear @ np.array(centre))[:, None]])


def warp(picture: Pixels, affine: Matrix, target: int, *, nearest: bool = False) -> Pixels:
    """`picture` through the map, `target` x `target`, black outside."""
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.warpAffine(picture, affine, (target, target), flags=how)  # type: ignore[return-value]


def _linear(rows: list[list[float]]) -> Matrix:
    matrix = np.eye(3)
    matrix[:2, :2] = rows
    return matrix
