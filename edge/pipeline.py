"""The pipeline: one frame through every step, each timed, ending in a grade or a reason.

    read_screen -> judge -> segment -> measure -> judge -> crop -> grade -> judge

The first step that finds a reason ends the way; what was found until then (the mask, the measures) is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import cv2

from edge.budget import Skipped
from edge.bundle import Bundle
from edge.choice import Choice
from edge.errors import UsageError
from edge.findings import ClipGrade, FrameGrade, Nerve, Reason, Shortfall, ungradable
from edge.frame import UNKNOWN_SPACING, Frame, Mask, Roi, Scan, Spacing
from edge.interpreter import Model, open_model
from edge.manifest import Conformal, ModelEntry
from edge.overrun import Overrun, Part
from edge.screen.profile import Profile
from edge.screen.read import ScreenReader
from edge.screen.signal import Signal
from edge.screen.spacing import SpacingConflict
from edge.stages.aggregate import aggregate
from edge.stages.fitness import judge_nerve, judge_spacing
from edge.stages.grade import Grader
from edge.stages.measure import measure, nerve_components
from edge.stages.placement import Placement
from edge.stages.quality import judge_picture, too_small
from edge.stages.segment import Segmenter
from edge.stages.typical import Features, Typicality, features

PARTS: dict[Part, tuple[str, ...]] = {
    "look": ("segment", "measure", "judge_nerve"),
    "grade": ("crop", "grade", "judge_grade"),
}
STAGES = ("read_screen", "judge_picture", *PARTS["look"], *PARTS["grade"])


@dataclass(frozen=True)
class Options:
    """How a bundle is run."""

    grader: str | None = None  # None: the bundle's default
    threads: int = 1
    interpreter: str = "auto"
    spacing: Spacing = UNKNOWN_SPACING  # the user's word
    roi: Roi | None = None  # the user's word
    profile: Profile | None = None  # what was taught of the screen
    allow_unscaled: bool = False
    choice: Choice | None = None  # why this grader on so many threads, where the device has decided
    gated: bool = False  # a frame of which no probe said how it was taken gets no grade


@dataclass
class Observation:
    """What became of one frame. `scan` and `mask` are valid until the pipeline's next frame."""

    frame: Frame
    signal: Signal
    scan: Scan | None = None
    conflict: SpacingConflict | None = None  # who disagrees on the spacing, where that is the reason
    mask: Mask | None = None  # on the segmenter's canvas; `placement` says where that lies on the scan
    placement: Placement | None = None
    nerve: Nerve | None = None
    features: Features | None = None  # what is judged of a graded frame, also when it is unlike training
    grade: FrameGrade = field(default_factory=lambda: ungradable(Reason.NO_PICTURE))
    skipped: Skipped | None = None  # what was given up, as it would have been too late
    stage_ns: dict[str, int] = field(default_factory=dict)

    def kept(self) -> Observation:
        """Itself, to be looked at for as long as somebody likes, without the frame's own pixels."""
        return replace(
            self,
            frame=replace(self.frame, pixels=None, chroma=None),
            scan=self.scan and replace(self.scan, pixels=self.scan.pixels.copy()),
            mask=None if self.mask is None else self.mask.copy(),
        )

    def scan_mask(self) -> Mask | None:
        """The mask in the scan's own pixels, for a person to see."""
        if self.mask is None or self.placement is None or self.scan is None:
            return None
        height, width = self.scan.pixels.shape
        return self.placement.lift(self.mask, (height, width))


Load: TypeAlias = Callable[[Bundle, ModelEntry, Options], Model]


def load_model(bundle: Bundle, entry: ModelEntry, options: Options) -> Model:
    """The model of an entry out of the bundle, in the interpreter asked for.

    Raises:
        BundleError, InterpreterError: it is not whole, or cannot be run here.
    """
    return open_model(bundle.read(entry.file), threads=options.threads, backend=options.interpreter)


