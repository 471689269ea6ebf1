"""Bundles of tiny real INT8 models, written once a session; see `tests.tiny_tflite` for what they answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings

from convert.packing.bundle_writer import write_bundle
from edge.bundle import Bundle
from edge.manifest import Calibration, InputSpec, Manifest, ModelEntry
from tests import tiny_tflite

# A busy machine is no bug: what a property test proves does not depend on how long an example takes.
settings.register_profile("sonoedge", deadline=None)
settings.load_profile("sonoedge")

SEGMENT, GRADE, SECOND = "models/segment.tflite", "models/brightness.tflite", "models/darkness.tflite"
SEGMENT_SPEC = InputSpec(height=192, width=192, mm_per_px=0.2)
GRADE_SPEC = InputSpec(height=75, width=75, mm_per_px=0.2)  # 15 x 15 mm
# Grey levels of the crop's mean, for `tests.pictures`: up to 11, 19.5 and 29.5 mm² of nerve in 225 mm².
CUTS = (68.0, 74.0, 81.0)


def entry(file: str, spec: InputSpec, logits: tuple[str, ...]) -> ModelEntry:
    """A manifest's entry for a tiny model."""
    return ModelEntry(
        file=file,
        arch="tiny",
        task="segment" if len(logits) == 1 else "grade",
        input=spec,
        logits=logits,
        recipe="by hand",
        quantizer="none",
        calibration=Calibration(digest="0" * 64, frames=1),
        seed=0,
    )


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Writes a bundle like `tiny_bundle`: fields of its manifest, or bytes of its models (`files`), changed."""
    folder = tmp_path_factory.mktemp("tiny-bundles")
    steps = ("above_normal", "above_mild", "above_moderate")
    manifest = Manifest(
        name="tiny",
        view="transverse",
        intended_use="tests",
        created_with={"tests": "1"},
        segmenter=entry(SEGMENT, SEGMENT_SPEC, ("nerve",)),
        graders={"brightness": entry(GRADE, GRADE_SPEC, steps), "darkness": entry(SECOND, GRADE_SPEC, steps)},
        default_grader="brightness",
        unscaled_crop_share=0.4,
        labels="labelled",
        attribution=("a work that is made up",),
        licence="Apache-2.0",
    )
    models = {
        SEGMENT: tiny_tflite.segmenter(192, 140),
        GRADE: tiny_tflite.grader(75, CUTS),
        SECOND: tiny_tflite.grader(75, (250.0, 251.0, 252.0)),
    }

    def make(files: dict[str, bytes] | None = None, **changed: Any) -> Bundle:
        path = folder / f"{len(list(folder.iterdir()))}.sonobundle"
        changed_manifest = msgspec.structs.replace(manifest, **changed)
        return write_bundle(path, changed_manifest, {"model_card.md": b"# Tiny\n"} | models | (files or {}))

    return make


@pytest.fixture(scope="session")
def tiny_bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Transverse: a segmenter (192 px of 0.2 mm, nerve = brighter than 140) and two graders (15 x 15 mm)."""
    return make_bundle()


@pytest.fixture(scope="session")
def measuring_bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Transverse, a segmenter alone."""
    return make_bundle(graders={}, default_grader=None)


@pytest.fixture(scope="session")
def longitudinal_bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Longitudinal, with the same models."""
    return make_bundle(view="longitudinal")


@pytest.fixture
def damaged(tiny_bundle: Bundle, tmp_path: Path) -> Callable[[bytes, bytes], Bundle]:
    """A copy of `tiny_bundle` with some bytes replaced by as many others."""

    def damage(old: bytes, new: bytes) -> Bundle:
        whole = tiny_bundle.path.read_bytes()
        assert len(old) == len(new) and old in whole
        path = tmp_path / "damaged.sonobundle"
        path.write_bytes(whole.replace(old, new, 1))
        return Bundle.open(path)

    return damage
