"""The budget counts every frame, in constant memory, within the error that it states."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.budget import Budget
from edge.errors import SourceError

MS = 1_000_000  # ns


def test_age_is_from_capture_to_report_and_the_deadline_itself_is_in_time():
    budget = Budget(100.0)
    assert budget.record(5 * MS, 105 * MS) == (100.0, False)
    assert budget.record(5 * MS, 105 * MS + 1) == (pytest.approx(100.000001), True)
    assert budget.summary().deadline_misses == 1


def test_now_is_the_monotonic_clock():
    age_ms, _ = Budget(None).record(time.monotonic_ns() - 50 * MS)
    assert 50.0 <= age_ms < 5000.0


def test_no_frame_has_no_age():
    latency = Budget(40.0).summary()
    assert (latency.age_p50_ms, latency.age_p95_ms, latency.age_max_ms) == (None, None, None)
    assert (latency.budget_ms, latency.deadline_misses, latency.frames) == (40.0, 0, 0)


def test_no_budget_misses_none():
    budget = Budget(None)
    assert not budget.record(0, 10**15).overrun
    assert budget.summary().deadline_misses == 0


@given(st.lists(st.integers(20_000, 10**12), min_size=1, max_size=200))
def test_percentiles_are_within_half_a_percent_of_the_nearest_rank(ages_ns):
    budget = Budget(100.0)
    for age in ages_ns:
        budget.record(0, age)
    latency = budget.summary()
    ordered = sorted(age / 1e6 for age in ages_ns)
    for value, percent in ((latency.age_p50_ms, 50), (latency.age_p95_ms, 95)):
        exact = ordered[-(-len(ordered) * percent // 100) - 1]
        assert value == pytest.approx(exact, rel=0.005)
    assert latency.age_max_ms == ordered[-1]
    assert latency.frames == len(ages_ns)
    assert latency.deadline_misses == np.count_nonzero(np.array(ordered) > 100.0)


def test_ages_outside_the_histogram_are_counted_at_its_ends():
    budget = Budget(None)
    budget.record(7, 7)
    assert budget.summary().age_p50_ms == 0.0
    budget.record(0, 86_400_000 * MS)
    latency = budget.summary()
    assert latency.age_max_ms == 86_400_000.0
    assert latency.age_p50_ms == pytest.approx(0.01, rel=0.005)


def test_memory_does_not_grow_with_the_run():
    budget = Budget(33.0)
    bins = len(budget._bins)
    for age in range(100_000):
        budget.record(0, age * 1000)
    assert len(budget._bins) == bins
    assert sys.getsizeof(budget._bins) < 20_000


def test_a_frame_from_the_future_is_refused():
    with pytest.raises(SourceError, match=r"0\.500 ms ahead.*monotonic"):
        Budget(100.0).record(1 * MS, MS // 2)


@pytest.mark.parametrize("budget_ms", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_is_a_positive_number(budget_ms):
    with pytest.raises(ValueError, match="above 0"):
        Budget(budget_ms)
