"""Grade: the INT8 grader's cumulative logits as probabilities of the four grades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from edge.contract import check_contract
from edge.findings import GRADES, FrameGrade
from edge.frame import Pixels, Scan
from edge.interpreter import Model, RawOutput
from edge.manifest import ModelEntry
from edge.stages.crop import place_crop

Probabilities = tuple[float, float, float, float]
FloatArray = npt.NDArray[np.float64]


def grade_probabilities(logits: Sequence[float], temperature: float = 1.0) -> Probabilities:
    """Cumulative logits (P(> normal), P(> mild), P(> moderate)) -> P(normal), P(mild), P(moderate), P(severe).

    The three steps are learnt apart and may cross by a little; a step is never likelier than the one before it.
    """
    # The sigmoid as tanh, which no logit overflows.
    above = (0.5 + 0.5 * math.tanh(logit / (2 * temperature)) for logit in logits)
    normal, mild, moderate, severe = (more - less for more, less in pairwise((1.0, *accumulate(above, min), 0.0)))
    return normal, mild, moderate, severe


def probability_rows(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """As `grade_probabilities`, of many at once: logits (..., 3) -> (..., 4)."""
    above = np.minimum.accumulate(0.5 + 0.5 * np.tanh(logits / (2 * temperature)), axis=-1)
    # Adding 0.0 turns the -0.0 of two equal steps into 0.0: a report says no "-0 %".
    rows: FloatArray = -np.diff(above, prepend=1.0, append=0.0, axis=-1) + 0.0
    return rows


def most_likely(probabilities: Probabilities) -> str:
    """The grade with the largest probability; the milder one of two equals."""
    return GRADES[probabilities.index(max(probabilities))]


class Grader:
    """One loaded grader with its canvas."""

    def __init__(self, entry: ModelEntry, model: Model, unscaled_crop_share: float) -> None:
        """`unscaled_crop_share`: side of the crop where no spacing is known, as a share of the scan's width.

        Raises:
            BundleError: the model is not what its entry says.
        """
        check_contract(entry, model)
        self.spec = entry.input
        self.model = model
        self.canvas: Pixels = np.zeros((self.spec.height, self.spec.width), np.uint8)  # what the model last saw
        self.logits: tuple[float, ...] = ()  # what the model last answered: above normal, above mild, above moderate
        self._temperature = entry.temperature
        self._unscaled_share = unscaled_crop_share
        self._raw: RawOutput = np.empty(model.output_shape, np.int8)
        self._scale, self._zero_point = model.output_quantization

    def crop(self, scan: Scan, centre: tuple[float, float]) -> Pixels:
        """The picture about the nerve, (height, width); valid until the next call."""
        place_crop(scan, centre, self.spec, self._unscaled_share).paint(scan.pixels, self.canvas)
        return self.canvas

    def __call__(self, crop: Pixels, *, unscaled: bool) -> FrameGrade:
        """The grade of one crop."""
        self.model.write_input(crop)
        self.model.invoke()
        raws = self.model.output(self._raw)[0].tolist()
        self.logits = tuple((raw - self._zero_point) * self._scale for raw in raws)
        probabilities = grade_probabilities(self.logits, self._temperature)
        return FrameGrade(grade=most_likely(probabilities), probabilities=probabilities, reason=None, unscaled=unscaled)
