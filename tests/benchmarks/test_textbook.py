"""The textbook script stays what a tutorial would write, and does the whole job on the demo clip."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import textbook
from edge.bundle import ASSETS, Bundle, packaged_bundle
from tests.program import ROOT

pytest.importorskip("ai_edge_litert", reason="the textbook script runs on LiteRT")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The packaged segmenter and grader as plain files."""
    folder, bundle = tmp_path_factory.mktemp("models"), Bundle.open(packaged_bundle("transverse"))
    manifest = bundle.manifest
    assert manifest.segmenter is not None and manifest.default_grader is not None
    paths = folder / "segmenter.tflite", folder / "grader.tflite"
    for path, entry in zip(paths, (manifest.segmenter, manifest.graders[manifest.default_grader]), strict=True):
        path.write_bytes(bundle.read(entry.file))
    return paths


def test_it_grades_the_demo_clip_as_its_truth_says(models: tuple[Path, Path]) -> None:
    command = [sys.executable, "-m", "benchmarks.textbook", str(ASSETS / "demo-transverse.mp4"), *map(str, models)]
    said = Counter(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert said.total() == 36
    assert said["moderate"] >= 30  # demo.json


def test_it_is_some_thirty_lines_of_code() -> None:
    source = Path(textbook.__file__).read_text()
    body, main = source.split("\nclass Network", 1)[1].split("\nif __name__", 1)
    assert len([line for line in body.splitlines() if line.strip()]) <= 34
    assert "edge" not in source.replace("ai_edge_litert", "")
    assert len(main.splitlines()) <= 5
