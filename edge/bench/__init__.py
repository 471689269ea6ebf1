"""Bench: how long each step takes on this device, and what the runtime adds to the interpreters' own time.

The frames are decoded once and held in memory, so that neither decoding nor the disk is measured. They go to the
pipeline back to back, each stamped when it is handed over, or at a frame rate, the newest first, each stamped when it
was due. A frame's age is then its wait, its way through the pipeline and into the report. Bare invokes of the same
models on the same inputs are taken before and after, so that a device that grows warm counts against both alike.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np

from edge import host
from edge.budget import Budget
from edge.bundle import Bundle
from edge.errors import SourceError
from edge.examine import Examination
from edge.frame import Frame, FrameSource, Pixels
from edge.interpreter import Model
from edge.pipeline import STAGES, Options, Pipeline
from edge.report import Report

HELD_FRAMES, HELD_MIB = 60, 64  # so many frames of the source are held at most, in about so much memory
BARE_INVOKES = 40  # of each model, before and again after
_MS = 1e-6  # per ns


class Percentiles(msgspec.Struct, frozen=True):
    """Of one measured time, in ms, nearest rank."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what was measured; None where the machine does not say."""

    cpu: str
    cores: int  # that the process may use
    python: str
    interpreter: str
    threads: int
    bundle: str
    bundle_digest: str
    grader: str | None
    temperature_before_c: float | None
    temperature_after_c: float | None
    frequency_mhz: float | None


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """One run. A stage that no frame reached is not in `stages`, a model that none reached not in `invoke_ms`."""

    stages: dict[str, Percentiles]
    invoke_ms: dict[str, float]  # model -> median of its bare invoke
    overhead_ratio: float | None  # CPU time of the frames over that of the bare invokes they needed; None if none
    cpu_ms_per_frame: float
    frame_age_ms: Percentiles
    budget_ms: float | None
    deadline_miss_ratio: float
    frames: int
    dropped: int  # frames that a newer one overtook; never any back to back
    held_frames: int
    held_mib: float
    first_report_s: float  # from opening the models to the first frame's record
    rss_mib: float | None  # peak, held frames included
    environment: Environment


def bench(
    bundle: Bundle,
    source: FrameSource,
    options: Options,
    *,
    frames: int = 200,
    warmup: int = 20,
    budget_ms: float | None = None,
    fps: float | None = None,
) -> BenchResult:
    """Measure `frames` frames after `warmup` others; those of `source` are repeated as often as it takes.

    `fps` None hands them over back to back; a rate lasts frames / fps seconds and drops what a newer frame overtook.

    Raises:
        SourceError: the source has no frame.
        UsageError, BundleError, InterpreterError: as `edge.pipeline.Pipeline`.
    """
    held = _hold(source)
    before_c = host.temperature_c()
    started = time.perf_counter()
    pipeline = Pipeline(bundle, options, stream=source.stream)
    _run(bundle, pipeline, _Replay(held, 1, source.stream), budget_ms)
    first_report_s = time.perf_counter() - started
    _run(bundle, pipeline, _Replay(held, warmup, source.stream), budget_ms)
    bare = _bare_invokes(pipeline)
    run = _run(bundle, pipeline, _Replay(held, frames, source.stream, fps), budget_ms)
    bare = list(map(_BareInvokes.and_later, bare, _bare_invokes(pipeline)))
    needed = {each.stage: sum(each.stage in laps for laps in run.laps) for each in bare}
    bare_ns = sum(each.cpu_ns * needed[each.stage] for each in bare)
    done = run.report.latency.frames
    return BenchResult(
        stages={
            stage: _percentiles([laps[stage] * _MS for laps in run.laps if stage in laps])
            for stage in STAGES
            if any(stage in laps for laps in run.laps)
        },
        invoke_ms={each.model: float(np.median(each.wall_ns)) * _MS for each in bare if needed[each.stage]},
        overhead_ratio=run.cpu_ns / bare_ns if bare_ns else None,
        cpu_ms_per_frame=run.cpu_ns * _MS / done,
        frame_age_ms=_percentiles([frame.age_ms for frame in run.report.frames]),
        budget_ms=budget_ms,
        deadline_miss_ratio=run.report.latency.deadline_misses / done,
        frames=done,
        dropped=frames - done,
        held_frames=len(held),
        held_mib=sum(frame.pixels.nbytes for frame in held if frame.pixels is not None) / 2**20,
        first_report_s=first_report_s,
        rss_mib=host.peak_rss_mib(),
        environment=_environment(bundle, pipeline, options.threads, before_c),
    )


