"""The shipped models on both interpreters: LiteRT, and tflite-runtime where it is installed (`make test-tflite`).

Graders agree to one step of the INT8 output. The segmenter does not: its 109 convolutions amplify ties that the two
rounding rules break differently (docs/adr/0003), so that what must agree there is what is decided: the mask.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.commands.demo import demo_clip
from edge.findings import GRADES
from edge.frame import Spacing
from edge.interpreter import open_model
from edge.manifest import ModelEntry
from edge.metrics import dice
from edge.pipeline import Options, Pipeline
from edge.sources import open_source
from edge.stages.segment import place_scan

FRAMES = 6
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed here")
    for package in ("ai_edge_litert", "tflite_runtime")
]


def models() -> list[tuple[str, str]]:
    bundles = {view: Bundle.open(packaged_bundle(view)) for view in ("transverse", "longitudinal")}
    return [(view, entry.file) for view, bundle in bundles.items() for entry in bundle.manifest.models]


def outputs(bundle: Bundle, entry: ModelEntry, backend: str) -> list[np.ndarray]:
    model = open_model(bundle.read(entry.file), backend=backend)
    clip = demo_clip(bundle.manifest.view)
    pipeline = Pipeline(bundle, Options(spacing=Spacing(clip.mm_per_px, "manual")), stream=True)
    canvas = np.zeros((entry.input.height, entry.input.width), np.uint8)
    results = []
    for frame in list(open_source(str(clip.path)))[:: 36 // FRAMES]:
        scan = pipeline(frame).scan
        assert scan is not None
        place_scan((scan.pixels.shape[0], scan.pixels.shape[1]), scan.spacing, entry.input).paint(scan.pixels, canvas)
        model.write_input(canvas)
        model.invoke()
        results.append(model.output())
    return results


@pytest.mark.parametrize(("view", "file"), models())
def test_raw_outputs(view: str, file: str) -> None:
    bundle = Bundle.open(packaged_bundle(view))
    entry = next(entry for entry in bundle.manifest.models if entry.file == file)
    for ours, other in zip(*(outputs(bundle, entry, backend) for backend in ("litert", "tflite-runtime")), strict=True):
        if entry.task == "grade":
            assert np.abs(ours.astype(int) - other).max() <= 1
        else:
            zero = open_model(bundle.read(file)).output_quantization[1]
            assert dice(ours > zero, other > zero) >= 0.98
            assert np.mean((ours > zero) != (other > zero)) <= 0.002


@pytest.mark.parametrize("view", ["transverse", "longitudinal"])
def test_no_decision_changes(view: str) -> None:
    bundle, clip = Bundle.open(packaged_bundle(view)), demo_clip(view)
    spacing = Spacing(clip.mm_per_px, "manual")
    pipelines = [
        Pipeline(bundle, Options(spacing=spacing, interpreter=backend), stream=True)
        for backend in ("litert", "tflite-runtime")
    ]
    for frame in list(open_source(str(clip.path)))[:: 36 // FRAMES]:
        ours, other = (pipeline(frame) for pipeline in pipelines)
        assert ours.grade.grade == other.grade.grade
        assert ours.grade.grade in GRADES
        assert ours.nerve is not None and other.nerve is not None
        for measure in ("csa_mm2", "ap_diameter_mm"):
            mine, theirs = getattr(ours.nerve, measure), getattr(other.nerve, measure)
            assert mine == theirs or mine == pytest.approx(theirs, rel=0.02)
