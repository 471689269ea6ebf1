"""What `run`, `grade` and `demo` do alike: one exam with a progress bar, drawings on the way, a summary at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path

from tqdm import tqdm

from edge.beside import Beside
from edge.budget import Budget
from edge.bundle import Bundle
from edge.choice import Choice
from edge.examine import Examination, Watcher
from edge.findings import HINTS, UNGRADABLE, ClipGrade, Reason, in_words, numbers, with_uncertainty
from edge.frame import FrameSource, LiveSource, SourceEvent, Spacing
from edge.overrun import Overrun
from edge.pipeline import Observation, Options, Pipeline
from edge.probe import Probe
from edge.probed import Probed
from edge.progress import counter
from edge.report import Exam, JoinedGrade, ProbeInfo, Report
from edge.sources.ahead import Ahead

SAME_SCALE = 1.01  # times another: read anew, a ruler differs by less


def examine(
    bundle: Bundle,
    options: Options,
    source: FrameSource,
    uri: str,
    *,
    probe: Probe | None = None,
    budget_ms: float,
    exam: Exam,
    watch: Watcher | None = None,
    draw: Watcher | None = None,
    limit: int | None = None,
    stoppable: bool = False,
) -> Report:
    """Take a source's frames through a bundle. With `stoppable`, Ctrl-C ends the exam and what was seen is reported.

    A device's frames are held to the budget; a recording's are decoded ahead, and each is looked at. `watch` sees every
    frame before the next is taken; what takes time is for `draw`, which of a device sees as many as it has time for.
    """
    live = isinstance(source, LiveSource)
    with ExitStack() as opened:
        source = opened.enter_context(closing(source if live else Ahead(source)))
        if draw and live:
            draw = opened.enter_context(_beside(draw))
        pipeline = Pipeline(bundle, options, stream=source.stream, overrun=Overrun(budget_ms) if live else None)
        probed = None if probe is None else Probed(probe)
        examination = Examination(bundle, pipeline, source, uri, Budget(budget_ms), exam, probed)
        total = limit or len(source) or None
        bar = opened.enter_context(counter("frames", total, unit="frame"))
        tells = [_teller(source.events)] if isinstance(source, LiveSource) else []
        if probe is not None:
            tells.append(_teller(probe.events, "probe "))

        def step(seen: Observation) -> None:
            for shown in (watch, draw):
                if shown:
                    shown(seen)
            for tell in tells:
                tell()
            bar.update()

        with suppress(KeyboardInterrupt) if stoppable else nullcontext():
            examination.run(step, limit)
    return examination.report()


@contextmanager
def _beside(watch: Watcher) -> Iterator[Watcher]:
    """The watcher in a thread of its own; what it had no time for is told at the end."""
    beside = Beside(watch)
    try:
        yield beside
    finally:
        beside.close()
    if beside.missed:
        print(f"{beside.missed} frames went by while one was drawn", file=sys.stderr)


def _teller(events: Callable[[], tuple[SourceEvent, ...]], whose: str = "") -> Callable[[], None]:
    """Writes to stderr what befalls a device, as it does."""
    told_ns = 0

    def tell() -> None:
        nonlocal told_ns
        for event in events():
            if event.timestamp_ns > told_ns:
                told_ns = event.timestamp_ns
                tqdm.write(f"{whose}{event.state}: {event.why}", file=sys.stderr)

    return tell


def overlays_into(folder: Path) -> Watcher:
    """A watcher that saves each annotated frame as a PNG in `folder`, named as its frame.

    One on which text may be left is not kept; the first of them is told.
    """
    from edge import overlay
    from edge.errors import OutputError

    paint = overlay.Painter()

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make this folder ({error.strerror})") from error

    def save(seen: Observation) -> None:
        picture = paint(seen)
        if picture is not None:
            stem = Path(seen.frame.name).stem or "frame"
            overlay.save(picture, folder / f"{seen.frame.index:05d}-{stem}.png")

    return save


def summary(report: Report) -> str:
    """What the operator reads at the end, a few lines; what stands behind ± is the spacing's share of it alone."""
    clip, latency = report.clip, report.latency
    lines = [f"grade        {_headline(clip)}{'  (unscaled)' if clip.unscaled else ''}"]
    if clip.cts_probability is not None and clip.reason in (None, Reason.UNSURE):
        lines += [f"possible     {_possible(report)}", f"P(CTS)       {clip.cts_probability:.2f}"]
    if clip.csa_mm2 is not None:
        sizes = [frame.nerve.csa_mm2 for frame in report.frames if frame.nerve and frame.nerve.csa_mm2 is not None]
        spread = f"  (median; frames {min(sizes):.1f} to {max(sizes):.1f})" if len(sizes) > 1 else ""
        lines.append(f"CSA          {with_uncertainty(clip.csa_mm2, clip.csa_uncertainty_mm2)} mm²{spread}")
    if clip.ap_diameter_mm is not None:
        lines.append(f"AP diameter  {with_uncertainty(clip.ap_diameter_mm, clip.ap_diameter_uncertainty_mm)} mm")
    if scales := [frame.spacing for frame in report.frames if frame.spacing.mm_per_px is not None]:
        lines.append(f"spacing      {_scales(scales)}")
    reasons = Counter(frame.reason for frame in report.frames if frame.reason is not None).most_common()
    counted = "".join(f"; {count} {reason.value}" for reason, count in reasons)
    lines.append(f"frames       {clip.frames_graded} graded of {clip.frames_total}{counted}")
    if (
        reasons
        and (hint := HINTS.get(reasons[0][0]))
        and not (reasons[0][0] is Reason.TOO_LATE and clip.grade != UNGRADABLE)
    ):
        lines.append(f"hint         {hint}")
    if choice := report.bundle.choice:
        lines.append(f"chosen       {_chosen(choice)}")
    if conflict := next((frame.conflict for frame in report.frames if frame.conflict), None):
        lines.append(f"conflict     {conflict}")
    if report.source.events and not clip.frames_graded:
        last = report.source.events[-1]
        lines.append(f"device       {last.state}: {last.why}")
    lines += _of_the_probe(report)
    if latency.age_p50_ms is not None and latency.age_p95_ms is not None:
        budget = (
            f", budget {latency.budget_ms:g} ms missed {latency.deadline_misses} times" if latency.budget_ms else ""
        )
        lines.append(f"frame age    p50 {latency.age_p50_ms:.1f} ms, p95 {latency.age_p95_ms:.1f} ms{budget}")
    return "\n".join(lines + list(_left_out(report)))


