"""The same run over graders, threads and heights of the screen, with each grader's accuracy beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from edge import host
from edge.bench.figures import bare_cpu_ms, percentiles, reached, screen_of, stage_times
from edge.bench.measure import Measured, Pace, measure
from edge.bench.monitor import Monitor
from edge.bench.replay import scaled, scaled_box, scaled_spacing
from edge.bench.result import Cell
from edge.bundle import Bundle
from edge.choice import accuracy
from edge.errors import UsageError
from edge.frame import Frame
from edge.manifest import ModelEntry
from edge.pipeline import Options

USUAL_HEIGHTS = (1080, 720, 480)  # px
_AUC = "AUC, CTS against normal"  # among the figures of a grader's proof


class Axes(NamedTuple):
    """What a matrix goes over; each combination is a cell."""

    graders: tuple[str | None, ...]  # None: a bundle that has none
    threads: tuple[int, ...]
    heights: tuple[int, ...]  # px, none above that of the held frames

    @property
    def cells(self) -> int:
        """How many combinations."""
        return len(self.graders) * len(self.threads) * len(self.heights)


NO_CELLS = Axes((), (), ())


def axes(
    bundle: Bundle,
    options: Options,
    held: Sequence[Frame],
    *,
    graders: Sequence[str] = (),
    threads: Sequence[int] = (),
    heights: Sequence[int] = (),
) -> Axes:
    """What was asked for, and where nothing was: all graders; 1, 2, 4 ... threads up to the cores; the usual heights.

    Raises:
        UsageError: the bundle or the frames do not have it.
    """
    own = height_of(held)
    usual = (own, *(height for height in USUAL_HEIGHTS if height < own and options.profile is None))
    known = tuple(bundle.manifest.graders)
    if missing := [name for name in graders if name not in known]:
        raise UsageError(f"{bundle.path.name}: has no grader {missing[0]!r}: it has {', '.join(known) or 'none'}")
    if above := [height for height in heights if height > own]:
        raise UsageError(f"a height of {above[0]} px: the frames have {own}: give that or less")
    if options.profile is not None and set(heights) - {own}:
        raise UsageError(f"a profile is of one size of screen: give no height but {own} with it")
    return Axes(tuple(graders) or known or (None,), tuple(threads) or host.thread_counts(), tuple(heights) or usual)


def height_of(held: Sequence[Frame]) -> int:
    """Of the highest held frame, px; 0 if none has a picture."""
    return max((frame.pixels.shape[0] for frame in held if frame.pixels is not None), default=0)


def matrix(
    bundle: Bundle,
    held: Sequence[Frame],
    stream: bool,
    options: Options,
    pace: Pace,
    over: Axes,
    *,
    tick: Callable[[int], object] = lambda frames: None,
    root: Path = host.ROOT,
) -> tuple[Cell, ...]:
    """A cell for each combination of `over`, each warmed up and measured at `pace`; `tick` as in `bench`."""
    cells = []
    for height in over.heights:
        factor = height / (height_of(held) or height)
        frames = [scaled(frame, factor) for frame in held]
        for grader, threads in product(over.graders, over.threads):
            chosen = replace(
                options,
                grader=grader,
                threads=threads,
                choice=None,
                spacing=scaled_spacing(options.spacing, factor),
                roi=options.roi and scaled_box(options.roi, factor),
            )
            run = measure(bundle, chosen, frames, pace, stream=stream, monitor=Monitor(root, tick))
            cells.append(_cell(run, threads, screen_of(frames), bundle.manifest.graders.get(grader or "")))
    return tuple(cells)


def _cell(run: Measured, threads: int, screen: str, entry: ModelEntry | None) -> Cell:
    bare_ms, cpu_ms = bare_cpu_ms(run), run.cpu_ns / 1e6 / len(run.looks)
    return Cell(
        grader=run.pipeline.grader_name,
        threads=threads,
        screen=screen,
        frame_age_ms=percentiles([look.age_ns / 1e6 for look in run.looks]),
        stages=stage_times(run.looks),
        invoke_ms={each.model: each.times.wall_ms for each in reached(run)},
        cpu_ms_per_frame=cpu_ms,
        overhead_ms=cpu_ms - bare_ms if bare_ms else None,
        deadline_miss_ratio=run.latency.deadline_misses / len(run.looks),
        frames=len(run.looks),
        dropped=run.offered - len(run.looks),
        graded=sum(look.graded for look in run.looks),
        accuracy=accuracy(entry) if entry else None,
        auc=_auc(entry) if entry else None,
        steady=run.warmup.steady,
        throttled=run.throttling.throttled,
    )


def _auc(entry: ModelEntry) -> float | None:
    """What the bundle proves of the INT8 grader on labelled subjects, 0..1."""
    if entry.proof is None or not entry.proof.labelled or _AUC not in entry.proof.figures:
        return None
    return entry.proof.figures[_AUC].in_int8
