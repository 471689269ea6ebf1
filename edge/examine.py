"""One exam: every frame of a source through the pipeline, within the budget, into a report.

The loop is all there is: take a frame, look, tell the probe, note its age, hand what was seen to whoever draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from edge.budget import Budget
from edge.bundle import Bundle
from edge.collector import collected_between_frames
from edge.findings import ClipGrade, FrameGrade, Nerve
from edge.frame import FrameSource
from edge.pipeline import Observation, Pipeline
from edge.probed import Probed
from edge.report import BundleInfo, Exam, FrameReport, Report, SourceInfo

Watcher = Callable[[Observation], None]


@dataclass
class Examination:
    """A run in progress. `run` may be cut short by KeyboardInterrupt; `report` then tells of the frames so far."""

    bundle: Bundle
    pipeline: Pipeline
    source: FrameSource
    uri: str
    budget: Budget
    exam: Exam = field(default_factory=Exam)
    probe: Probed | None = None
    _frames: list[FrameReport] = field(default_factory=list)
    _grades: list[FrameGrade] = field(default_factory=list)
    _nerves: list[Nerve | None] = field(default_factory=list)

    def run(self, watch: Watcher = lambda seen: None, limit: int | None = None) -> None:
        """Take frames until the source ends, or `limit` of them."""
        probe = self.probe
        told = nullcontext() if probe is None else probe.exam(self.exam.side, self._clip)
        with collected_between_frames() as collect, told:
            for frame in self.source if probe is None else probe.stamped(self.source):
                seen = self.pipeline(frame)
                if probe is not None:
                    probe.tell(frame, seen.grade, seen.nerve)
                self._note(seen)
                watch(seen)
                collect()
                if limit is not None and len(self._frames) >= limit:
                    return

    def report(self) -> Report:
        """The record of all frames taken so far."""
        manifest = self.bundle.manifest
        return Report(
            bundle=BundleInfo(
                name=manifest.name,
                digest=self.bundle.digest,
                format_version=manifest.format_version,
                view=manifest.view,
                labels=manifest.labels,
                grader=self.pipeline.grader_name,
                segmenter=manifest.segmenter.arch if manifest.segmenter else None,
                coverage=self.pipeline.conformal.coverage if self.pipeline.conformal else None,
                choice=self.pipeline.choice,
            ),
            source=SourceInfo.of(self.uri, len(self._frames), self.source),
            probe=None if self.probe is None else self.probe.info(gated=self.pipeline.gated),
            exam=self.exam,
            frames=tuple(self._frames),
            clip=self._clip(),
            latency=self.budget.summary(),
        )

    def _clip(self) -> ClipGrade:
        return self.pipeline.clip_grade(self._grades, self._nerves)

    def _note(self, seen: Observation) -> None:
        frame, grade = seen.frame, seen.grade
        age_ms, overrun = self.budget.record(frame.timestamp_ns, skipped=seen.skipped)
        self._grades.append(grade)
        self._nerves.append(seen.nerve)
        self._frames.append(
            FrameReport(
                index=frame.index,
                timestamp_ns=frame.timestamp_ns,
                name=frame.name,
                signal=seen.signal,
                roi=seen.scan.roi if seen.scan else None,
                spacing=seen.scan.spacing if seen.scan else frame.spacing,
                nerve=seen.nerve,
                grade=grade.grade,
                probabilities=grade.probabilities,
                reason=grade.reason,
                value=grade.value,
                limit=grade.limit,
                hint=grade.hint,
                conflict=str(seen.conflict) if seen.conflict else None,
                unscaled=grade.unscaled,
                age_ms=age_ms,
                overrun=overrun,
            )
        )
