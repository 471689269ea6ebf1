"""Logits as probabilities of the four grades: a distribution whatever the network says."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.findings import GRADES
from edge.stages.grade import grade_probabilities, most_likely, probability_rows

logits = st.floats(-1e6, 1e6)
three = st.tuples(logits, logits, logits)
temperatures = st.floats(1e-3, 1e3)


@given(three, temperatures)
def test_is_a_distribution_and_warns_of_nothing(values, temperature):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probabilities = grade_probabilities(values, temperature)
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-12)
    assert min(probabilities) >= 0.0


@given(three, st.integers(0, 2), st.floats(0, 100))
def test_a_larger_logit_never_makes_it_milder(values, which, more):
    larger = list(values)
    larger[which] += more
    before, after = np.cumsum(grade_probabilities(values)), np.cumsum(grade_probabilities(larger))
    assert (after <= before + 1e-12).all()


def test_separate_steps_are_the_sigmoids_differences():
    above = 1 / (1 + np.exp([-2.0, 0.0, 1.0]))
    expected = [1 - above[0], above[0] - above[1], above[1] - above[2], above[2]]
    assert grade_probabilities((2.0, 0.0, -1.0)) == pytest.approx(expected)


def test_crossed_steps_leave_the_middle_empty():
    normal, mild, moderate, severe = grade_probabilities((0.0, 3.0, 2.0))
    assert (normal, mild, moderate, severe) == pytest.approx((0.5, 0.0, 0.0, 0.5))


@given(three)
def test_a_high_temperature_makes_unsure(values):
    hot = grade_probabilities(values, 1e9)
    assert hot[0] == pytest.approx(0.5, abs=1e-3)


@given(st.lists(three, min_size=1, max_size=5), temperatures)
def test_many_at_once_are_the_same_as_one_by_one(rows, temperature):
    one_by_one = [grade_probabilities(row, temperature) for row in rows]
    assert probability_rows(np.array(rows), temperature) == pytest.approx(np.array(one_by_one), abs=1e-12)


@pytest.mark.parametrize("index", range(4))
def test_the_grade_is_the_likeliest(index):
    probabilities = [0.1] * 4
    probabilities[index] = 0.7
    assert most_likely(tuple(probabilities)) == GRADES[index]


def test_of_two_equals_the_milder():
    assert most_likely((0.1, 0.4, 0.4, 0.1)) == "mild"
