"""A set of grades is never empty, has no gap, and grows with its threshold from the likeliest grade."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.findings import GRADES, in_words
from edge.stages.grade import grade_probabilities, most_likely
from edge.stages.grade_set import grade_set, scores, united

distributions = st.lists(st.floats(-9, 9), min_size=3, max_size=3).map(lambda x: grade_probabilities(sorted(x)[::-1]))
shares = st.floats(0, 1)


@given(distributions, shares, shares)
def test_a_set_holds_the_likeliest_has_no_gap_and_grows(row, one, other):
    narrow, wide = (grade_set(row, threshold) for threshold in sorted((one, other)))
    assert most_likely(row) in narrow
    assert set(narrow) <= set(wide)
    assert "".join(narrow) in "".join(GRADES)  # neighbours, mildest first
    assert grade_set(row, 0.0) == (most_likely(row),) or 0.0 in row
    assert grade_set(row, 1.0) == GRADES


@given(distributions, shares)
def test_what_a_set_lacks_is_less_than_its_threshold_leaves(row, threshold):
    """It stops growing only when it holds more than the threshold."""
    held = sum(row[GRADES.index(grade)] for grade in grade_set(row, threshold))
    assert held > threshold - 1e-9 or len(grade_set(row, threshold)) == 4


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((0.1, 0.5, 0.28, 0.12), (0.9, 0.0, 0.5, 0.78)),
        ((0.7, 0.2, 0.05, 0.05), (0.0, 0.7, 0.9, 0.95)),
        ((0.05, 0.15, 0.2, 0.6), (0.95, 0.8, 0.6, 0.0)),
        ((0.2, 0.6, 0.2, 0.0), (0.8, 0.0, 0.6, 1.0)),  # of two likely neighbours the severer comes first
        ((0.4, 0.1, 0.1, 0.4), (0.0, 0.4, 0.5, 0.6)),  # of two likeliest grades the milder is the answer
    ],
)
def test_a_grades_score_is_what_the_set_held_before_it(row, expected):
    assert scores(row) == pytest.approx(expected)


def test_a_threshold_that_is_a_grades_own_score_lets_it_in():
    row = (0.1, 0.5, 0.3, 0.1)
    assert grade_set(row, scores(row)[2]) == ("mild", "moderate")


def test_two_sets_are_united_with_what_lies_between():
    assert united(("normal",), ("moderate",)) == ("normal", "mild", "moderate")
    assert united(("mild", "moderate"), ("moderate",)) == ("mild", "moderate")


def test_a_set_in_words():
    assert [in_words(GRADES[:count]) for count in (1, 2, 3)] == ["normal", "normal or mild", "normal, mild or moderate"]
