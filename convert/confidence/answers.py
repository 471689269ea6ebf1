"""What a bundle's cascade answers to held-out wrists: run once, then judged again and again without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample
from convert.evaluation.wrists import owners, wrists
from edge.bundle import Bundle
from edge.findings import GRADES, Reason
from edge.frame import Frame
from edge.pipeline import Observation, Options, Pipeline
from edge.progress import tracked
from edge.stages.grade import FloatArray
from edge.stages.typical import FEATURES, LOGITS, Features


@dataclass(frozen=True)
class Wrist:
    """One wrist's frames: those that reached the grader, and why the others did not."""

    subject: str
    grade: str  # the true one
    seen: Features  # (frames that reached the grader, len(FEATURES))
    refused: tuple[Reason, ...]  # of the other frames

    @property
    def logits(self) -> FloatArray:
        """The grader's, (frames, 3)."""
        return self.seen[:, -len(LOGITS) :]


def collect(bundle: Bundle, graders: Sequence[str], samples: Sequence[Sample]) -> dict[str, list[Wrist]]:
    """Each grader's view of each wrist, as the device runs it; frames without a spacing are let through.

    Raises:
        UsageError: the bundle has no segmenter.
        DataError: a picture cannot be read.
    """
    bare = _without_typical(bundle)
    pipelines = [Pipeline(bare, Options(grader=name, allow_unscaled=True), stream=False) for name in graders]
    views: dict[str, list[Wrist]] = {name: [] for name in graders}
    clips = zip(wrists(samples), *owners(samples), strict=True)
    for rows, subject, grade in tracked(list(clips), "cascade", unit="wrist"):
        frames = [Frame(samples[row].image(), 0, i, spacing=samples[row].spacing) for i, row in enumerate(rows)]
        for name, pipeline in zip(graders, pipelines, strict=True):
            views[name].append(_wrist(subject, grade, [pipeline(frame) for frame in frames]))
    return views


def _without_typical(bundle: Bundle) -> Bundle:
    """What is typical is asked anew: the bundle's own answer may be of features that are no longer looked at."""
    graders = {name: msgspec.structs.replace(entry, typical=None) for name, entry in bundle.manifest.graders.items()}
    return replace(bundle, manifest=msgspec.structs.replace(bundle.manifest, graders=graders))


def true_grades(clips: Sequence[Wrist]) -> npt.NDArray[np.int64]:
    """Index into `GRADES` of each wrist's true grade, (W,)."""
    return np.array([GRADES.index(wrist.grade) for wrist in clips], np.int64)


def _wrist(subject: str, grade: str, observations: Sequence[Observation]) -> Wrist:
    seen = [each.features for each in observations if each.features is not None]
    refused = tuple(each.grade.reason for each in observations if each.features is None and each.grade.reason)
    return Wrist(subject, grade, np.array(seen).reshape(-1, len(FEATURES)), refused)
