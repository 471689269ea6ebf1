"""The record of a bench, and a comparison of two, as one HTML page each, in the words of `text`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edge.bench import plots, text
from edge.bench.compare import Comparison
from edge.bench.result import BenchResult
from edge.heat import Throttling
from edge.html import DARK, STYLE, answer, note, page, paragraph, plot, safe, table

_STYLE = STYLE + DARK + plots.STYLE


def page_of(result: BenchResult) -> str:
    """The page of one record."""
    here = result.environment
    title = f"Bench of {here.bundle or 'a bundle'} on {here.cpu or 'a device'}"
    sections = (_stages, _ages, _facts, _device, _matrix, _environment)
    parts = [*_head(result, title), *(line for section in sections for line in section(result))]
    return page(title, parts, style=_STYLE)


def comparison_page(found: Comparison, a: BenchResult, b: BenchResult) -> str:
    """The page of two records side by side."""
    title = f"Bench: {found.b} beside {found.a}"
    curves = {f"A {found.a}": a.age_cdf_ms, f"B {found.b}": b.age_cdf_ms}
    drawn = plots.cdf(curves, a.budget_ms if a.budget_ms == b.budget_ms else None) if all(curves.values()) else ""
    parts = [
        f"<h1>{safe(title)}</h1>",
        paragraph(f"A: {found.a}. B: {found.b}."),
        *(answer("Beware", told, "unsure") for told in found.notes),
        table(text.COMPARED_HEAD, map(text.compared, found.rows), numbers=(2, 3, 4)),
        plot(drawn, "Share of frames that are no older than that at their record. Further to the left is better."),
    ]
    return page(title, parts, style=_STYLE)


def _head(result: BenchResult, title: str) -> Iterator[str]:
    age, missed = result.frame_age_ms, result.deadline_miss_ratio
    yield f"<h1>{safe(title)}</h1>"
    words = f"a frame is {age.p50_ms:.3f} ms old at its record, 95 % are at most {age.p95_ms:.3f} ms"
    if result.budget_ms is None:
        yield answer("No budget set", f"{words}.", "unsure")
    else:
        told = f"{words}; {missed:.2%} missed the budget of {result.budget_ms:g} ms, {result.dropped} were dropped."
        if given_up := result.frames_skipped + result.graders_skipped:
            told += f" {given_up} of {result.frames} were given up, in part or whole, as they would have been late."
        late = missed or given_up
        yield answer("Late" if late else "In time", told, "bad" if late else "good")
    if result.throttling is not None:
        yield _throttling(result.throttling)
    steady = result.warmup is not None and result.warmup.steady
    yield note(f"{text.warmup(result)}.") if steady else answer("Beware", f"{text.warmup(result)}.", "unsure")
    yield note(f"{text.frames(result)}.")


def _throttling(told: Throttling) -> str:
    """A banner where it was held back, or where nobody knows."""
    colour = {True: "bad", None: "unsure"}.get(told.throttled)
    words = text.throttled(told)
    return answer("Throttled", words, colour) if colour else note(f"Throttled: {words}.")


def _stages(result: BenchResult) -> Iterator[str]:
    yield "<h2>Stages</h2>"
    rows = [*result.stages.items(), ("frame age", result.frame_age_ms)]
    figures = [(name, *(f"{ms:.3f}" for ms in msgspec.structs.astuple(times))) for name, times in rows]
    yield table(("ms", "p50", "p95", "p99", "max"), figures, numbers=range(1, 5))
    if result.invoke_ms:
        alone = [(model, f"{ms:.3f}") for model, ms in result.invoke_ms.items()]
        yield table(("invoke alone, ms", "p50"), alone, numbers=(1,))
        yield note(
            "Bare invokes on the same inputs, before the run and again after it: a warm device slows both alike."
        )


def _ages(result: BenchResult) -> Iterator[str]:
    age = result.frame_age_ms
    if not result.age_cdf_ms or result.timeline is None:
        return
    yield "<h2>Frame ages</h2>"
    marks = {"p50": age.p50_ms, "p95": age.p95_ms, "p99": age.p99_ms}
    drawn = plots.cdf({"frame age": result.age_cdf_ms}, result.budget_ms, marks)
    yield plot(drawn, "Share of frames that are no older than that at their record. Dashed: the budget.")
    spans = " Of each span of frames the oldest is shown." if len(result.timeline.at_s) < result.frames else ""
    yield plot(
        plots.ages(result.timeline, result.budget_ms),
        "Age of the frames over the run, from capture to record, and what it is made of. Wait: until the pipeline took "
        f"the frame. Dashed: the budget, where it is not above the plot.{spans}",
    )


def _facts(result: BenchResult) -> Iterator[str]:
    yield "<h2>CPU, start and memory</h2>"
    yield table((), [(name, told.strip()) for name, told in text.facts(result)])


def _device(result: BenchResult) -> Iterator[str]:
    at_s = [moment.at_s for moment in result.course]
    warm = plots.course(at_s, [moment.temperature_c for moment in result.course], "°C")
    fast = plots.course(at_s, [moment.frequency_mhz for moment in result.course], "MHz")
    drawn = [plot(warm, "Temperature of the hottest zone."), plot(fast, "Clock of the fastest core.")]
    if any(drawn):
        yield "<h2>The device over the run</h2>"
        yield from filter(None, drawn)


def _matrix(result: BenchResult) -> Iterator[str]:
    if not result.matrix:
        return
    yield "<h2>Graders, threads, screens</h2>"
    yield table(text.CELL_HEAD, map(text.cell, result.matrix), numbers=(1, *range(3, len(text.CELL_HEAD))))
    yield note("p50, p95 and p99 of the frame age and CPU a frame in ms. Accuracy and AUC as the bundle says of INT8.")
    yield from map(note, text.matrix_notes(result.matrix))


def _environment(result: BenchResult) -> Iterator[str]:
    yield "<h2>Measured where and with what</h2>"
    facts = msgspec.structs.asdict(result.environment)
    yield table((), [(name.replace("_", " "), f"{value}") for name, value in facts.items() if value is not None])
