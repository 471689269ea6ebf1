"""Bench counts what ran, and its figures add up."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from edge.bench import as_json, as_text, bench
from edge.bench.figures import bare_cpu_ms, stage_times
from edge.bench.measure import Pace, measure
from edge.bench.monitor import Monitor
from edge.bench.replay import HELD_FRAMES, hold
from edge.bench.result import read
from edge.bench.steady import AGREE, BATCH, is_steady, warm_up
from edge.errors import ReportError, SonoEdgeError, SourceError
from edge.frame import Roi, Spacing
from edge.pipeline import STAGES, Options
from tests.edge.sysfs import ENERGY, FIRMWARE, pc, put, raspberry_pi
from tests.pictures import CENTRED, MM_PER_PX, SHAPE, Listed, frame, screen, tissue, wrist

ON_SCREEN = Options(roi=Roi(200, 90, SHAPE[1], SHAPE[0]), spacing=Spacing(MM_PER_PX, "manual"))
HURRIED = Pace(frames=2000, warmup=0, budget_ms=None, fps=20_000.0)


def screens(count=3):
    return Listed(
        [frame(screen(wrist(CENTRED, seed=i)), index=i, mm_per_px=None, whole=False) for i in range(count)], stream=True
    )


def run(bundle, source, pace, options=ON_SCREEN, monitor=None):
    return measure(bundle, options, hold(source), pace, stream=source.stream, monitor=monitor or Monitor())


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
    bare_ms = result.cpu_ms_per_frame - result.overhead_ms
    assert result.cpu_ms_per_frame / bare_ms == pytest.approx(result.overhead_ratio)
    assert result.held_mib == pytest.approx(3 * 1080 * 1920 * 3 / 2**20)
    assert result.rss_bench_mib > result.held_mib


def test_the_course_of_the_ages_is_that_of_the_run(result):
    line, age = result.timeline, result.frame_age_ms
    assert len(line.at_s) == len(result.age_cdf_ms) == result.frames
    assert list(line.at_s) == sorted(line.at_s)
    whole = [sum(parts) for parts in zip(line.wait_ms, *line.stages_ms.values(), line.rest_ms, strict=True)]
    assert sorted(whole) == pytest.approx(list(result.age_cdf_ms), abs=0.01)
    assert (max(whole), result.age_cdf_ms[-1]) == pytest.approx((age.max_ms, age.max_ms), abs=0.01)
    assert min(line.rest_ms) > -0.01


def test_the_first_report_is_that_of_a_process_of_its_own(result):
    parts, bare = result.first_report, result.bare_process
    told = (parts.python_s, parts.imports_s, parts.opening_s, parts.frame_s)
    assert all(seconds > 0 for seconds in told)
    assert sum(told) == pytest.approx(result.first_report_s)
    assert result.first_report_s > bare.python_s + bare.opening_s
    assert result.first_report_ratio > 1.0
    assert result.rss_ratio == result.rss_mib / bare.rss_mib > 1.0
    assert result.rss_mib != result.rss_bench_mib


def test_a_process_that_gives_no_report_says_why_in_one_line(tiny_bundle, tmp_path):
    with pytest.raises(SonoEdgeError, match=r"no report: .*gone\.mp4") as told:
        bench(tiny_bundle, screens(1), ON_SCREEN, frames=2, warmup=0, uri=str(tmp_path / "gone.mp4"))
    assert "\n" not in str(told.value)


def test_deadlines_are_counted_against_the_budget(tiny_bundle, result):
    assert result.deadline_miss_ratio == 0.0
    late = run(tiny_bundle, screens(1), Pace(10, 0, 1e-3, None))
    assert late.latency.deadline_misses == 10


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
    assert said["environment"]["screen"] == "1920 x 1080"


def test_a_record_is_read_as_it_was_written(result, tmp_path):
    (tmp_path / "a.json").write_bytes(as_json(result))
    assert read(tmp_path / "a.json") == result


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff", b'{"stages": {}, "frame_age_ms": 3, "frames": 1}'])
def test_a_file_that_is_no_record_is_refused_by_its_name(tmp_path, text):
    (tmp_path / "other.json").write_bytes(text)
    with pytest.raises(ReportError, match=r"other\.json: is no result") as told:
        read(tmp_path / "other.json")
    assert "\n" not in str(told.value)
    with pytest.raises(ReportError, match=r"gone\.json: cannot be read"):
        read(tmp_path / "gone.json")


def test_the_table_names_every_stage_and_model(result):
    text = as_text(result)
    assert all(name in text for name in (*STAGES, "segmenter", "grader brightness", "frame age"))
    assert f"{result.overhead_ms:.3f} ms over them" in text


def test_a_model_that_no_frame_reached_is_not_counted(tiny_bundle):
    nothing = run(tiny_bundle, Listed([frame(tissue())]), Pace(10, 0, None, None), Options())
    assert "grade" not in stage_times(nothing.looks)
    assert bare_cpu_ms(nothing) == pytest.approx(nothing.bare[0].times.cpu_ms)
    black = bench(tiny_bundle, Listed([frame(np.zeros(SHAPE, np.uint8))]), Options(), frames=10, warmup=0)
    assert (black.invoke_ms, black.overhead_ratio, list(black.stages)) == ({}, None, ["read_screen"])
    assert (black.budget_ms, black.deadline_miss_ratio, black.overhead_ms) == (None, 0.0, None)
    assert "read_screen" in as_text(black)


def test_frames_that_come_faster_than_they_are_done_are_dropped_and_counted(tiny_bundle):
    hurried = run(tiny_bundle, screens(1), HURRIED)
    assert 0 < len(hurried.looks) < hurried.offered == 2000


def test_at_a_rate_what_would_be_late_is_given_up_as_from_a_device(tiny_bundle):
    late = run(tiny_bundle, screens(5), Pace(40, 20, 0.5, 100.0))
    assert late.latency.frames_skipped + late.latency.graders_skipped > 0
    back_to_back = run(tiny_bundle, screens(5), Pace(40, 0, 0.5, None))
    assert all(set(look.stage_ns) == set(STAGES) for look in back_to_back.looks)


def test_a_source_without_frames_is_refused(tiny_bundle):
    with pytest.raises(SourceError, match="no frame"):
        bench(tiny_bundle, Listed([]), Options())


def test_no_more_is_held_than_is_said():
    assert len(hold(Listed([frame(wrist(CENTRED), index=i) for i in range(HELD_FRAMES + 5)]))) == HELD_FRAMES
    assert len(hold(Listed([frame(np.full((3000, 4000, 3), 9, np.uint8), index=i) for i in range(5)]))) == 2


def test_a_device_is_steady_when_two_batches_take_as_long():
    assert not is_steady([10.0])
    assert is_steady([30.0, 10.0, 10.0 * (1 - AGREE)])
    assert not is_steady([10.0, 10.0, 10.0 * (1 - 2 * AGREE)])


def test_warming_up_ends_when_steady_or_at_the_most():
    asked = []

    def ages(first, count, times=(30.0, 20.0, 12.0, 12.1, 12.0)):
        asked.append((first, count))
        return [times[len(asked) - 1]] * count

    warm = warm_up(ages, held=8, most=1000)
    assert asked == [(0, 24), (24, 24), (48, 24), (72, 24)]  # whole rounds of what is held, so that batches are alike
    assert (warm.frames, warm.steady, warm.medians_ms) == (96, True, (30.0, 20.0, 12.0, 12.1))
    asked.clear()
    warm = warm_up(ages, held=60, most=70)
    assert (asked, warm.frames, warm.steady) == ([(0, 60), (60, 10)], 70, False)
    assert warm_up(ages, held=1, most=0).frames == 0
    asked.clear()
    assert warm_up(ages, held=1, most=BATCH).medians_ms == (30.0,)


def test_a_run_that_was_throttled_says_so(tiny_bundle, tmp_path):
    root = raspberry_pi(tmp_path)

    def heats_up(frames):
        put(root, {FIRMWARE: "80008", "sys/class/thermal/thermal_zone0/temp": 83500})

    told = bench(
        tiny_bundle, screens(1), ON_SCREEN, frames=25, warmup=0, budget_ms=1000.0, fps=20.0, tick=heats_up, root=root
    )
    assert told.throttling.throttled is True
    assert "YES" in as_text(told)
    assert "soft temperature limit" in as_text(told)
    assert told.environment.cpu == "Raspberry Pi 4 Model B Rev 1.4"
    assert (told.environment.temperature_before_c, told.environment.temperature_after_c) == (61.836, 83.5)
    assert len(told.course) >= 3
    assert "61.8 to 83.5 degrees" in as_text(told)


def test_a_machine_that_cannot_tell_says_that(tiny_bundle, tmp_path):
    told = run(tiny_bundle, screens(1), Pace(3, 0, None, None), monitor=Monitor(tmp_path))
    assert told.throttling.throttled is None
    assert told.monitor.energy(3) is None


def test_energy_is_told_a_frame(tiny_bundle, tmp_path):
    root = pc(tmp_path)
    monitor = Monitor(root, lambda frames: put(root, {ENERGY: 262143000000 + 4_000_000}))
    began = time.monotonic()
    told = run(tiny_bundle, screens(1), Pace(25, 0, None, 20.0), monitor=monitor).monitor.energy(25)
    assert told.joules_per_frame == pytest.approx(4 / 25)
    assert 1.2 <= 4 / told.watts <= time.monotonic() - began, "seconds, of frames for 1.25 s on a machine with time"


def test_progress_is_told_frame_by_frame_in_all(tiny_bundle):
    told = []
    run(tiny_bundle, screens(1), Pace(45, 0, None, 30.0), monitor=Monitor(tick=told.append))
    assert sum(told) == 45
    assert len(told) > 1


def test_the_time_of_looking_at_the_device_is_nobodys(tiny_bundle, tmp_path):
    """A device that is slow to read would show as overhead."""

    def slow(frames):
        until = time.process_time() + 0.5
        while time.process_time() < until:
            pass

    watched = run(tiny_bundle, screens(1), Pace(30, 0, None, 25.0), monitor=Monitor(tmp_path, slow))
    assert watched.monitor.cpu_ns >= 0.5e9
    assert 0 < watched.cpu_ns < watched.monitor.cpu_ns


def test_an_older_record_is_read(result, tmp_path):
    said = json.loads(as_json(result))
    old = {key: said[key] for key in ("stages", "invoke_ms", "frame_age_ms", "frames", "rss_mib")}
    (tmp_path / "old.json").write_text(json.dumps(old | {"environment": {"cpu": "a board", "frequency_mhz": 1500.0}}))
    again = read(tmp_path / "old.json")
    assert (again.rss_mib, again.first_report, again.environment.cpu) == (result.rss_mib, None, "a board")
    assert "a board" in as_text(again)
