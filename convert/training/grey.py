"""Random changes of how a machine draws the same tissue: its knobs, its beam, its scaler, the edges of its picture.

A layer takes a picture and its mask, (H, W) uint8 each, and gives them back changed; black stays black where the
picture does not reach. Only `crop` changes the mask: what is not in the picture is not to be found.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Mask, Pixels

Layer = Callable[[Pixels, Mask, np.random.Generator], tuple[Pixels, Mask]]

_SHADE_NODES = (4, 4)  # down, across
_RIGHT, _BELOW, _LEFT = 1, 2, 3  # quarter turns that bring this side up


def sometimes(chance: float, layer: Layer) -> Layer:
    """`layer` on a share `chance` of the pictures."""

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        return layer(picture, mask, rng) if rng.random() < chance else (picture, mask)

    return draw


def intensity(gain: float, offset: float, gamma: float) -> Layer:
    """Gain 1 - gain .. 1 + gain, offset in grey levels either way, gamma 1 / gamma .. gamma."""

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        levels = np.arange(256) / 255.0
        curve = levels ** np.exp(rng.uniform(-1, 1) * np.log(gamma)) * rng.uniform(1 - gain, 1 + gain)
        curve = np.clip(255 * curve + rng.uniform(-offset, offset), 0, 255)
        curve[0] = 0
        return cv2.LUT(picture, np.round(curve).astype(np.uint8)), mask  # type: ignore[return-value]

    return draw


def shade(share: float) -> Layer:
    """Brighter here, darker there, by up to `share`: time-gain compensation, poor contact, a shadow's border."""

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        nodes = rng.uniform(1 - share, 1 + share, _SHADE_NODES).astype(np.float32)
        field = cv2.resize(nodes, picture.shape[::-1], interpolation=cv2.INTER_CUBIC)
        return _as_grey(picture * field), mask

    return draw


def speckle(levels: float) -> Layer:
    """Grain of an SD of up to `levels` grey levels, wider than high; after log compression speckle is additive."""

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        grain = rng.standard_normal(picture.shape, np.float32)
        smooth = cv2.GaussianBlur(grain, (0, 0), sigmaX=rng.uniform(0.5, 1.6), sigmaY=rng.uniform(0.4, 0.9))
        smooth *= rng.uniform(0, levels) / (smooth.std() + 1e-6)
        seen = np.minimum(picture / np.float32(40), 1)  # no echo, no speckle
        return _as_grey(picture + smooth * seen), mask

    return draw


def resolution(factor: float, blur_px: float) -> Layer:
    """A coarser beam: 1 .. factor fewer pixels across, less so down, and back; blurred by an SD up to `blur_px`."""

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        height, width = picture.shape
        across = rng.uniform(1, factor)
        down = 1 + (across - 1) * rng.uniform(0, 1)
        how = cv2.INTER_AREA if rng.random() < 0.5 else cv2.INTER_LINEAR
        small = cv2.resize(picture, (round(width / across), round(height / down)), interpolation=how)
        changed = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        sigma = rng.uniform(0, blur_px)
        return (cv2.GaussianBlur(changed, (0, 0), sigma) if sigma > 0.25 else changed), mask  # type: ignore[return-value]

    return draw


def crop(share: float) -> Layer:
    """Up to `share` cut off at one or two of left, right and below: a narrower probe, a shallower picture.

    Never above: every picture begins at the skin, and the nerve is not far from it.
    """

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        picture, mask = picture.copy(), mask.copy()
        for side in rng.choice([_RIGHT, _BELOW, _LEFT], size=rng.integers(1, 3), replace=False):
            turned = np.rot90(picture, side), np.rot90(mask, side)  # views: what is cut here is cut there
            rows = round(rng.uniform(0, share) * turned[0].shape[0])
            for each in turned:
                each[:rows] = 0
        return picture, mask

    return draw


def _as_grey(values: npt.NDArray[np.float32]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
