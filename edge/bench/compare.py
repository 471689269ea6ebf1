"""Two records of a bench side by side: each figure, how many times A's is B's, and what else differs between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from edge.bench.result import BenchResult, Percentiles

# What must be alike for a ratio to be of the program alone: name for the reader, field of the environment.
_ALIKE = {
    "processor": "cpu",
    "cores": "cores",
    "Python": "python",
    "interpreter": "interpreter",
    "version of sonoedge": "sonoedge",
    "threads": "threads",
    "bundle": "bundle_digest",
    "grader": "grader",
    "screen": "screen",
}


class Compared(msgspec.Struct, frozen=True):
    """One figure of both; None where a record does not have it."""

    name: str
    unit: str  # "ms", "s", "MiB", "J" or "" of a share or a count
    a: float | None
    b: float | None
    ratio: float | None  # b / a; None where either is missing or 0, or the two do not measure the same


class Comparison(msgspec.Struct, frozen=True):
    """What `sonoedge bench --compare` found; `notes` say why a ratio may not be of the program alone."""

    a: str  # file name
    b: str
    rows: tuple[Compared, ...]
    notes: tuple[str, ...]


class _Figure(NamedTuple):
    unit: str
    value: float | None
    measured: str = ""  # how, where that has changed between versions


def compare(a: BenchResult, b: BenchResult, names: tuple[str, str] = ("A", "B")) -> Comparison:
    """B beside A."""
    ours, theirs = dict(_figures(a)), dict(_figures(b))
    cells, other_cells = dict(_cells(a)), dict(_cells(b))
    both = {name: (cells[name], other_cells[name]) for name in cells if name in other_cells}
    rows = [_compared(name, ours.get(name), theirs.get(name)) for name in ours | theirs]
    rows += [_compared(name, *pair) for name, pair in both.items()]
    return Comparison(
        *names,
        tuple(row for row in rows if (row.a, row.b) != (None, None)),
        (*_differences(a, b), *_doubts("A", a), *_doubts("B", b)),
    )


def _figures(of: BenchResult) -> Iterator[tuple[str, _Figure]]:
    yield from _times("frame age", of.frame_age_ms)
    for stage, times in of.stages.items():
        yield from _times(stage, times)
    for model, median in of.invoke_ms.items():
        yield f"invoke alone, {model}", _Figure("ms", median)
    yield "CPU a frame", _Figure("ms", of.cpu_ms_per_frame)
    yield "CPU over the bare invokes", _Figure("ms", of.overhead_ms)
    yield "CPU / bare invokes", _Figure("", of.overhead_ratio)
    yield "deadlines missed, share", _Figure("", of.deadline_miss_ratio)
    yield "frames dropped, share", _Figure("", of.dropped / (of.frames + of.dropped))
    alone = "in a process of its own" if of.first_report else "in the bench"
    yield "first report", _Figure("s", of.first_report_s, alone)
    yield "peak memory", _Figure("MiB", of.rss_mib, alone)
    yield "energy a frame", _Figure("J", of.energy.joules_per_frame if of.energy else None)


def _cells(of: BenchResult) -> Iterator[tuple[str, _Figure]]:
    for cell in of.matrix:
        name = f"{cell.grader or 'no grader'}, threads {cell.threads}, {cell.screen}"
        yield f"{name}: frame age p95", _Figure("ms", cell.frame_age_ms.p95_ms)
        yield f"{name}: CPU a frame", _Figure("ms", cell.cpu_ms_per_frame)


def _times(name: str, times: Percentiles) -> Iterator[tuple[str, _Figure]]:
    yield f"{name} p50", _Figure("ms", times.p50_ms)
    yield f"{name} p95", _Figure("ms", times.p95_ms)
    yield f"{name} p99", _Figure("ms", times.p99_ms)


def _compared(name: str, a: _Figure | None, b: _Figure | None) -> Compared:
    unit = next(each.unit for each in (a, b) if each is not None)
    one, other = a and a.value, b and b.value
    alike = a is not None and b is not None and a.measured == b.measured
    return Compared(name, unit, one, other, other / one if alike and one and other is not None else None)


def _differences(a: BenchResult, b: BenchResult) -> Iterator[str]:
    silent: dict[str, list[str]] = {"A": [], "B": []}
    for name, field in _ALIKE.items():
        one, other = (getattr(each.environment, field) for each in (a, b))
        if one is not None and other is not None and one != other:
            yield f"the {name} differs: A {_short(one)}, B {_short(other)}"
        elif one != other and field != "grader":
            silent["A" if one is None else "B"].append(name)
        elif one != other:
            yield f"the grader differs: A {one or 'none'}, B {other or 'none'}"
    for which, names in silent.items():
        if names:
            yield f"{which} does not say its {', '.join(names)}: it may be of an earlier version"
    if a.budget_ms != b.budget_ms:
        yield f"the budget differs: A {_said(a.budget_ms)} ms, B {_said(b.budget_ms)} ms"
    if a.fps != b.fps:
        yield f"the frames came differently: A {_pace(a.fps)}, B {_pace(b.fps)}"
    if (a.first_report is None) != (b.first_report is None):
        yield "first report and peak memory were not measured alike: one in a process of its own, one in the bench"


def _doubts(which: str, of: BenchResult) -> Iterator[str]:
    if of.throttling is not None and of.throttling.throttled:
        yield f"{which} was throttled: {'; '.join(of.throttling.why)}"
    elif of.throttling is None or of.throttling.throttled is None:
        yield f"whether {which} was throttled cannot be told"
    if of.warmup is not None and not of.warmup.steady:
        yield f"{which} was not steady when it was measured"


def _short(value: object) -> str:
    text = str(value)
    return text[:16] if len(text) == 64 else text  # a digest


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _pace(fps: float | None) -> str:
    return "back to back" if fps is None else f"{fps:g} a second"
