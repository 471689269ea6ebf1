"""Right and wrong answers out of a list of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.metrics.arrays import FloatArray, same_shape


class ClassRates(NamedTuple):
    """Each class against all others, (K,) each, 0..1; nan where there was nothing to be right about."""

    precision: FloatArray  # share right of what was called the class
    recall: FloatArray  # share found of what is the class; sensitivity
    specificity: FloatArray  # share not called the class of what is not
    f1: FloatArray  # harmonic mean of precision and recall


def accuracy(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Share of equal elements, 0..1; nan when there is none.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = same_shape(truth, predicted)
    return float(np.mean(a == b)) if a.size else float("nan")


def confusion(truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Counts (K, K): row = true class, column = predicted class, both in the order of `classes`.

    Raises:
        ValueError: the shapes differ, `classes` repeats one, or an element is none of `classes`.
    """
    a, b = same_shape(truth, predicted)
    place = {label: index for index, label in enumerate(classes)}
    if len(place) != len(classes):
        raise ValueError("confusion: a class is named twice")
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for row, column in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
        if row not in place or column not in place:
            raise ValueError(f"confusion: {row!r} or {column!r} is none of the classes")
        counts[place[row], place[column]] += 1
    return counts


def quadratic_weighted_kappa(truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: Sequence[Any]) -> float:
    """Cohen's kappa of ordered classes, a miss by k classes costing k squared (Cohen 1968); -1..1, 0 = as by chance.

    `classes` are in order. nan when chance could not miss: no element, or all of both in one class.

    Raises:
        ValueError: as `confusion`.
    """
    counts = confusion(truth, predicted, classes).astype(np.float64)
    place = np.arange(len(classes), dtype=np.float64)
    cost = (place[:, None] - place) ** 2
    by_chance = float((cost * np.outer(counts.sum(axis=1), counts.sum(axis=0))).sum())
    return 1.0 - float((cost * counts).sum()) * float(counts.sum()) / by_chance if by_chance else float("nan")


def class_rates(counts: npt.ArrayLike) -> ClassRates:
    """Precision, recall, specificity and F (P2) of each class, from the counts (K, K) of `confusion`."""
    table = np.asarray(counts, np.float64)
    right, called, true = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    others = table.sum() - true
    with np.errstate(invalid="ignore"):  # nothing over nothing is nan, as said
        return ClassRates(
            precision=right / called,
            recall=right / true,
            specificity=(others - (called - right)) / others,
            f1=2 * right / (called + true),
        )