def as_json(result: BenchResult) -> bytes:
    """The figures as indented JSON in UTF-8, ending in a new line."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def as_text(result: BenchResult) -> str:
    """The figures as a table for the terminal."""
    here = result.environment
    lines = [
        f"{here.cpu}, {here.cores} cores, Python {here.python}, {here.interpreter}, threads: {here.threads}",
        f"bundle {here.bundle} {here.bundle_digest[:16]}, grader {here.grader or 'none'}",
        f"{result.frames} frames, {result.dropped} dropped, "
        f"repeated from {result.held_frames} held in memory ({result.held_mib:.0f} MiB, decoding not measured)",
        "",
        f"{'ms':16}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}",
        *(_row(stage, times) for stage, times in result.stages.items()),
        _row("frame age", result.frame_age_ms),
        "",
        *(f"invoke alone    {median:9.3f} ms  {model}" for model, median in result.invoke_ms.items()),
        f"CPU a frame     {result.cpu_ms_per_frame:9.3f} ms" + _overhead(result.overhead_ratio),
        f"deadline missed {result.deadline_miss_ratio:9.2%}" + _budget(result.budget_ms),
        f"first report    {result.first_report_s:9.3f} s",
        f"peak memory     {result.rss_mib:9.0f} MiB" if result.rss_mib else "peak memory     not told here",
    ]
    if here.temperature_before_c is not None and here.temperature_after_c is not None:
        lines.append(f"temperature     {here.temperature_before_c:.1f} to {here.temperature_after_c:.1f} degrees C")
    return "\n".join(lines)


class _Run(NamedTuple):
    report: Report
    laps: list[dict[str, int]]  # of each frame: stage -> ns
    cpu_ns: int


class _BareInvokes(NamedTuple):
    """One model's invokes with nothing round them."""

    stage: str
    model: str
    wall_ns: list[int]
    cpu_ns: float  # of one, on average

    def and_later(self, later: _BareInvokes) -> _BareInvokes:
        return self._replace(wall_ns=self.wall_ns + later.wall_ns, cpu_ns=(self.cpu_ns + later.cpu_ns) / 2)


@dataclass
class _Replay:
    """A source of `count` frames out of `held`, back to back or at `fps`."""

    held: Sequence[Frame]
    count: int
    stream: bool
    fps: float | None = None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Frame]:
        start_ns, index = time.monotonic_ns(), 0
        while index < self.count:
            stamp_ns = time.monotonic_ns()
            if self.fps is not None:
                period_ns = 1e9 / self.fps
                index = max(index, int((stamp_ns - start_ns) / period_ns))  # the newest that is due
                if index >= self.count:
                    return
                stamp_ns = start_ns + int(index * period_ns)
                time.sleep(max(0, stamp_ns - time.monotonic_ns()) / 1e9)
            lap, place = divmod(index, len(self.held))
            frame = self.held[place]
            taken_ns = None if frame.taken_ns is None else frame.taken_ns + lap * self._length_ns()
            yield replace(frame, timestamp_ns=stamp_ns, index=index, taken_ns=taken_ns)
            index += 1

    def _length_ns(self) -> int:
        """Of what is held, on the recording's clock, which runs on when it is repeated."""
        taken = [frame.taken_ns for frame in self.held if frame.taken_ns is not None]
        return 0 if len(taken) < 2 else (taken[-1] - taken[0]) * len(taken) // (len(taken) - 1)

    def close(self) -> None:
        """Nothing is open."""


def _environment(bundle: Bundle, pipeline: Pipeline, threads: int, before_c: float | None) -> Environment:
    return Environment(
        cpu=host.cpu_model(),
        cores=host.usable_cores(),
        python=platform.python_version(),
        interpreter=pipeline.backend,
        threads=threads,
        bundle=bundle.manifest.name,
        bundle_digest=bundle.digest,
        grader=pipeline.grader_name,
        temperature_before_c=before_c,
        temperature_after_c=host.temperature_c(),
        frequency_mhz=host.frequency_mhz(),
    )


def _hold(source: FrameSource) -> list[Frame]:
    held: list[Frame] = []
    size = 0
    for frame in source:
        pixels = None if frame.pixels is None else frame.pixels.copy()  # a device may use its memory again
        held.append(replace(frame, pixels=pixels))
        size += 0 if pixels is None else pixels.nbytes
        if len(held) >= HELD_FRAMES or size >= HELD_MIB * 2**20:
            break
    if not held:
        raise SourceError("the source gave no frame: bench needs at least one")
    return held


def _run(bundle: Bundle, pipeline: Pipeline, replay: _Replay, budget_ms: float | None) -> _Run:
    laps: list[dict[str, int]] = []
    examination = Examination(bundle, pipeline, replay, "bench", Budget(budget_ms))
    cpu_ns = time.process_time_ns()
    examination.run(lambda seen: laps.append(seen.stage_ns))
    cpu_ns = time.process_time_ns() - cpu_ns
    return _Run(examination.report(), laps, cpu_ns)


def _bare_invokes(pipeline: Pipeline) -> list[_BareInvokes]:
    bare = [_invoke("segment", "segmenter", pipeline.segmenter.model, pipeline.segmenter.canvas)]
    if pipeline.grader is not None:
        bare.append(_invoke("grade", f"grader {pipeline.grader_name}", pipeline.grader.model, pipeline.grader.canvas))
    return bare


def _invoke(stage: str, name: str, model: Model, picture: Pixels) -> _BareInvokes:
    wall_ns: list[int] = []
    cpu_ns = 0
    for _ in range(BARE_INVOKES):
        model.write_input(picture)  # an interpreter may use its input's memory again
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        model.invoke()
        wall_ns.append(time.perf_counter_ns() - wall)
        cpu_ns += time.process_time_ns() - cpu
    return _BareInvokes(stage, name, wall_ns, cpu_ns / BARE_INVOKES)


def _percentiles(times_ms: Sequence[float]) -> Percentiles:
    p50, p95, p99, longest = np.percentile(times_ms, (50, 95, 99, 100), method="inverted_cdf")
    return Percentiles(float(p50), float(p95), float(p99), float(longest))


def _row(name: str, times: Percentiles) -> str:
    return f"{name:16}" + "".join(f"{value:9.3f}" for value in msgspec.structs.astuple(times))


def _overhead(ratio: float | None) -> str:
    return "" if ratio is None else f", {ratio:.2f} x the bare invokes"


def _budget(budget_ms: float | None) -> str:
    return ", no budget set" if budget_ms is None else f" of {budget_ms:g} ms"
