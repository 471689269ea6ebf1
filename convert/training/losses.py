"""What a training makes small, by task."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from convert.models import GRADE_STEPS
from edge.findings import GRADES


def soft_dice_loss(truth: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """P1's 1 - DSC by image, with half a cross-entropy beside it that keeps the logits' scale finite for INT8."""
    probability = keras.ops.sigmoid(logits)
    overlap = keras.ops.sum(truth * probability, axis=(1, 2, 3))
    total = keras.ops.sum(truth + probability, axis=(1, 2, 3))
    dice = (2 * overlap + 1.0) / (total + 1.0)
    entropy = keras.ops.mean(keras.ops.binary_crossentropy(truth, logits, from_logits=True), axis=(1, 2, 3))
    return 1.0 - dice + 0.5 * entropy


def ordinal_loss(truth: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy of each step between neighbouring grades, by image."""
    return keras.ops.mean(keras.ops.binary_crossentropy(truth, logits, from_logits=True), axis=-1)


LOSSES = {"segment": soft_dice_loss, "grade": ordinal_loss}


def ordinal_targets(grade: str) -> npt.NDArray[np.uint8]:
    """A grade as (3,) answers, 0 or 1: worse than normal? than mild? than moderate?"""
    return (GRADES.index(grade) > np.arange(len(GRADE_STEPS))).astype(np.uint8)
