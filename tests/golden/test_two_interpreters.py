"""The shipped models on both interpreters: LiteRT, and tflite-runtime where it is installed (`make test-tflite`).

Both replay the golden vectors of a bundle: nothing is decided otherwise, LiteRT gives them to the bit, and
tflite-runtime within one step of the INT8 output (docs/adr/0003).
"""

from __future__ import annotations

import importlib.util

import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.commands.demo import demo_clip
from edge.findings import GRADES
from edge.frame import Spacing
from edge.golden import MAX_LSB, decode_golden, replay
from edge.interpreter import open_model
from edge.pipeline import Options, Pipeline
from edge.sources import open_source

FRAMES = 6
MOST_LSB = {"litert": 0, "tflite-runtime": MAX_LSB}
BACKENDS = tuple(MOST_LSB)
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed here")
    for package in ("ai_edge_litert", "tflite_runtime")
]


def models() -> list[tuple[str, str]]:
    bundles = {view: Bundle.open(packaged_bundle(view)) for view in ("transverse", "longitudinal")}
    return [(view, entry.file) for view, bundle in bundles.items() for entry in bundle.manifest.models]


@pytest.mark.parametrize(("view", "file"), models())
def test_both_answer_alike(view: str, file: str) -> None:
    bundle = Bundle.open(packaged_bundle(view))
    entry = next(entry for entry in bundle.manifest.models if entry.file == file)
    assert entry.golden is not None
    for backend, most in MOST_LSB.items():
        model = open_model(bundle.read(file), backend=backend)
        vectors = decode_golden(bundle.read(entry.golden), entry, model)
        found = replay(vectors, model, entry.task, entry.temperature, bundle.manifest.thresholds.nerve_probability)
        assert found.max_lsb <= most and found.changed_decisions == 0, (backend, found)


@pytest.mark.parametrize("view", ["transverse", "longitudinal"])
def test_no_decision_changes(view: str) -> None:
    bundle, clip = Bundle.open(packaged_bundle(view)), demo_clip(view)
    spacing = Spacing(clip.mm_per_px, "manual")
    pipelines = [Pipeline(bundle, Options(spacing=spacing, interpreter=backend), stream=True) for backend in BACKENDS]
    for frame in list(open_source(str(clip.path)))[:: 36 // FRAMES]:
        ours, other = (pipeline(frame) for pipeline in pipelines)
        assert ours.grade.grade == other.grade.grade
        assert ours.grade.grade in GRADES
        assert ours.nerve is not None and other.nerve is not None
        for measure in ("csa_mm2", "ap_diameter_mm"):
            mine, theirs = getattr(ours.nerve, measure), getattr(other.nerve, measure)
            assert mine == theirs or mine == pytest.approx(theirs, rel=0.02)
