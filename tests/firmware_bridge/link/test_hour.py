"""An hour over a bad cable."""

from __future__ import annotations

import statistics

import pytest

from firmware_bridge.link.faults import Faults
from firmware_bridge.link.messages import Grade, State
from tests.firmware_bridge.link.virtual import MS, SECOND, Bench

BAD = Faults(loss=0.10, corruption=0.01, duplication=0.05, reorder=0.05)


def state(number: int) -> State:
    return State(number, 0, 400, 50, 12_000, 1, 1, 1)


def grade(number: int) -> Grade:
    return Grade(number, 0, 1, 90, 0, 1234)


def over_a_bad_cable(seconds: int) -> Bench:
    """Ten grades and five states a second."""
    bench = Bench(BAD)
    for number in range(seconds * 10):
        bench.at(number * 100 * MS, lambda number=number: bench.host.endpoint.send(grade(number)))
    for number in range(seconds * 5):
        bench.at(number * 200 * MS, lambda number=number: bench.probe.endpoint.send(state(number)))
    bench.run_until(seconds * SECOND + 20 * SECOND)
    return bench


@pytest.mark.parametrize("seconds", [60, pytest.param(3600, marks=pytest.mark.slow)])
def test_every_command_is_executed_once_and_in_order(seconds: int) -> None:
    bench = over_a_bad_cable(seconds)
    assert bench.probe.got == [grade(number) for number in range(seconds * 10)]
    assert bench.host.got == [state(number) for number in range(seconds * 5)]
    assert len(bench.host.connections) == len(bench.probe.connections) == 1
    assert bench.host.endpoint.owed == bench.probe.endpoint.owed == 0
    counts = bench.probe.endpoint.counts
    assert min(counts.damaged, counts.repeated, counts.missed, bench.host.endpoint.counts.resent) > 0
    taken_ms = sorted(each.after_ns / MS for each in bench.host.delivered)
    p50, *_, p95, p99 = (statistics.quantiles(taken_ms, n=100)[each] for each in (49, 89, 94, 98))
    said = f"p50 {p50:.0f} ms, p95 {p95:.0f}, p99 {p99:.0f}, max {taken_ms[-1]:.0f}"
    print(f"{seconds} s: acknowledged after {said}; {counts}")
    assert taken_ms[-1] < 10_000
