"""The connected parts of a mask, told by its set pixels alone, are those that OpenCV tells."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.screen.parts import parts_of


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.4, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (37, 53)])
def test_parts_are_opencvs(share, shape):
    mask = (np.random.default_rng(1).random(shape) < share).astype(np.uint8)
    parts = parts_of(mask)
    count, label, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    assert np.array_equal(parts.label, label)
    assert np.array_equal(parts.boxes, boxes[1:count, :4])
    assert np.array_equal(parts.mask(np.ones(count - 1, bool)), mask)
    for part in range(min(count - 1, 3)):
        assert np.array_equal(parts.mask(np.arange(count - 1) == part), label == part + 1)
    everywhere = np.arange(mask.size)
    assert np.array_equal(parts.at(everywhere), label.ravel() - 1)
