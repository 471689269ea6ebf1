"""The temperature is found that made the answers, and likelihood is what it is by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra convert is not installed")

from convert.confidence.answers import Wrist, true_grades
from convert.confidence.temperature import fit_temperature, nll, wrist_probabilities
from edge.metrics.calibration import expected_calibration_error
from edge.stages.grade import grade_probabilities
from tests.convert.confidence.simulated import PLAIN, simulated


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_answers_is_found(temperature):
    clips = simulated(2000, temperature=temperature)
    assert fit_temperature(clips) == pytest.approx(temperature, rel=0.12)


def test_after_it_the_answers_can_be_taken_at_their_word():
    truth = true_grades(simulated(2000, temperature=3.0))

    def ece(rows):
        return expected_calibration_error(rows.max(axis=1), rows.argmax(axis=1) == truth)

    clips = simulated(2000, temperature=3.0)
    before, after = (wrist_probabilities(clips, t) for t in (1.0, fit_temperature(clips)))
    assert ece(after) < 0.03 < ece(before)
    assert nll(after, truth) < nll(before, truth)


def test_a_wrist_counts_once_with_the_mean_of_its_frames():
    rows = np.array([[3.0, -1.0, -4.0], [1.0, 0.5, -2.0], [-2.0, -3.0, -6.0]])
    seen = np.hstack([np.zeros((3, PLAIN)), rows])
    two = [Wrist("A", "mild", seen[:2], ()), Wrist("B", "normal", seen[2:], ())]
    given = [grade_probabilities(row, 1.7) for row in rows.tolist()]
    expected = [np.mean(given[:2], axis=0), given[2]]
    assert wrist_probabilities(two, 1.7) == pytest.approx(np.array(expected))
    by_hand = -(math.log(expected[0][1]) + math.log(expected[1][0])) / 2
    assert nll(wrist_probabilities(two, 1.7), true_grades(two)) == pytest.approx(by_hand)


def test_a_grade_held_impossible_costs_much_and_not_all():
    assert nll(np.array([[1.0, 0.0, 0.0, 0.0]]), np.array([3])) == pytest.approx(-math.log(1e-6))