def _of_the_probe(report: Report) -> Iterator[str]:
    """Who it was, what it was not told, and whether it is set to the other wrist."""
    if report.probe is None:
        return
    yield f"probe        {_probe(report.probe)}"
    if report.probe.exam_told is False:
        yield "not told     the hand was not told the exam's grade"
    side, its_side = report.exam.side, report.probe.state and report.probe.state.side
    if side and its_side and side != its_side:
        yield f"conflict     the exam is of the {side} wrist, the probe is set to the {its_side} one"


def _left_out(report: Report) -> Iterator[str]:
    """What nobody looked at, or not to the end."""
    latency = report.latency
    if report.source.dropped:
        yield f"overtaken    {report.source.dropped} frames of the device, by newer ones"
    if latency.graders_skipped or latency.frames_skipped:
        yield f"too late     {latency.frames_skipped} frames given up, {latency.graders_skipped} not graded"


def _scales(scales: Sequence[Spacing]) -> str:
    """The first, or from the least to the greatest where the depth was changed; and who says so."""
    first, numbers = scales[0], [each.mm_per_px for each in scales if each.mm_per_px is not None]
    least, most = min(numbers), max(numbers)
    said = f"{least:.4g} to {most:.4g}" if most > SAME_SCALE * least else f"{first.mm_per_px:.4g}"
    sure = f", ± {first.uncertainty:.1%}" if first.uncertainty else ""
    return f"{said} mm per px ({first.provenance}{sure})"


def _probe(probe: ProbeInfo) -> str:
    """Who it was, for how many frames it was frozen or silent, and how many grades were overtaken."""
    who = "never said who it is" if probe.name is None else f"{probe.name}, firmware {probe.firmware}"
    silent = f"; silent for {probe.frames_silent} frames" if probe.frames_silent else ""
    frozen = f"; frozen for {probe.frames_frozen} frames" if probe.frames_frozen else ""
    overtaken = f"; {probe.grades_left_out} grades overtaken by newer ones" if probe.grades_left_out else ""
    last = f" ({probe.events[-1].why})" if silent and probe.events and probe.events[-1].state != "live" else ""
    return f"{who}{frozen}{silent}{last}{overtaken}"


def _chosen(choice: Choice) -> str:
    """Grader and threads, and what spoke for them."""
    taken = next(each for each in choice.measured if (each.grader, each.threads) == (choice.grader, choice.threads))
    threads = "1 thread" if taken.threads == 1 else f"{taken.threads} threads"
    accuracy = "" if taken.accuracy is None else f", accuracy {taken.accuracy:.3f}"
    fits = "" if choice.fits else "; nothing keeps the budget here, this is the fastest"
    of = f"of {len(choice.measured)} measured here"
    return f"{taken.grader} on {threads}, p95 {taken.p95_ms:.1f} ms{accuracy} ({of}{fits})"


def joined_summary(joined: JoinedGrade) -> str:
    """The line for a wrist seen in both planes."""
    possible = f"; possible: {in_words(joined.grade_set)}" if joined.grade_set else ""
    return f"both planes  {_headline(joined)}{possible}"


def _possible(report: Report) -> str:
    grades, coverage = report.clip.grade_set, report.bundle.coverage
    if grades is None or coverage is None:
        return "not known: the bundle was fitted on no held-out subjects"
    return f"{in_words(grades)} (holds in {coverage:.0%} of wrists like those held out)"


def _headline(of: ClipGrade | JoinedGrade) -> str:
    if of.grade != UNGRADABLE or of.reason is None:
        return f"{of.grade}, confidence {of.confidence:.2f}"
    decided = numbers(of.value, of.limit)
    return f"{UNGRADABLE}: {of.reason.value}{f' ({decided})' if decided else ''}"
