"""Random changes of training pictures: those of the probe's hand (geometry) and of the machine's knobs (grey)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Mask, Pixels

Affine = npt.NDArray[np.float64]  # (2, 3)
Point = tuple[float, float]  # x, y in pixels


@dataclass(frozen=True)
class Augmentation:
    """Ranges, symmetric about no change. Degrees, shares of the picture's side, factors."""

    rotation_deg: float = 10.0  # P2
    shear_deg: float = 15.0  # P1: on x and on y
    scale: float = 1.25  # 1 / scale .. scale
    shift: float = 0.06  # of the side
    flip: bool = True  # left wrists and right wrists
    gain: float = 0.25  # factor 1 - gain .. 1 + gain
    offset: float = 20.0  # grey levels
    gamma: float = 1.4  # 1 / gamma .. gamma
    blur_px: float = 0.7  # SD of a Gaussian, up to


NO_AUGMENTATION = Augmentation(
    rotation_deg=0.0, shear_deg=0.0, scale=1.0, shift=0.0, flip=False, gain=0.0, offset=0.0, gamma=1.0, blur_px=0.0
)
# Another machine's picture is the segmenter's worst enemy, and its scale is not known where nobody tells the spacing.
SEGMENT = Augmentation(scale=1.4, gain=0.4, offset=30.0, gamma=1.7, blur_px=1.2)
# P2 scales by 0.8-1.2 because its crops have no millimetres; ours do, and the nerve's size is a sign of its grade.
GRADE = Augmentation(shear_deg=4.0, scale=1.05, shift=0.05)


def random_affine(centre: Point, target: int, augmentation: Augmentation, rng: np.random.Generator) -> Affine:
    """A random map that brings `centre` (x, y) of a picture near the middle of a `target` x `target` one."""
    a = augmentation
    turn, shear_x, shear_y = np.deg2rad(
        [rng.uniform(-limit, limit) for limit in (a.rotation_deg, a.shear_deg, a.shear_deg)]
    )
    scale = np.exp(rng.uniform(-1, 1) * np.log(a.scale))
    flip = -1.0 if a.flip and rng.random() < 0.5 else 1.0
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = scale * rotation @ np.array([[1.0, np.tan(shear_x)], [np.tan(shear_y), 1.0]]) @ np.diag([flip, 1.0])
    shift = rng.uniform(-a.shift, a.shift, 2) * target
    return np.hstack([linear, ((target - 1) / 2 + shift - linear @ np.array(centre))[:, None]])


def warp(picture: Pixels, affine: Affine, target: int, *, nearest: bool = False) -> Pixels:
    """`picture` through the map, `target` x `target`, black outside."""
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.warpAffine(picture, affine, (target, target), flags=how)


def random_grey(picture: Pixels, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    """Another gain, offset, gamma and sharpness; black stays black where the picture does not reach."""
    a = augmentation
    levels = np.arange(256) / 255.0
    curve = levels ** np.exp(rng.uniform(-1, 1) * np.log(a.gamma)) * rng.uniform(1 - a.gain, 1 + a.gain)
    curve = np.clip(255 * curve + rng.uniform(-a.offset, a.offset), 0, 255)
    curve[0] = 0
    changed = cv2.LUT(picture, np.round(curve).astype(np.uint8))
    sigma = rng.uniform(0, a.blur_px)
    return cv2.GaussianBlur(changed, (0, 0), sigma) if sigma > 0.25 else changed


def augment_pair(
    picture: Pixels, mask: Mask, target: int, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[Pixels, Mask]:
    """A picture and its mask through the same random map, `target` x `target` each.

    A target smaller than the picture is a window about a random place of the nerve, or near it.
    """
    affine = random_affine(_focus(mask, target, rng), target, augmentation, rng)
    return random_grey(warp(picture, affine, target), augmentation, rng), warp(mask, affine, target, nearest=True)


def augment_crop(picture: Pixels, target: int, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    """A crop with a margin through a random map, cut to `target` x `target`."""
    middle = (picture.shape[0] - 1) / 2
    return random_grey(
        warp(picture, random_affine((middle, middle), target, augmentation, rng), target), augmentation, rng
    )


def _focus(mask: Mask, target: int, rng: np.random.Generator) -> Point:
    rows, columns = np.nonzero(mask)
    if target >= mask.shape[0] or not len(rows):
        return (mask.shape[1] - 1) / 2, (mask.shape[0] - 1) / 2
    chosen = int(rng.integers(len(rows)))
    x, y = np.array([columns[chosen], rows[chosen]]) + rng.normal(0, target / 5, 2)
    return float(x), float(y)
