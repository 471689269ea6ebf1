"""The cascade as the device runs it, segment -> crop -> grade -> aggregate, against the true grades, by wrist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample
from convert.evaluation.grades import GradeRows, graded_rows
from convert.evaluation.wrists import wrists
from convert.quantizing.parity import Logits, float_predictor
from edge.findings import GRADES, ClipGrade
from edge.frame import Frame, Pixels
from edge.interpreter import INPUT_ZERO_POINT, Quantization, RawOutput
from edge.manifest import ModelEntry
from edge.pipeline import Pipeline
from edge.progress import tracked

Floats = npt.NDArray[np.float64]

_STEP = 1 / 32  # logit; any nerve probability up to 0.98 lies within INT8 of it


def cascade_clips(pipelines: Sequence[Pipeline], samples: Sequence[Sample]) -> list[list[ClipGrade]]:
    """What each pipeline says of each of `wrists(samples)`, a clip a wrist. Each picture is read once.

    Raises:
        DataError: a picture cannot be read.
    """
    clips: list[list[ClipGrade]] = [[] for _ in pipelines]
    for rows in tracked(wrists(samples), "cascade", unit="wrist"):
        frames = [Frame(samples[row].image(), 0, i, spacing=samples[row].spacing) for i, row in enumerate(rows)]
        for pipeline, said in zip(pipelines, clips, strict=True):
            seen = [pipeline(frame) for frame in frames]
            said.append(pipeline.clip_grade([each.grade for each in seen], [each.nerve for each in seen]))
    return clips


def clip_probabilities(clips: Sequence[ClipGrade]) -> Floats:
    """P(each grade), (W, 4), nan where no grade was given."""
    nothing = (np.nan,) * len(GRADES)
    return np.array([nothing if clip.reason or clip.probabilities is None else clip.probabilities for clip in clips])


def cascade_probabilities(pipelines: Sequence[Pipeline], samples: Sequence[Sample]) -> Floats:
    """P(each grade), (P, W, 4), that each pipeline gives each of `wrists(samples)`; nan where it gives no grade."""
    return np.array([clip_probabilities(said) for said in cascade_clips(pipelines, samples)])


def cascade_rows(samples: Sequence[Sample], clips: Sequence[ClipGrade]) -> GradeRows:
    """The rows of one pipeline's answers, with the reason where it gave no grade."""
    reasons = [clip.reason.value if clip.reason else "" for clip in clips]
    return graded_rows(samples, clip_probabilities(clips), reasons)


class FloatModel:
    """A float TFLite file in the place of an INT8 model: it takes the same pictures; what it answers stays real.

    The answer is not rounded to INT8, which would lay the very error to be measured on float as well: `output` gives
    logits / `_STEP` as float32, and each stage's arithmetic, which scales by `output_quantization`, holds for them too.
    """

    backend = "float"
    runtime_version = ""

    def __init__(self, entry: ModelEntry, float_tflite: bytes) -> None:
        self._predict = float_predictor(float_tflite)
        self._picture: Pixels = np.zeros((entry.input.height, entry.input.width), np.uint8)
        self._logits: Logits = self._predict(self._picture)
        self.input_shape = (1, *self._picture.shape, 1)
        self.output_shape = tuple(self._logits.shape)
        self.input_quantization: Quantization = (entry.input.scale, INPUT_ZERO_POINT)
        self.output_quantization: Quantization = (_STEP, 0)

    def write_input(self, picture: Pixels) -> None:
        np.copyto(self._picture, picture)

    def invoke(self) -> None:
        self._logits = self._predict(self._picture)

    def output(self, out: RawOutput | None = None) -> RawOutput:
        return cast(RawOutput, self._logits / np.float32(_STEP))  # real numbers: see above
