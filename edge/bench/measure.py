"""A run of frames through the pipeline, with bare invokes of the same models on the same inputs before and after.

Before and after, so that a device that grows warm counts against both alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edge.bench.invokes import Invokes, time_invokes
from edge.bench.monitor import Monitor
from edge.bench.replay import Replay
from edge.bench.steady import Warmup, warm_up
from edge.budget import Budget, Latency
from edge.bundle import Bundle
from edge.examine import Examination
from edge.findings import UNGRADABLE
from edge.frame import Frame
from edge.heat import Throttling
from edge.overrun import Overrun
from edge.pipeline import Options, Pipeline

BARE_INVOKES = 40  # of each model, before and again after


class Pace(NamedTuple):
    """How frames are handed over."""

    frames: int  # to measure
    warmup: int  # to warm up with, at most
    budget_ms: float | None
    fps: float | None  # None: back to back, and none is given up; a rate: as a device, held to the budget


class Look(NamedTuple):
    """What became of one frame, in ns."""

    at_ns: int  # its stamp
    wait_ns: int  # from its stamp until it was handed over
    age_ns: int  # at its record
    stage_ns: dict[str, int]
    graded: bool


class Bare(NamedTuple):
    """A model's bare invokes, and in which stage the pipeline runs it."""

    stage: str
    model: str
    times: Invokes


class Measured(NamedTuple):
    """One run."""

    looks: tuple[Look, ...]
    offered: int
    cpu_ns: int  # of the process, over all frames
    latency: Latency
    bare: tuple[Bare, ...]
    warmup: Warmup
    monitor: Monitor
    throttling: Throttling
    pipeline: Pipeline


class _Run(NamedTuple):
    looks: tuple[Look, ...]
    cpu_ns: int
    latency: Latency


def measure(
    bundle: Bundle,
    options: Options,
    held: Sequence[Frame],
    pace: Pace,
    *,
    stream: bool,
    monitor: Monitor,
) -> Measured:
    """Warm up, and measure `pace.frames` frames, repeated out of `held` as often as it takes.

    Raises:
        UsageError, BundleError, InterpreterError: as `edge.pipeline.Pipeline`.
    """
    overrun = Overrun(pace.budget_ms) if pace.fps and pace.budget_ms else None
    pipeline = Pipeline(bundle, options, stream=stream, overrun=overrun)

    def ages_of(first: int, count: int) -> list[float]:
        batch = _run(bundle, pipeline, Replay(held, count, stream, first=first), pace.budget_ms)
        return [look.age_ns / 1e6 for look in batch.looks]

    warmup = warm_up(ages_of, len(held), pace.warmup)
    bare = _bare(pipeline)
    monitor.start()
    replay = Replay(held, pace.frames, stream, pace.fps, warmup.frames, monitor)
    run = _run(bundle, pipeline, replay, pace.budget_ms)
    throttling = monitor.stop()
    monitor.tick(pace.frames - monitor.told)
    return Measured(
        looks=run.looks,
        offered=pace.frames,
        cpu_ns=run.cpu_ns - monitor.cpu_ns,
        latency=run.latency,
        bare=tuple(one._replace(times=one.times + two.times) for one, two in zip(bare, _bare(pipeline), strict=True)),
        warmup=warmup,
        monitor=monitor,
        throttling=throttling,
        pipeline=pipeline,
    )


def _run(bundle: Bundle, pipeline: Pipeline, replay: Replay, budget_ms: float | None) -> _Run:
    stages: list[dict[str, int]] = []
    examination = Examination(bundle, pipeline, replay, "bench", Budget(budget_ms))
    examination.run(lambda seen: stages.append(seen.stage_ns))
    report = examination.report()
    looks = tuple(
        Look(frame.timestamp_ns, wait_ns, round(frame.age_ms * 1e6), stage_ns, frame.grade != UNGRADABLE)
        for frame, wait_ns, stage_ns in zip(report.frames, replay.waits_ns, stages, strict=True)
    )
    return _Run(looks, replay.cpu_ns, report.latency)


def _bare(pipeline: Pipeline) -> list[Bare]:
    segmenter, grader = pipeline.segmenter, pipeline.grader
    bare = [Bare("segment", "segmenter", time_invokes(segmenter.model, segmenter.canvas, BARE_INVOKES))]
    if grader is not None:
        times = time_invokes(grader.model, grader.canvas, BARE_INVOKES)
        bare.append(Bare("grade", f"grader {pipeline.grader_name}", times))
    return bare
