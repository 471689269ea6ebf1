"""A live frame that would be late is given up before it is: first its grade, then the whole of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.budget import Budget
from edge.bundle import Bundle
from edge.examine import Examination
from edge.findings import Reason
from edge.interpreter import Model
from edge.manifest import ModelEntry
from edge.overrun import FADES, FORGETS, Overrun
from edge.pipeline import Options, Pipeline, load_model
from tests.pictures import CENTRED, Listed, frame, wrist

MS = 1_000_000


def test_nothing_is_given_up_before_anything_was_seen():
    rule = Overrun(100.0)
    assert rule.too_late("look", 99 * MS) is None
    assert rule.too_late("look", 101 * MS) is not None


def test_a_part_is_not_begun_when_the_longest_it_took_lately_does_not_fit():
    rule = Overrun(100.0)
    for ms in (20, 60, 20):
        rule.took("grade", ms * MS)
    assert rule.too_late("grade", 40 * MS) is None
    late = rule.too_late("grade", 45 * MS)
    assert late == (Reason.TOO_LATE, pytest.approx(45 + 60 * 0.97), 100.0)
    assert rule.too_late("look", 45 * MS) is None, "each part has a time of its own"


def test_a_hiccup_is_forgotten_with_time_and_what_never_fits_is_tried_again():
    rule = Overrun(100.0)
    rule.took("look", 1000 * MS)
    given_up = 0
    while rule.too_late("look", 10 * MS):
        given_up += 1
        assert given_up < 20, "half a second at 30 frames a second, where a try costs one"
    assert given_up > 5
    rule.took("look", 10 * MS)
    for _ in range(100):
        rule.took("look", 10 * MS)
    assert rule.too_late("look", 89 * MS) is None


@given(st.lists(st.tuples(st.integers(0, 300 * MS), st.integers(0, 300 * MS)), max_size=200))
def test_what_it_lets_pass_is_late_only_when_a_part_took_longer_than_ever_lately(frames):
    rule, recent = Overrun(100.0), 0.0
    for age_ns, takes_ns in frames:
        if rule.too_late("look", age_ns) is None:
            assert age_ns + recent <= 100 * MS
            rule.took("look", takes_ns)
            recent = max(float(takes_ns), FADES * recent)
        else:
            recent *= FORGETS


def aged(age_ms: float):
    return replace(frame(wrist(CENTRED)), timestamp_ns=time.monotonic_ns() - round(age_ms * MS))


class Slow:
    """A model that takes its time."""

    def __init__(self, model: Model, takes_s: float) -> None:
        self._model, self._takes_s = model, takes_s

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def invoke(self) -> None:
        time.sleep(self._takes_s)
        self._model.invoke()


@pytest.mark.parametrize(("slow", "skipped"), [("segment", "frame"), ("grade", "grader")])
def test_what_the_models_take_is_known_before_the_first_frame(tiny_bundle, slow, skipped):
    def load(bundle: Bundle, entry: ModelEntry, options: Options) -> Any:
        model = load_model(bundle, entry, options)
        return Slow(model, 0.5) if entry.task == slow else model

    pipeline = Pipeline(tiny_bundle, Options(), stream=False, load=load, overrun=Overrun(10_000.0))
    first = pipeline(aged(9_600))
    assert (first.skipped, first.grade.reason) == (skipped, Reason.TOO_LATE)
    assert slow not in first.stage_ns


def test_an_old_frame_is_given_up_whole_and_one_nearly_old_is_measured_and_not_graded(tiny_bundle):
    rule = Overrun(10_000.0)
    pipeline = Pipeline(tiny_bundle, Options(), stream=False, overrun=rule)
    assert pipeline(aged(0)).grade.reason is None
    whole = pipeline(aged(10_001))
    assert (whole.skipped, whole.grade.reason, whole.nerve) == ("frame", Reason.TOO_LATE, None)
    assert whole.grade.limit == 10_000.0 < whole.grade.value
    assert "segment" not in whole.stage_ns
    rule.took("grade", 9_000 * MS)
    part = pipeline(aged(5_000))
    assert (part.skipped, part.grade.reason) == ("grader", Reason.TOO_LATE)
    assert part.nerve is not None and "grade" not in part.stage_ns


def test_without_the_rule_every_frame_is_looked_at(tiny_bundle):
    assert Pipeline(tiny_bundle, Options(), stream=False)(aged(1e6)).grade.reason is None


def test_what_was_given_up_is_counted_and_told(tiny_bundle):
    rule = Overrun(100.0)
    rule.took("look", 1000 * MS)
    pipeline = Pipeline(tiny_bundle, Options(), stream=True, overrun=rule)
    exam = Examination(
        tiny_bundle,
        pipeline,
        Listed([frame(wrist(CENTRED, seed=n), index=n) for n in range(5)], stream=True),
        "x",
        Budget(100.0),
    )
    exam.run()
    report = exam.report()
    assert report.latency.frames_skipped == 5
    assert report.latency.graders_skipped == 0
    assert {each.reason for each in report.frames} == {Reason.TOO_LATE}
    assert report.clip.reason is Reason.TOO_LATE
