"""The promise holds: by the formula, in simulation, and where a subject has several wrists."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the extra convert is not installed")

from convert.confidence.conformal import fit_conformal, least_subjects, quantile
from convert.confidence.fit import Fitted, clip_grade, halves
from convert.confidence.temperature import wrist_probabilities
from edge.manifest import Thresholds
from edge.stages.grade_set import grade_set
from tests.convert.confidence.simulated import simulated


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.5, 0.99))
def test_of_single_wrists_it_is_the_finite_sample_quantile(values, share):
    rank = math.ceil((len(values) + 1) * share - 1e-9)
    expected = sorted(values)[rank - 1] if rank <= len(values) else math.inf
    assert quantile(np.array(values), [str(i) for i in range(len(values))], share) == expected
    assert (expected == math.inf) == (len(values) < least_subjects(share))


def test_a_subject_weighs_once_however_many_wrists_it_has():
    values = np.array([0.1, 0.2, 0.3, *[0.9] * 50])
    subjects = ["A", "B", "C", *["D"] * 50]
    assert quantile(values, subjects, 0.6) == 0.3  # 3 of 4 + 1 subjects
    assert quantile(values, [str(i) for i in range(len(values))], 0.6) == 0.9


def test_too_few_subjects_give_every_grade():
    found = fit_conformal(["A"] * 5, ["mild"] * 5, [(0.0, 1.0, 0.0, 0.0)] * 5, 0.9)
    assert (found.threshold, found.subjects, found.coverage) == (1.0, 1, 0.9)


@pytest.mark.parametrize(("coverage", "temperature"), [(0.9, 1.0), (0.9, 4.0), (0.8, 1.0)])
def test_over_fifty_resplits_of_a_thousand_subjects_the_coverage_is_the_nominal(coverage, temperature):
    """Also where the grader is far too sure of itself: a promise about sets asks nothing of the probabilities."""
    clips = simulated(1000, temperature=temperature, seed=4)
    held = [_share_held(*halves(clips, seed), coverage) for seed in range(50)]
    assert np.mean(held) == pytest.approx(coverage, abs=0.03)


def _share_held(fitted_on, looked_at, coverage):
    rows = [tuple(row) for row in wrist_probabilities(fitted_on, 1.0).tolist()]
    found = fit_conformal([w.subject for w in fitted_on], [w.grade for w in fitted_on], rows, coverage)
    answers = [clip_grade(wrist, Fitted(conformal=found), Thresholds()) for wrist in looked_at]
    return np.mean([wrist.grade in answer.grade_set for wrist, answer in zip(looked_at, answers, strict=True)])


def test_the_promise_holds_for_wrists_of_one_subject_that_are_alike():
    """A tenth of the subjects has twenty hard wrists each: taken one by one they would widen everybody's sets."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(200):
        subjects, scores = [], []
        for number in range(100):
            hard = rng.random() < 0.1
            for _ in range(20 if hard else 1):
                subjects.append(str(number))
                scores.append(rng.uniform(0.5, 1.0) if hard else rng.uniform(0.0, 0.5))
        threshold = quantile(np.array(scores), subjects, 0.8)
        hard = rng.random(2000) < 0.1
        fresh = np.where(hard, rng.uniform(0.5, 1.0, 2000), rng.uniform(0.0, 0.5, 2000))
        held.append(np.mean(fresh <= threshold))
    assert np.mean(held) == pytest.approx(0.8, abs=0.02)


def test_a_grader_that_is_right_more_often_than_promised_gives_single_grades():
    found = fit_conformal([str(i) for i in range(50)], ["mild"] * 50, [(0.1, 0.6, 0.2, 0.1)] * 50, 0.9)
    assert grade_set((0.1, 0.6, 0.2, 0.1), found.threshold) == ("mild",)
