"""Two records side by side."""

from __future__ import annotations

import json

import msgspec
import pytest

from edge.bench.compare import compare
from edge.bench.matrix import Axes, matrix
from edge.bench.measure import Pace
from edge.bench.replay import hold
from edge.bench.result import BenchResult, Environment, Percentiles
from edge.bench.text import comparison_text
from edge.heat import Throttling
from tests.edge.test_bench import ON_SCREEN, screens

HERE = Environment(cpu="board", cores=4, python="3.11.2", interpreter="litert 2.3.0", bundle_digest="a" * 64, threads=1)
A = BenchResult(
    stages={"segment": Percentiles(4.0, 5.0, 6.0, 7.0), "crop": Percentiles(0.5, 0.5, 0.5, 0.5)},
    frame_age_ms=Percentiles(10.0, 12.0, 14.0, 20.0),
    frames=90,
    dropped=10,
    invoke_ms={"segmenter": 3.0},
    cpu_ms_per_frame=9.0,
    overhead_ms=3.0,
    deadline_miss_ratio=0.0,
    budget_ms=100.0,
    throttling=Throttling(throttled=False, watched=("cooling devices",)),
    environment=HERE,
)


def changed(**fields):
    return msgspec.structs.replace(A, **fields)


def row(found, name):
    (one,) = (each for each in found.rows if each.name == name)
    return one


def test_each_figure_of_both_with_b_over_a():
    b = changed(stages={"segment": Percentiles(2.0, 4.0, 9.0, 9.0)}, cpu_ms_per_frame=4.5, frames=100, dropped=0)
    found = compare(A, b)
    assert (row(found, "segment p50").a, row(found, "segment p50").b, row(found, "segment p50").ratio) == (
        4.0,
        2.0,
        0.5,
    )
    assert row(found, "segment p95").ratio == 0.8
    assert row(found, "segment p99").ratio == 1.5
    assert row(found, "CPU a frame").ratio == 0.5
    assert (row(found, "crop p50").b, row(found, "crop p50").ratio) == (None, None)
    assert (row(found, "frames dropped, share").a, row(found, "frames dropped, share").b) == (0.1, 0.0)
    assert row(found, "deadlines missed, share").ratio is None  # of nothing nothing is a multiple
    assert found.notes == ()
    assert not any(each.name.startswith("energy") for each in found.rows)


@pytest.mark.parametrize(
    ("field", "other", "note"),
    [
        ("cpu", "another board", "the processor differs: A board, B another board"),
        ("cores", 2, "the cores differs: A 4, B 2"),
        ("python", "3.12.1", "the Python differs: A 3.11.2, B 3.12.1"),
        ("interpreter", "tflite-runtime 2.14.0", "the interpreter differs: A litert 2.3.0, B tflite-runtime 2.14.0"),
        ("bundle_digest", "b" * 64, f"the bundle differs: A {'a' * 16}, B {'b' * 16}"),
        ("threads", 2, "the threads differs: A 1, B 2"),
        ("grader", "squeezenet", "the grader differs: A none, B squeezenet"),
        ("cpu", None, "B does not say its processor: it may be of an earlier version"),
    ],
)
def test_what_else_differs_is_said(field, other, note):
    b = changed(environment=msgspec.structs.replace(HERE, **{field: other}))
    assert compare(A, b).notes == (note,)


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"throttling": Throttling(throttled=True, why=("heat",))}, "B was throttled: heat"),
        ({"throttling": Throttling(throttled=None)}, "whether B was throttled cannot be told"),
        ({"budget_ms": 50.0}, "the budget differs: A 100 ms, B 50 ms"),
        ({"fps": 30.0}, "the frames came differently: A back to back, B 30 a second"),
    ],
)
def test_a_doubt_about_either_is_said(fields, note):
    assert compare(A, changed(**fields)).notes == (note,)


def test_an_earlier_versions_memory_and_start_are_not_compared_with_todays(tiny_bundle):
    from edge.bench import bench

    today = bench(tiny_bundle, screens(1), ON_SCREEN, frames=3, warmup=0)
    before = msgspec.structs.replace(today, first_report=None, bare_process=None, first_report_s=0.1)
    found = compare(before, today)
    for name in ("first report", "peak memory"):
        one = row(found, name)
        assert one.a and one.b
        assert one.ratio is None
    assert any("not measured alike" in note for note in found.notes)
    assert row(compare(today, today), "first report").ratio == 1.0


def test_cells_that_both_have_are_compared(tiny_bundle):
    held, pace = hold(screens(1)), Pace(3, 0, None, None)
    one, two = (
        matrix(tiny_bundle, held, True, ON_SCREEN, pace, Axes(("brightness",), (n,), (1080,)))[0] for n in (1, 2)
    )
    found = compare(changed(matrix=(one,)), changed(matrix=(two, one)))
    assert [each.ratio for each in found.rows if each.name.startswith("brightness")] == [1.0, 1.0]


def test_as_text_it_is_a_table_with_the_notes_below():
    text = comparison_text(compare(A, changed(fps=30.0, cpu_ms_per_frame=18.0), ("old.json", "new.json")))
    assert text.startswith("A  old.json\nB  new.json\n")
    (line,) = (line for line in text.splitlines() if line.startswith("CPU a frame"))
    assert line.split()[-3:] == ["9.000", "18.000", "2.000"]
    assert text.splitlines()[-1] == "! the frames came differently: A back to back, B 30 a second"


def test_as_json_it_holds_the_same():
    said = json.loads(msgspec.json.encode(compare(A, A)))
    assert {"name": "segment p50", "unit": "ms", "a": 4.0, "b": 4.0, "ratio": 1.0} in said["rows"]
