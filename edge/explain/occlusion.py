"""Occlusion sensitivity (P2; Zeiler and Fergus 2014): each patch of a grid hidden alone."""

from __future__ import annotations

import numpy as np

from edge.explain.asking import Ask
from edge.explain.hiding import smeared
from edge.explain.sight import Sight
from edge.explain.support import Support, cells
from edge.frame import Pixels
from edge.stages.placement import Box

OVERLAP = 1.5  # a patch's side over that of its cell: what lies across a border of the grid is hidden whole by one


def occlusion(sight: Sight, baseline: float, ask: Ask, *, side: int, seed: int) -> Support:
    """`side` x `side` patches, each one invoke; `baseline`: the answer to the unchanged picture.

    A pixel's support is the mean loss of the patches over it. The patches come in an order drawn from `seed`, so that
    what is done when the time is up lies all over the picture.
    """
    fill = smeared(sight.picture, sight.placement)
    patches = [_grown(cell, sight.placement.target) for cell in cells(sight.placement.target, side)]
    order = np.random.default_rng(seed).permutation(len(patches)).tolist()

    def hidden(patch: Box) -> Pixels:
        picture: Pixels = sight.picture.copy()
        patch.of(picture)[:] = patch.of(fill)
        return picture

    answers = ask((hidden(patches[i]) for i in order), len(patches))
    lost, over = np.zeros(sight.picture.shape), np.zeros(sight.picture.shape)
    for i, answer in zip(order, answers, strict=False):
        where = np.s_[patches[i].top : patches[i].bottom, patches[i].left : patches[i].right]
        lost[where] += baseline - answer
        over[where] += 1
    pixels = np.divide(lost, over, out=np.full_like(lost, np.nan), where=over > 0)
    return Support(pixels, tried=len(answers), planned=len(patches), parts=len(patches))


def _grown(cell: Box, within: Box) -> Box:
    across, down = ((OVERLAP - 1) / 2 * length for length in (cell.width, cell.height))
    return Box(
        max(within.left, round(cell.left - across)),
        max(within.top, round(cell.top - down)),
        min(within.right, round(cell.right + across)),
        min(within.bottom, round(cell.bottom + down)),
    )
