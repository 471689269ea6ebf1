"""Bench as a whole: hold frames, time a process of its own, measure, and put the figures together."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import numpy as np

from edge import host
from edge.bench.fresh import fresh
from edge.bench.measure import Bare, Look, Measured, Pace, measure
from edge.bench.monitor import Monitor
from edge.bench.replay import held_bytes, hold
from edge.bench.result import BenchResult, Environment, Percentiles, Timeline
from edge.bundle import Bundle
from edge.frame import Frame, FrameSource
from edge.pipeline import STAGES, Options

WARMUP = 200  # frames, at most
_CDF_POINTS, _TIMELINE_POINTS = 401, 300


def bench(
    bundle: Bundle,
    source: FrameSource,
    options: Options,
    *,
    frames: int = 200,
    warmup: int = WARMUP,
    budget_ms: float | None = None,
    fps: float | None = None,
    uri: str | None = None,
    tick: Callable[[int], object] = lambda frames: None,
    root: Path = host.ROOT,
) -> BenchResult:
    """Measure `frames` frames after at most `warmup` others; those of `source` are repeated as often as it takes.

    `fps` None hands them over back to back; a rate lasts frames / fps seconds, drops what a newer frame overtook and
    gives up what would be late, as with a device. `uri` is where another process finds the same frames, see
    `edge.bench.fresh`. `tick` is called now and then with how many frames were run since it was last called. `root`
    holds the kernel's files.

    Raises:
        SourceError: the source has no frame.
        UsageError, BundleError, InterpreterError: as `edge.pipeline.Pipeline`.
        SonoEdgeError: the process whose start is timed gave no report.
    """
    return measured(bundle, hold(source), source.stream, options, Pace(frames, warmup, budget_ms, fps), uri, tick, root)


def measured(
    bundle: Bundle,
    held: Sequence[Frame],
    stream: bool,
    options: Options,
    pace: Pace,
    uri: str | None,
    tick: Callable[[int], object],
    root: Path,
) -> BenchResult:
    """`bench` over frames that are held already."""
    run = measure(bundle, options, held, pace, stream=stream, monitor=Monitor(root, tick))
    alone = fresh(bundle, options, run.pipeline.backend.partition(" ")[0], uri, held)
    cpu_ms = run.cpu_ns / 1e6 / len(run.looks)
    bare_ms = bare_cpu_ms(run)
    return BenchResult(
        stages=stage_times(run.looks),
        frame_age_ms=percentiles([look.age_ns / 1e6 for look in run.looks]),
        frames=len(run.looks),
        invoke_ms={each.model: each.times.wall_ms for each in reached(run)},
        overhead_ratio=cpu_ms / bare_ms if bare_ms else None,
        overhead_ms=cpu_ms - bare_ms if bare_ms else None,
        cpu_ms_per_frame=cpu_ms,
        age_cdf_ms=_cdf(run.looks),
        budget_ms=pace.budget_ms,
        fps=pace.fps,
        deadline_miss_ratio=run.latency.deadline_misses / len(run.looks),
        dropped=run.offered - len(run.looks),
        graded=sum(look.graded for look in run.looks),
        graders_skipped=run.latency.graders_skipped,
        frames_skipped=run.latency.frames_skipped,
        held_frames=len(held),
        held_mib=held_bytes(held) / 2**20,
        warmup=run.warmup,
        first_report_s=alone and alone.first_report_s,
        first_report=alone and alone.parts,
        bare_process=alone and alone.bare,
        rss_mib=alone and alone.rss_mib,
        rss_bench_mib=host.peak_rss_mib(),
        throttling=run.throttling,
        course=tuple(run.monitor.course),
        energy=run.monitor.energy(len(run.looks)),
        timeline=_timeline(run.looks),
        environment=_environment(bundle, run, options, screen_of(held), root),
    )


def stage_times(looks: Sequence[Look]) -> dict[str, Percentiles]:
    """Of each stage that a frame reached."""
    times = {stage: [look.stage_ns[stage] / 1e6 for look in looks if stage in look.stage_ns] for stage in STAGES}
    return {stage: percentiles(taken) for stage, taken in times.items() if taken}


def reached(run: Measured) -> Iterator[Bare]:
    """The models that a frame reached."""
    return (each for each in run.bare if any(each.stage in look.stage_ns for look in run.looks))


def bare_cpu_ms(run: Measured) -> float:
    """CPU time of the bare invokes that the frames needed, ms a frame; 0.0 if they needed none."""
    needed = {each.stage: sum(each.stage in look.stage_ns for look in run.looks) for each in run.bare}
    return sum(each.times.cpu_ms * needed[each.stage] for each in run.bare) / len(run.looks)


def percentiles(times_ms: Sequence[float]) -> Percentiles:
    """Nearest rank."""
    p50, p95, p99, longest = np.percentile(times_ms, (50, 95, 99, 100), method="inverted_cdf")
    return Percentiles(float(p50), float(p95), float(p99), float(longest))


def screen_of(held: Sequence[Frame]) -> str:
    """Width x height of the first picture."""
    shapes = (frame.pixels.shape for frame in held if frame.pixels is not None)
    return next((f"{shape[1]} x {shape[0]}" for shape in shapes), "none")


def _cdf(looks: Sequence[Look]) -> tuple[float, ...]:
    ages = np.sort([look.age_ns / 1e6 for look in looks])
    points = min(_CDF_POINTS, len(ages))
    return tuple(round(float(age), 4) for age in ages[np.linspace(0, len(ages) - 1, points).round().astype(int)])


def _timeline(looks: Sequence[Look]) -> Timeline:
    """Of each span of frames the oldest: what matters is not averaged away."""
    bounds = np.linspace(0, len(looks), min(_TIMELINE_POINTS, len(looks)) + 1).round().astype(int)
    shown = [max(looks[low:high], key=lambda look: look.age_ns) for low, high in pairwise(bounds)]
    stages = [stage for stage in STAGES if any(stage in look.stage_ns for look in shown)]
    return Timeline(
        at_s=tuple(round((look.at_ns - looks[0].at_ns) / 1e9, 4) for look in shown),
        wait_ms=tuple(_ms(look.wait_ns) for look in shown),
        stages_ms={stage: tuple(_ms(look.stage_ns.get(stage, 0)) for look in shown) for stage in stages},
        rest_ms=tuple(_ms(look.age_ns - look.wait_ns - sum(look.stage_ns.values())) for look in shown),
    )


def _ms(ns: int) -> float:
    return round(ns / 1e6, 4)


def _environment(bundle: Bundle, run: Measured, options: Options, screen: str, root: Path) -> Environment:
    before, after = run.monitor.course[0], run.monitor.course[-1]
    return Environment(
        cpu=host.cpu_model(root),
        cores=host.usable_cores(),
        python=platform.python_version(),
        interpreter=run.pipeline.backend,
        sonoedge=_version(),
        threads=options.threads,
        bundle=bundle.manifest.name,
        bundle_digest=bundle.digest,
        grader=run.pipeline.grader_name,
        screen=screen,
        temperature_before_c=before.temperature_c,
        temperature_after_c=after.temperature_c,
        frequency_before_mhz=before.frequency_mhz,
        frequency_after_mhz=after.frequency_mhz,
    )


def _version() -> str | None:
    try:
        return metadata.version("sonoedge")
    except metadata.PackageNotFoundError:
        return None
