"""A probe through one exam: its word on each frame, what it is told of each, and what the report says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from edge.findings import GRADES, ClipGrade, FrameGrade, Nerve, Side
from edge.frame import Frame
from edge.probe import Outcome, Probe, ProbeState
from edge.report import ProbeInfo

SETTLES_NS = 500_000_000  # after another depth: a screen, and what captures it, may show the old one for so long


class Probed:
    """The exam's side of a probe: `stamped` frames go in, `tell` is called with what became of each."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._last: ProbeState | None = None
        self._depth_mm: float | None = None  # the last that was said
        self._settled_ns = 0  # from when on the screen shows that depth
        self._frozen = self._silent = 0  # frames
        self._stamping_ns = 0  # of the frame under way
        self._link_ns: list[int] = []
        self._exam_told: bool | None = None

    @contextmanager
    def exam(self, side: Side | None, clip: Callable[[], ClipGrade]) -> Iterator[None]:
        """Within it an exam goes on, as the probe is told; `clip` gives its grade at the end."""
        self._probe.started(side)
        try:
            yield
        finally:
            self._exam_told = False  # so it stays where somebody has no patience
            self._exam_told = self._probe.ended(clip())

    def stamped(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames, each with what the probe said as of its capture."""
        for frame in frames:
            began_ns = time.perf_counter_ns()
            stamped = self._stamped(frame)
            self._stamping_ns = time.perf_counter_ns() - began_ns
            yield stamped

    def tell(self, frame: Frame, grade: FrameGrade, nerve: Nerve | None) -> None:
        """Tells the probe what became of a frame."""
        began_ns = time.perf_counter_ns()
        confidence = None if grade.probabilities is None else grade.probabilities[GRADES.index(grade.grade)]
        csa_mm2 = None if nerve is None else nerve.csa_mm2
        self._probe.tell(Outcome(frame.timestamp_ns, grade.grade, confidence, csa_mm2, grade.reason))
        self._link_ns.append(self._stamping_ns + time.perf_counter_ns() - began_ns)

    def info(self, *, gated: bool) -> ProbeInfo:
        """The exam so far, for its report."""
        name, times = self._probe.name, sorted(self._link_ns)
        return ProbeInfo(
            name=name.name if name else None,
            firmware=name.firmware if name else None,
            gated=gated,
            frames_frozen=self._frozen,
            frames_silent=self._silent,
            grades_left_out=self._probe.left_out,
            exam_told=self._exam_told,
            link_p99_ms=times[-(-len(times) * 99 // 100) - 1] / 1e6 if times else None,
            state=self._last,
            events=self._probe.events(),
        )

    def _stamped(self, frame: Frame) -> Frame:
        said = self._probe.state_at(frame.timestamp_ns)
        if said is None:
            self._silent += 1
            return frame
        self._last = said
        self._frozen += said.frozen is True
        return replace(frame, probe=self._with_settled_depth(said, frame.timestamp_ns))

    def _with_settled_depth(self, said: ProbeState, now_ns: int) -> ProbeState:
        """Without a depth that the screen may not show yet: a wrong scale harms more than none."""
        if said.depth_mm is None:
            return said
        if said.depth_mm != self._depth_mm:
            self._settled_ns = now_ns + SETTLES_NS if self._depth_mm is not None else 0
            self._depth_mm = said.depth_mm
        return said if now_ns >= self._settled_ns else replace(said, depth_mm=None)
