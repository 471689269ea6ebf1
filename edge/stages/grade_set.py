"""The set of grades that holds the true one in a promised share of wrists: split-conformal, adaptive, without a gap.

The set starts with the likeliest grade and grows by the likelier of its two neighbours (ordinal adaptive prediction
sets: Lu, Angelopoulos and Pomerantz, MICCAI 2022). A grade's score is the probability that the set held before the
grade joined it: 0 for the likeliest, so that no set is empty. The set holds every grade whose score is within a
threshold, which `convert.confidence` takes from the scores of the true grades of held-out subjects.
"""

from __future__ import annotations

from edge.findings import GRADES, GradeSet
from edge.stages.grade import Probabilities, most_likely


def scores(probabilities: Probabilities) -> tuple[float, float, float, float]:
    """The score of each grade, 0..1, in the order of `GRADES`; of two likely neighbours the severer joins first."""
    first = last = GRADES.index(most_likely(probabilities))
    held, score = probabilities[first], [0.0] * len(GRADES)
    while last - first + 1 < len(GRADES):
        below = probabilities[first - 1] if first > 0 else -1.0
        above = probabilities[last + 1] if last + 1 < len(GRADES) else -1.0
        if above >= below:
            last += 1
            score[last] = min(held, 1.0)
        else:
            first -= 1
            score[first] = min(held, 1.0)
        held += max(above, below)
    normal, mild, moderate, severe = score
    return normal, mild, moderate, severe


def grade_set(probabilities: Probabilities, threshold: float) -> GradeSet:
    """The grades whose score is at most `threshold`, 0..1: at least one, and no gap between them."""
    return tuple(grade for grade, score in zip(GRADES, scores(probabilities), strict=True) if score <= threshold)


def united(first: GradeSet, second: GradeSet) -> GradeSet:
    """All from the mildest to the severest of both."""
    places = [GRADES.index(grade) for grade in (*first, *second)]
    return GRADES[min(places) : max(places) + 1]
