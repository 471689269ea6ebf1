"""Augmentation: named layers of random change, each of which may be left out.

Two machines draw one wrist so differently that a segmenter trained on the one is lost on the other (0.92 -> 0.19 DSC),
so every way in which machines differ has its layer. What is drawn depends on nothing but the generator that is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from convert.training import geometry, grey
from convert.training.geometry import Move, Point, random_affine, warp
from convert.training.grey import Layer, sometimes
from convert.training.overlay import overlay
from edge.errors import UsageError
from edge.frame import Mask, Pixels


@dataclass(frozen=True)
class Augmentation:
    """Moves of picture and mask, then changes of the picture, in their order."""

    moves: Mapping[str, Move]
    layers: Mapping[str, Layer]

    @property
    def names(self) -> tuple[str, ...]:
        """What can be switched off."""
        return (*self.moves, *self.layers)

    def without(self, names: Collection[str]) -> Augmentation:
        """The rest.

        Raises:
            UsageError: a name is none of ours.
        """
        if unknown := [name for name in names if name not in self.names]:
            raise UsageError(f"no augmentation is called {unknown[0]!r}: one of {', '.join(self.names)}")
        moves = {name: move for name, move in self.moves.items() if name not in names}
        return Augmentation(moves, {name: layer for name, layer in self.layers.items() if name not in names})

    def __call__(self, picture: Pixels, mask: Mask, target: int, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        """A picture and its mask through the same random moves, `target` x `target` each, and changed in its greys.

        A target smaller than the picture is a window about a random place of the nerve, or near it; with an empty
        mask, about the middle.
        """
        affine = random_affine(self.moves.values(), _focus(mask, target, rng), target, rng)
        picture, mask = warp(picture, affine, target), warp(mask, affine, target, nearest=True)
        for layer in self.layers.values():
            picture, mask = layer(picture, mask, rng)
        return picture, mask


NO_AUGMENTATION = Augmentation({}, {})

# Another machine's picture is the segmenter's worst enemy, and its scale is not known where nobody tells the spacing.
SEGMENT = Augmentation(
    {
        "shift": geometry.shift(0.06),
        "scale": geometry.scale(1.4),  # P2: 0.8-1.2
        "rotation": geometry.rotation(10),  # P2
        "shear": geometry.shear(15),  # P1
        "flip": geometry.flip(),  # P2
    },
    {
        "shade": sometimes(0.4, grey.shade(0.4)),
        "speckle": sometimes(0.4, grey.speckle(12)),
        "intensity": grey.intensity(gain=0.4, offset=30, gamma=1.7),
        "resolution": sometimes(0.6, grey.resolution(1.8, blur_px=1.0)),
        "crop": sometimes(0.25, grey.crop(0.3)),
        "overlay": sometimes(0.4, overlay(3)),
    },
)
# P2 scales by 0.8-1.2 because its crops have no millimetres; ours do, and the nerve's size is a sign of its grade:
# no depth, little shear, and what hides or blurs the nerve stays weak.
GRADE = Augmentation(
    {
        "shift": geometry.shift(0.05),
        "scale": geometry.scale(1.05),
        "rotation": geometry.rotation(10),
        "shear": geometry.shear(4),
        "flip": geometry.flip(),
    },
    {
        "shade": sometimes(0.3, grey.shade(0.2)),
        "speckle": sometimes(0.3, grey.speckle(10)),
        "intensity": grey.intensity(gain=0.25, offset=20, gamma=1.4),
        "resolution": sometimes(0.5, grey.resolution(1.5, blur_px=0.7)),
        "crop": sometimes(0.1, grey.crop(0.12)),
        "overlay": sometimes(0.15, overlay(1, size=2)),
    },
)
AUGMENTATIONS = {"segment": SEGMENT, "grade": GRADE}


def _focus(mask: Mask, target: int, rng: np.random.Generator) -> Point:
    rows, columns = np.nonzero(mask)
    if target >= mask.shape[0] or not len(rows):
        return (mask.shape[1] - 1) / 2, (mask.shape[0] - 1) / 2
    chosen = int(rng.integers(len(rows)))
    x, y = np.array([columns[chosen], rows[chosen]]) + rng.normal(0, target / 5, 2)
    return float(x), float(y)
