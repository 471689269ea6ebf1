"""Sight: what one INT8 model saw of one frame, and its answer, one probability, to that picture changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.findings import GRADES, UNGRADABLE, Reason
from edge.frame import Pixels
from edge.manifest import Manifest
from edge.pipeline import Observation, Pipeline
from edge.stages.crop import place_crop
from edge.stages.placement import Placement

CTS, SEGMENTER = "cts", "segmenter"
OF = (CTS, *GRADES, SEGMENTER)
"""What can be explained: P(CTS), the probability of a grade, or the segmenter's mean P(nerve) within its nerve."""


@dataclass(frozen=True)
class Sight:
    """A model before one picture."""

    picture: Pixels  # (H, W) as the model saw it
    placement: Placement  # where it lies on the scan; outside `placement.target` there is no picture, only black
    answer: Callable[[Pixels], float]  # a picture (H, W) -> probability, 0..1; one invoke


def blind(seen: Observation, of: str) -> Reason | None:
    """Why there is nothing to explain of a frame, or None."""
    if of == SEGMENTER:
        return None if seen.mask is not None else seen.grade.reason
    return seen.grade.reason if seen.grade.grade == UNGRADABLE else None


def sight(pipeline: Pipeline, seen: Observation, manifest: Manifest, of: str) -> Sight:
    """What the model behind `of` saw of the pipeline's last frame.

    Raises:
        ValueError: it is `blind` to the frame.
    """
    if (reason := blind(seen, of)) is not None:
        raise ValueError(f"nothing to explain: {reason.value}")
    return _segmenter(pipeline, seen, manifest) if of == SEGMENTER else _grader(pipeline, seen, manifest, of)


def _grader(pipeline: Pipeline, seen: Observation, manifest: Manifest, of: str) -> Sight:
    grader = pipeline.grader
    if grader is None or seen.scan is None or seen.nerve is None:
        raise ValueError("nothing to explain: not graded")

    def answer(picture: Pixels) -> float:
        grade = grader(picture, unscaled=False)
        if grade.probabilities is None or grade.cts_probability is None:
            raise ValueError("a grader always grades")
        return grade.cts_probability if of == CTS else grade.probabilities[GRADES.index(of)]

    centre = (seen.nerve.ellipse.x_px, seen.nerve.ellipse.y_px)
    placement = place_crop(seen.scan, centre, grader.spec, manifest.unscaled_crop_share)
    return Sight(grader.canvas.copy(), placement, answer)


def _segmenter(pipeline: Pipeline, seen: Observation, manifest: Manifest) -> Sight:
    entry, mask, model = manifest.segmenter, seen.mask, pipeline.segmenter.model
    if entry is None or mask is None:
        raise ValueError("nothing to explain: no nerve")
    inside = mask.astype(bool)  # a copy: the mask's memory is the segmenter's
    scale, zero_point = model.output_quantization

    def answer(picture: Pixels) -> float:
        model.write_input(picture)
        model.invoke()
        logits = (model.output()[0, :, :, 0][inside].astype(np.float64) - zero_point) * scale / entry.temperature
        return float(np.mean(0.5 + 0.5 * np.tanh(logits / 2)))

    return Sight(pipeline.segmenter.canvas.copy(), pipeline.segmenter.placement, answer)
