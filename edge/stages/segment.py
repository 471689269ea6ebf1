"""Segment: the INT8 network's answer as a mask of the scan."""

from __future__ import annotations

import math

import numpy as np

from edge.contract import check_contract
from edge.frame import Mask, Pixels, Scan, Spacing
from edge.interpreter import Model, Quantization, RawOutput
from edge.manifest import InputSpec, ModelEntry
from edge.stages.placement import Placement, place_from_skin


def place_scan(shape: tuple[int, int], spacing: Spacing, spec: InputSpec) -> Placement:
    """How a scan lies on the segmenter's input: at the model's mm per pixel; without a spacing, fitted to its width."""
    scale = spec.width / shape[1] if spacing.mm_per_px is None else spacing.mm_per_px / spec.pixel_mm
    return place_from_skin(shape, (spec.height, spec.width), scale)


UNSURE = (0.12, 0.88)
"""Probabilities between which a pixel is neither nerve nor not: a border that the network knows is a line of them."""


class Segmenter:
    """One loaded segmenter with its canvas; nothing is allocated from frame to frame while the scan's shape stays."""

    def __init__(self, entry: ModelEntry, model: Model, nerve_probability: float) -> None:
        """`nerve_probability`, 0..1: a pixel is nerve above it.

        Raises:
            BundleError: the model is not what its entry says.
        """
        check_contract(entry, model)
        self.spec = entry.input
        self.model = model
        self.canvas: Pixels = np.zeros((self.spec.height, self.spec.width), np.uint8)  # what the model last saw
        self.placement: Placement = place_from_skin(self.canvas.shape, self.canvas.shape, 1.0)
        self._raw: RawOutput = np.empty(model.output_shape, np.int8)
        self._mask: Mask = np.zeros_like(self.canvas)
        self._level = raw_level(nerve_probability, entry.temperature, model.output_quantization)
        self._unsure = tuple(raw_level(p, entry.temperature, model.output_quantization) for p in UNSURE)
        self._answer: RawOutput = self._raw[0, :, :, 0]
        self._placed: tuple[tuple[int, ...], Spacing] | None = None

    def __call__(self, scan: Scan) -> Mask:
        """The nerve on the model's canvas, (height, width), 1 = nerve; valid until the next call.

        `placement` says where the canvas lies on the scan. Measuring is done on the canvas, whose pixels have the
        model's own size, and only what a person sees is lifted back to the scan.
        """
        if self._placed != (scan.pixels.shape, scan.spacing):
            height, width = scan.pixels.shape
            self.placement = place_scan((height, width), scan.spacing, self.spec)
            self._placed = (scan.pixels.shape, scan.spacing)
        self.placement.paint(scan.pixels, self.canvas)
        self.model.write_input(self.canvas)
        self.model.invoke()
        self._answer = self.model.output(self._raw)[0, :, :, 0]
        np.greater(self._answer, self._level, out=self._mask.view(bool))
        return self._mask

    def unsure_px(self) -> int:
        """Pixels of the last answer whose probability lies within `UNSURE`."""
        low, high = (int(np.count_nonzero(self._answer > level)) for level in self._unsure)
        return low - high


def raw_level(probability: float, temperature: float, quantization: Quantization) -> int:
    """The raw INT8 output above which a pixel is nerve: compared in the network's own integers, no pixel is decoded."""
    if probability in (0.0, 1.0):
        return -128 if probability == 0.0 else 127
    scale, zero_point = quantization
    logit = math.log(probability / (1 - probability)) * temperature
    return min(127, max(-128, math.floor(logit / scale) + zero_point))
