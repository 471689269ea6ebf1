"""The record of a bench, and a comparison of two, as text for the terminal. The pages say things in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from edge.bench.compare import Compared, Comparison
from edge.bench.result import BenchResult, Cell, Environment, Percentiles
from edge.bench.steady import AGREE
from edge.heat import Throttling

CELL_HEAD = ("grader", "threads", "screen", "p50", "p95", "p99", "CPU", "graded", "missed", "accuracy", "AUC")
COMPARED_HEAD = ("", "unit", "A", "B", "B / A")
UNLABELLED = "unlabelled"


def as_text(result: BenchResult) -> str:
    """The figures as tables."""
    lines = [
        *environment(result.environment),
        frames(result),
        *([warmup(result)] if result.warmup else []),
        "",
        f"{'ms':16}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}",
        *(_row(stage, times) for stage, times in result.stages.items()),
        _row("frame age", result.frame_age_ms),
        "",
        *(f"invoke alone    {median:9.3f} ms  {model}" for model, median in result.invoke_ms.items()),
        *(f"{name:16}{told}" for name, told in facts(result)),
    ]
    if result.matrix:
        rows = [CELL_HEAD, *map(cell, result.matrix)]
        lines += ["", *aligned(rows), *matrix_notes(result.matrix)]
    return "\n".join(lines)


def environment(here: Environment) -> Iterator[str]:
    """Where and with what, in two lines."""
    yield f"{here.cpu}, {here.cores} cores, Python {here.python}, {here.interpreter}, threads: {here.threads}"
    yield f"bundle {here.bundle} {(here.bundle_digest or '')[:16]}, grader {here.grader or 'none'}"


def frames(result: BenchResult) -> str:
    """How many frames, and how they came."""
    pace = "back to back" if result.fps is None else f"at {result.fps:g} a second"
    held = f"repeated from {result.held_frames} held in memory ({result.held_mib or 0:.0f} MiB, decoding not measured)"
    graded = "" if result.graded is None else f", {result.graded} graded"
    return f"{result.frames} frames {pace}, {result.dropped} dropped{graded}, {held}"


def warmup(result: BenchResult) -> str:
    """Whether the device had settled before the first measured frame."""
    told = result.warmup
    if told is None or not told.frames:
        return "not warmed up: the first frames are in the figures"
    if told.steady:
        return f"steady after {told.frames} frames of warm-up: the medians of two batches agreed within {AGREE:.0%}"
    return f"NOT steady after {told.frames} frames of warm-up: medians {_medians(told.medians_ms)} ms"


def facts(result: BenchResult) -> Iterator[tuple[str, str]]:
    """Name and value of what is no stage, each in one line; nothing of what was not measured."""
    if result.cpu_ms_per_frame is not None:
        yield "CPU a frame", f"{result.cpu_ms_per_frame:9.3f} ms{_overhead(result)}"
    budget = ", no budget set" if result.budget_ms is None else f" of {result.budget_ms:g} ms"
    yield "deadline missed", f"{result.deadline_miss_ratio:9.2%}{budget}"
    if result.frames_skipped or result.graders_skipped:
        yield "too late", f"{result.frames_skipped:9d} frames given up, {result.graders_skipped} not graded"
    if result.first_report_s is not None:
        yield "first report", f"{result.first_report_s:9.3f} s{_start(result)}"
    yield "peak memory", _memory(result)
    if result.energy is not None:
        each = result.energy
        yield "energy", f"{each.joules_per_frame:9.3f} J a frame, {each.watts:.1f} W, all that ran ({each.meter})"
    yield from _course(result.environment)
    if result.throttling is not None:
        yield "throttled", throttled(result.throttling)
        if result.throttling.notes:
            yield "note", "; ".join(result.throttling.notes)


def throttled(told: Throttling) -> str:
    """Whether something held the run back, and what."""
    if told.throttled is None:
        return "cannot be told on this machine"
    if told.throttled:
        return f"YES, these figures are of a device that was held back: {'; '.join(told.why)}"
    return f"no (watched: {', '.join(told.watched)})"


def cell(of: Cell) -> tuple[str, ...]:
    """A row below `CELL_HEAD`; an asterisk where it was throttled or never steady."""
    age = of.frame_age_ms
    doubt = "" if of.steady and not of.throttled else "*"
    return (
        (of.grader or "none") + doubt,
        str(of.threads),
        of.screen,
        *(f"{value:.2f}" for value in (age.p50_ms, age.p95_ms, age.p99_ms, of.cpu_ms_per_frame)),
        f"{of.graded} of {of.frames}",
        f"{of.deadline_miss_ratio:.1%}",
        *(UNLABELLED if figure is None else f"{figure:.3f}" for figure in (of.accuracy, of.auc)),
    )


def matrix_notes(cells: Sequence[Cell]) -> Iterator[str]:
    """What the words and marks in the rows mean, those that occur."""
    if any(None in (of.accuracy, of.auc) for of in cells):
        yield f"{UNLABELLED}: the bundle says of this grader only how far it agrees with float"
    if any(of.throttled or not of.steady for of in cells):
        yield "*: throttled, or never steady"


def comparison_text(found: Comparison) -> str:
    """Two records side by side."""
    lines = [f"A  {found.a}", f"B  {found.b}", "", *aligned([COMPARED_HEAD, *map(compared, found.rows)])]
    return "\n".join([*lines, *([""] if found.notes else []), *(f"! {note}" for note in found.notes)])


def compared(row: Compared) -> tuple[str, ...]:
    """A row below `COMPARED_HEAD`."""
    figures = ("–" if figure is None else f"{figure:.3f}" for figure in (row.a, row.b, row.ratio))
    return (row.name, row.unit, *figures)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def _row(name: str, times: Percentiles) -> str:
    return f"{name:16}" + "".join(f"{value:9.3f}" for value in msgspec.structs.astuple(times))


def _overhead(result: BenchResult) -> str:
    if result.overhead_ratio is None:
        return ""
    over = "" if result.overhead_ms is None else f", {result.overhead_ms:.3f} ms over them"
    return f", {result.overhead_ratio:.2f} x the bare invokes{over}"


def _start(result: BenchResult) -> str:
    parts, ratio = result.first_report, result.first_report_ratio
    if parts is None:
        return " from opening the models on"
    named = {"Python": parts.python_s, "imports": parts.imports_s, "opening": parts.opening_s, "frame": parts.frame_s}
    told = ", ".join(f"{name} {seconds:.3f}" for name, seconds in named.items())
    return f" ({told})" + ("" if ratio is None else f", {ratio:.2f} x a bare process and one frame")


def _memory(result: BenchResult) -> str:
    here = "" if result.rss_bench_mib is None else f"; {result.rss_bench_mib:.0f} MiB here, with the held frames"
    if result.rss_mib is None:
        return f"not told here{here}"
    if result.first_report is None:
        return f"{result.rss_mib:9.0f} MiB, held frames included"
    ratio = "" if result.rss_ratio is None else f", {result.rss_ratio:.2f} x a bare one's"
    return f"{result.rss_mib:9.0f} MiB over {result.first_report.frames} frames in a process of its own{ratio}{here}"


def _course(here: Environment) -> Iterator[tuple[str, str]]:
    if here.temperature_before_c is not None and here.temperature_after_c is not None:
        yield "temperature", f"{here.temperature_before_c:9.1f} to {here.temperature_after_c:.1f} degrees C"
    if here.frequency_before_mhz is not None and here.frequency_after_mhz is not None:
        yield "clock", f"{here.frequency_before_mhz:9.0f} to {here.frequency_after_mhz:.0f} MHz"


def _medians(medians_ms: Sequence[float]) -> str:
    return ", ".join(f"{median:.2f}" for median in medians_ms[-3:])
