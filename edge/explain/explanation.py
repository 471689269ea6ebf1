"""One frame explained, and the record of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import msgspec

from edge.bundle import Bundle
from edge.explain.asking import asking
from edge.explain.occlusion import occlusion
from edge.explain.sight import SEGMENTER, sight
from edge.explain.support import Grid, Support, coarse, hottest, lifted
from edge.findings import Reason
from edge.frame import Roi, Scan, Spacing
from edge.pipeline import Observation, Pipeline
from edge.report import DISCLAIMER, public_uri
from edge.stages.placement import Box, Placement

Method = Literal["occlusion", "lime"]


@dataclass(frozen=True)
class Settings:
    """How to look for an explanation."""

    method: Method = "occlusion"
    of: str = "cts"  # one of `edge.explain.sight.OF`
    side: int = 8  # patches along a side: of occlusion, and of the record's grid
    samples: int = 300  # of LIME
    budget_s: float | None = None  # None: as long as it takes
    seed: int = 0


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where the INT8 model looked in one frame. Support is what the probability loses when a place is hidden."""

    version: int = 1
    disclaimer: str = DISCLAIMER
    method: Method
    of: str  # cts: P(CTS); a grade: its probability; segmenter: the mean P(nerve) within the nerve that it found
    bundle: str
    bundle_digest: str  # sha256 of the manifest, hex
    model: str  # the grader's name, or segmenter
    source: str  # file name of the frame
    box: Roi  # what the model saw of the frame, in the frame's pixels
    spacing: Spacing
    grade: str  # one of GRADES, or UNGRADABLE: the segmenter can be explained all the same
    reason: Reason | None  # why UNGRADABLE
    probabilities: tuple[float, float, float, float] | None  # in the order of GRADES
    baseline: float  # the probability explained, nothing hidden, 0..1
    grid: Grid  # mean support of each cell of `box`, in rows; None: not tried
    hottest_on_nerve: float | None  # share of the hottest tenth that is nerve; None: nothing changed the answer
    nerve_in_box: float  # share of `box` that is nerve: what chance would give
    parts: int  # patches or superpixels
    tried: int  # pictures that the model was asked
    planned: int  # fewer tried than planned: the time was up
    fit_r2: float | None  # LIME: of its linear fit, at most 1
    seed: int
    invokes: int  # of the model, the unchanged picture's included
    seconds: float


@dataclass(frozen=True)
class Explained:
    """One frame explained: the record, and what it was made of."""

    record: Explanation
    support: Support
    placement: Placement  # of the model's picture on the scan


def explain(
    bundle: Bundle, pipeline: Pipeline, seen: Observation, settings: Settings, *, progress: bool = False
) -> Explained:
    """Where the model behind `settings.of` looked in `seen`, the pipeline's last frame.

    Raises:
        ValueError: nothing to explain: see `edge.explain.sight.blind`.
        MissingExtraError: LIME needs the extra `explain`.
        InterpreterError: the model cannot be run.
    """
    began = time.perf_counter()
    view = sight(pipeline, seen, bundle.manifest, settings.of)
    nerve = seen.scan_mask()
    if seen.scan is None or nerve is None:
        raise ValueError("nothing to explain: no nerve")
    ask = asking(view.answer, budget_s=settings.budget_s, progress=progress)
    baseline = view.answer(view.picture)
    if settings.method == "occlusion":
        found = occlusion(view, baseline, ask, side=settings.side, seed=settings.seed)
    else:
        from edge.explain.lime import lime  # noqa: PLC0415  an extra

        found = lime(view, baseline, ask, samples=settings.samples, seed=settings.seed)
    hot, nerve = lifted(hottest(found.pixels), view.placement), view.placement.source.of(nerve)
    record = Explanation(
        method=settings.method,
        of=settings.of,
        bundle=bundle.manifest.name,
        bundle_digest=bundle.digest,
        model=settings.of if settings.of == SEGMENTER else str(pipeline.grader_name),
        source=public_uri(seen.frame.name),
        box=_in_frame(view.placement.source, seen.scan),
        spacing=seen.scan.spacing,
        grade=seen.grade.grade,
        reason=seen.grade.reason,
        probabilities=seen.grade.probabilities,
        baseline=baseline,
        grid=coarse(found.pixels, view.placement.target, settings.side),
        hottest_on_nerve=float(nerve[hot].mean()) if hot.any() else None,
        nerve_in_box=float(nerve.mean()),
        parts=found.parts,
        tried=found.tried,
        planned=found.planned,
        fit_r2=found.fit_r2,
        seed=settings.seed,
        invokes=found.tried + 1,
        seconds=time.perf_counter() - began,
    )
    return Explained(record, found, view.placement)


def as_json(explanation: Explanation) -> bytes:
    """The record as indented JSON in UTF-8, ending in a new line."""
    return msgspec.json.format(msgspec.json.encode(explanation), indent=2) + b"\n"


def _in_frame(box: Box, scan: Scan) -> Roi:
    return Roi(scan.roi.x + box.left, scan.roi.y + box.top, box.width, box.height)