class Pipeline:
    """A bundle's models, loaded, for the frames of one source."""

    def __init__(
        self,
        bundle: Bundle,
        options: Options,
        *,
        stream: bool,
        load: Load = load_model,
        overrun: Overrun | None = None,
    ) -> None:
        """Load the bundle's models; another `load` runs other models (those in float, say) in their place.

        By `overrun` a frame that would be late is given up, in part or whole; None: each is looked at, however late.

        Raises:
            UsageError: the bundle has no segmenter, or no grader of the name asked for.
            BundleError, InterpreterError: a model is not whole, not what the manifest says, or cannot be run here.
        """
        # A second thread of OpenCV's saves no time on one picture and costs a third more CPU in waking up.
        cv2.setNumThreads(1)
        manifest = bundle.manifest
        if manifest.segmenter is None:
            raise UsageError(f"{bundle.path.name}: has no segmenter: add one with `sonoedge convert --into`")
        self.view = manifest.view
        self.thresholds = manifest.thresholds
        self.choice = options.choice
        self.grader_name = _chosen_grader(bundle, options.grader)
        self._options, self._overrun = options, overrun
        self.gated = options.gated
        self._read_screen = ScreenReader(
            stream=stream, spacing=options.spacing, roi=options.roi, profile=options.profile
        )
        model = load(bundle, manifest.segmenter, options)
        self.backend = f"{model.backend} {model.runtime_version}"
        self.segmenter = Segmenter(manifest.segmenter, model, self.thresholds.nerve_probability)
        self.grader: Grader | None = None
        self.conformal: Conformal | None = None
        self._typicality: Typicality | None = None
        if self.grader_name is not None:
            entry = manifest.graders[self.grader_name]
            self.grader = Grader(entry, load(bundle, entry, options), manifest.unscaled_crop_share)
            self.conformal, self._typicality = entry.conformal, Typicality.of(entry)
        if overrun is not None:  # from the first frame on, whose layout is read while it grows old
            overrun.took("look", _invoke_ns(self.segmenter.model))
            if self.grader is not None:
                overrun.took("grade", _invoke_ns(self.grader.model))

    def __call__(self, frame: Frame) -> Observation:
        """Everything that can be said of one frame.

        Raises:
            UsageError: the user's ROI or spacing contradicts the frame.
            InterpreterError: a model cannot be run.
        """
        clock = _Clock()
        reading = self._read_screen(frame)
        seen = Observation(frame, reading.signal, reading.scan, reading.conflict, stage_ns=clock.stage_ns)
        clock.lap("read_screen")
        if reading.scan is None:
            small = None if frame.pixels is None else too_small(frame.pixels, self.thresholds)
            seen.grade = ungradable(*(small or Shortfall(reading.reason or Reason.NO_PICTURE)))
            return seen
        unheard = self.gated and frame.probe is None
        unfit = Shortfall(Reason.PROBE_SILENT) if unheard else judge_picture(reading.scan, self.thresholds)
        clock.lap("judge_picture")
        if unfit is None and (unfit := self._too_late("look", frame)):
            seen.skipped = "frame"
        seen.grade = ungradable(*unfit) if unfit else self._look(seen, reading.scan, clock)
        self._note_times(clock)
        return seen

    def _look(self, seen: Observation, scan: Scan, clock: _Clock) -> FrameGrade:
        mask = self.segmenter(scan)
        clock.lap("segment")
        seen.placement = self.segmenter.placement
        components = nerve_components(mask, seen.placement.target)
        if components is None:
            clock.lap("measure")
            return ungradable(Reason.NO_NERVE)
        seen.mask = components.mask
        seen.nerve = measure(components, seen.placement, scan.spacing, self.view)
        clock.lap("measure")
        unfit = judge_nerve(seen.nerve, components, scan, self.view, self.thresholds)
        unfit = unfit or judge_spacing(scan.spacing, allow_unscaled=self._options.allow_unscaled)
        clock.lap("judge_nerve")
        if unfit or self.grader is None:
            return ungradable(*(unfit or Shortfall(Reason.NO_GRADER)))
        if late := self._too_late("grade", seen.frame):
            seen.skipped = "grader"
            return ungradable(*late)
        crop = self.grader.crop(scan, (seen.nerve.ellipse.x_px, seen.nerve.ellipse.y_px))
        clock.lap("crop")
        grade = self.grader(crop, unscaled=scan.spacing.mm_per_px is None)
        clock.lap("grade")
        seen.features = features(seen.nerve, seen.mask, self.segmenter, self.grader)
        unlike = self._typicality(seen.features) if self._typicality else None
        clock.lap("judge_grade")
        return ungradable(*unlike) if unlike else grade

    def _too_late(self, part: Part, frame: Frame) -> Shortfall | None:
        if self._overrun is None:
            return None
        return self._overrun.too_late(part, time.monotonic_ns() - frame.timestamp_ns)

    def _note_times(self, clock: _Clock) -> None:
        if self._overrun is None:
            return
        for part, stages in PARTS.items():
            if stages[0] in clock.stage_ns:
                self._overrun.took(part, sum(clock.stage_ns.get(stage, 0) for stage in stages))

    def clip_grade(self, grades: Sequence[FrameGrade], nerves: Sequence[Nerve | None]) -> ClipGrade:
        """The grade of one sweep by this bundle's thresholds; `nerves[i]` belongs to `grades[i]`."""
        return aggregate(grades, nerves, self.thresholds, self.conformal)


class _Clock:
    """Laps of one frame, in ns."""

    def __init__(self) -> None:
        self.stage_ns: dict[str, int] = {}
        self._last = time.perf_counter_ns()

    def lap(self, stage: str) -> None:
        now = time.perf_counter_ns()
        self.stage_ns[stage] = now - self._last
        self._last = now


def _invoke_ns(model: Model) -> int:
    """What one invoke takes, of whatever lies in the model's input: the least that its part of the way takes."""
    start_ns = time.perf_counter_ns()
    model.invoke()
    return time.perf_counter_ns() - start_ns


def _chosen_grader(bundle: Bundle, asked: str | None) -> str | None:
    graders = bundle.manifest.graders
    if asked is None:
        return bundle.manifest.default_grader
    if asked not in graders:
        have = ", ".join(graders) or "none"
        raise UsageError(f"{bundle.path.name}: has no grader {asked!r}: it has {have}")
    return asked
