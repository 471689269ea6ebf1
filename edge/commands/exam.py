"""What `run`, `grade` and `demo` do alike: one exam with a progress bar, drawings on the way, a summary at the end."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from edge.budget import Budget
from edge.bundle import Bundle
from edge.examine import Examination, Watcher
from edge.findings import UNGRADABLE, Reason, in_words
from edge.frame import FrameSource
from edge.pipeline import Observation, Options, Pipeline
from edge.report import Exam, JoinedGrade, Report


def show_nothing(seen: Observation) -> None:
    """The watcher of a run that draws nothing."""


def examine(
    bundle: Bundle,
    options: Options,
    source: FrameSource,
    uri: str,
    *,
    budget_ms: float,
    exam: Exam,
    watch: Watcher = show_nothing,
    limit: int | None = None,
    stoppable: bool = False,
) -> Report:
    """Take a source's frames through a bundle. With `stoppable`, Ctrl-C ends the exam and what was seen is reported."""
    pipeline = Pipeline(bundle, options, stream=source.stream)
    examination = Examination(bundle, pipeline, source, uri, Budget(budget_ms), exam)
    total = limit or len(source) or None
    with tqdm(total=total, desc="frames", unit="frame", delay=2.0, leave=False, file=sys.stderr) as bar:

        def step(seen: Observation) -> None:
            watch(seen)
            bar.update()

        try:
            examination.run(step, limit)
        except KeyboardInterrupt:
            if not stoppable:
                raise
        finally:
            source.close()
    return examination.report()


def overlays_into(folder: Path) -> Watcher:
    """A watcher that saves each annotated frame as a PNG in `folder`, named as its frame."""
    from edge import overlay
    from edge.errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make this folder ({error.strerror})") from error

    def save(seen: Observation) -> None:
        picture = overlay.draw(seen)
        if picture is not None:
            stem = Path(seen.frame.name).stem or "frame"
            overlay.save(picture, folder / f"{seen.frame.index:05d}-{stem}.png")

    return save


def summary(report: Report) -> str:
    """What the operator reads at the end, a few lines."""
    clip, latency = report.clip, report.latency
    lines = [
        f"grade        {_headline(clip.grade, clip.confidence, clip.reason)}{'  (unscaled)' if clip.unscaled else ''}"
    ]
    if clip.cts_probability is not None:
        lines += [f"possible     {_possible(report)}", f"P(CTS)       {clip.cts_probability:.2f}"]
    if clip.csa_mm2 is not None:
        lines.append(f"CSA          {clip.csa_mm2:.1f} mm²")
    if clip.ap_diameter_mm is not None:
        lines.append(f"AP diameter  {clip.ap_diameter_mm:.1f} mm")
    lines.append(f"frames       {clip.frames_graded} graded of {clip.frames_total}{_reasons(report)}")
    if latency.age_p50_ms is not None and latency.age_p95_ms is not None:
        budget = (
            f", budget {latency.budget_ms:g} ms missed {latency.deadline_misses} times" if latency.budget_ms else ""
        )
        lines.append(f"frame age    p50 {latency.age_p50_ms:.1f} ms, p95 {latency.age_p95_ms:.1f} ms{budget}")
    return "\n".join(lines)


def joined_summary(joined: JoinedGrade) -> str:
    """The line for a wrist seen in both planes."""
    possible = f"; possible: {in_words(joined.grade_set)}" if joined.grade_set else ""
    return f"both planes  {_headline(joined.grade, joined.confidence, joined.reason)}{possible}"


def _possible(report: Report) -> str:
    grades, coverage = report.clip.grade_set, report.bundle.coverage
    if grades is None or coverage is None:
        return "not known: the bundle was fitted on no held-out subjects"
    return f"{in_words(grades)} (holds in {coverage:.0%} of wrists like those held out)"


def _headline(grade: str, confidence: float | None, reason: Reason | None) -> str:
    if grade == UNGRADABLE:
        return f"{UNGRADABLE}: {reason.value if reason else ''}"
    return f"{grade}, confidence {confidence:.2f}"


def _reasons(report: Report) -> str:
    counts = Counter(frame.reason.value for frame in report.frames if frame.reason is not None)
    return "".join(f"; {count} {reason}" for reason, count in counts.most_common())
