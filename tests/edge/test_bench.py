"""Bench counts what ran, and its figures add up."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from edge import host
from edge.bench import HELD_FRAMES, _Replay, as_json, as_text, bench
from edge.errors import SourceError
from edge.frame import Roi, Spacing
from edge.pipeline import STAGES, Options
from tests.pictures import CENTRED, MM_PER_PX, SHAPE, Listed, frame, screen, tissue, wrist

ON_SCREEN = Options(roi=Roi(200, 90, SHAPE[1], SHAPE[0]), spacing=Spacing(MM_PER_PX, "manual"))


def screens(count=3):
    return Listed(
        [frame(screen(wrist(CENTRED, seed=i)), index=i, mm_per_px=None, whole=False) for i in range(count)], stream=True
    )


@pytest.fixture(scope="module")
def result(tiny_bundle):
    return bench(tiny_bundle, screens(), ON_SCREEN, frames=60, warmup=5, budget_ms=1000.0)


def test_every_stage_of_every_frame_is_in_it(result):
    assert tuple(result.stages) == STAGES
    assert (result.frames, result.dropped, result.held_frames) == (60, 0, 3)
    for times in (*result.stages.values(), result.frame_age_ms):
        assert 0 < times.p50_ms <= times.p95_ms <= times.p99_ms <= times.max_ms
    assert set(result.invoke_ms) == {"segmenter", "grader brightness"}


def test_the_parts_add_up(result):
    stages = sum(times.p50_ms for times in result.stages.values())
    assert stages < 1.5 * result.frame_age_ms.p50_ms
    assert sum(result.invoke_ms.values()) < result.frame_age_ms.max_ms
    assert result.overhead_ratio > 1.0
    assert result.held_mib == pytest.approx(3 * 1080 * 1920 * 3 / 2**20)
    assert result.rss_mib > result.held_mib
    assert result.first_report_s > result.stages["segment"].p50_ms / 1000


def test_deadlines_are_counted_against_the_budget(tiny_bundle, result):
    assert result.deadline_miss_ratio == 0.0
    late = bench(tiny_bundle, screens(1), ON_SCREEN, frames=10, warmup=0, budget_ms=1e-3)
    assert late.deadline_miss_ratio == 1.0


def test_json_has_the_agreed_keys(result, tiny_bundle):
    said = json.loads(as_json(result))
    assert {
        *("stages", "invoke_ms", "overhead_ratio", "frame_age_ms", "deadline_miss_ratio", "frames", "dropped"),
        *("first_report_s", "rss_mib", "environment"),
    } <= said.keys()
    assert {"p50_ms", "p95_ms", "p99_ms"} <= said["stages"]["segment"].keys() & said["frame_age_ms"].keys()
    assert said["environment"]["bundle_digest"] == tiny_bundle.digest
    assert said["environment"]["cores"] >= 1
    assert said["environment"]["cpu"]


def test_the_table_names_every_stage_and_model(result):
    text = as_text(result)
    assert all(name in text for name in (*STAGES, "segmenter", "grader brightness", "frame age"))


def test_a_model_that_no_frame_reached_is_not_counted(tiny_bundle):
    nothing = bench(tiny_bundle, Listed([frame(tissue())]), Options(), frames=10, warmup=0)
    assert set(nothing.invoke_ms) == {"segmenter"}
    assert "grade" not in nothing.stages
    assert (nothing.budget_ms, nothing.deadline_miss_ratio) == (None, 0.0)
    black = bench(tiny_bundle, Listed([frame(np.zeros(SHAPE, np.uint8))]), Options(), frames=10, warmup=0)
    assert (black.invoke_ms, black.overhead_ratio, list(black.stages)) == ({}, None, ["read_screen"])
    assert "read_screen" in as_text(black)


def test_frames_that_come_faster_than_they_are_done_are_dropped_and_counted(tiny_bundle):
    hurried = bench(tiny_bundle, screens(1), ON_SCREEN, frames=2000, warmup=0, fps=20_000.0)
    assert 0 < hurried.frames < 2000
    assert hurried.frames + hurried.dropped == 2000


def test_a_source_without_frames_is_refused(tiny_bundle):
    with pytest.raises(SourceError, match="no frame"):
        bench(tiny_bundle, Listed([]), Options())


def test_no_more_is_held_than_is_said(tiny_bundle):
    many = Listed([frame(wrist(CENTRED), index=i) for i in range(HELD_FRAMES + 5)])
    assert bench(tiny_bundle, many, Options(), frames=1, warmup=0).held_frames == HELD_FRAMES
    large = Listed([frame(np.full((3000, 4000, 3), 9, np.uint8), index=i) for i in range(5)])
    assert bench(tiny_bundle, large, Options(), frames=1, warmup=0).held_frames == 2


def test_a_paced_replay_drops_what_was_overtaken_and_stamps_what_was_due():
    period_ns = 10_000_000
    taken = []
    for each in _Replay([frame(tissue())], count=20, stream=True, fps=1e9 / period_ns):
        assert time.monotonic_ns() >= each.timestamp_ns
        taken.append((each.index, each.timestamp_ns))
        time.sleep(0.035)  # three and a half periods
    indices, stamps = map(np.array, zip(*taken, strict=True))
    assert (np.diff(indices) >= 3).all()
    assert len(taken) <= 7
    assert indices[-1] < 20
    assert np.diff(stamps) == pytest.approx(np.diff(indices) * period_ns, abs=2)


def test_a_paced_replay_that_keeps_up_drops_nothing():
    started = time.monotonic()
    assert [each.index for each in _Replay([frame(tissue())], 10, True, fps=50.0)] == list(range(10))
    assert time.monotonic() - started >= 9 / 50


def test_the_clock_of_a_recording_runs_on_when_it_is_repeated():
    held = [replace(frame(tissue(), index=i), taken_ns=5 + 40 * i) for i in range(3)]
    assert [each.taken_ns for each in _Replay(held, 8, True)] == [5 + 40 * i for i in range(8)]
    assert {each.taken_ns for each in _Replay([frame(tissue())], 3, True)} == {None}


def test_the_host_tells_what_it_can():
    assert host.usable_cores() >= 1
    assert (host.peak_rss_mib() or 0) > 10
    for reading in (host.temperature_c(), host.frequency_mhz()):
        assert reading is None or reading > 0
