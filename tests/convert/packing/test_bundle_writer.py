"""The same model and frames give the same bytes; adding to a bundle keeps all that it had."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import msgspec
import pytest

from convert.packing.bundle_writer import add_to_bundle, write_bundle
from edge.bundle import Bundle
from edge.errors import BundleError, OutputError
from edge.manifest import Calibration, InputSpec, Manifest, ModelEntry


def model(file: str, task: str, arch: str) -> ModelEntry:
    return ModelEntry(
        file=file,
        arch=arch,
        task=task,
        input=InputSpec(height=160, width=160, mm_per_px=0.09375),
        logits=("logits",),
        recipe="static_wi8_ai8",
        quantizer="litert-quantizer 0.11",
        calibration=Calibration(digest="a" * 64, frames=3),
        seed=7,
        float_parity={"dsc": 0.99, "auc": 0.98},
    )


def manifest(**changed: object) -> Manifest:
    fields = {
        "name": "base",
        "view": "transverse",
        "intended_use": "tests",
        "created_with": {"sonoedge": "0.1.0", "litert-quantizer": "0.11.0"},
        "segmenter": model("segment.tflite", "segment", "sa_unet"),
        "unscaled_crop_share": 0.4,
        "labels": "labelled",
        "attribution": ("usgra-seg, CC BY 4.0",),
        "licence": "Apache-2.0",
    }
    return Manifest(**(fields | changed))


def grader(name: str, **changed: object) -> Manifest:
    fields = {
        "name": "more",
        "segmenter": None,
        "graders": {name: model(f"{name}.tflite", "grade", name)},
        "default_grader": name,
    }
    return manifest(**(fields | changed))


SEGMENTER = {"segment.tflite": b"segmenter", "model_card.md": b"one"}


@pytest.fixture
def base(tmp_path) -> Bundle:
    return write_bundle(tmp_path / "base.sonobundle", manifest(), SEGMENTER)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_bytes_are_pinned(base):
    # Another digest means that bundles made before this change can no longer be made again, bit by bit.
    digest = "a3659c6519eedaa975d89cc9e736d36835c7624bc279a37ca5802b824f37a33b"
    assert hashlib.sha256(base.path.read_bytes()).hexdigest() == digest


def test_order_of_files_and_keys_does_not_matter(base, tmp_path):
    created = dict(reversed(manifest().created_with.items()))
    again = write_bundle(
        tmp_path / "again.sonobundle", manifest(created_with=created), dict(reversed(SEGMENTER.items()))
    )
    assert again.path.read_bytes() == base.path.read_bytes()
    assert again.digest == base.digest


def test_files_in_the_manifest_given_are_made_anew(tmp_path, base):
    again = write_bundle(tmp_path / "again.sonobundle", base.manifest, SEGMENTER)
    assert again.path.read_bytes() == base.path.read_bytes()


def test_a_model_without_its_file_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"segment.tflite is not among"):
        write_bundle(tmp_path / "b.sonobundle", manifest(), {"model_card.md": b""})
    assert names_in(tmp_path) == []


def test_names_that_no_reader_would_take_are_refused(tmp_path):
    with pytest.raises(BundleError, match=r"ends in \.sonobundle"):
        write_bundle(tmp_path / "b.zip", manifest(), SEGMENTER)
    for name in ("/abs", "../up", "manifest.json", "manifest.sig", "a//b", "", "Größe", "a\nb"):
        with pytest.raises(ValueError, match="no name for a file"):
            write_bundle(tmp_path / "b.sonobundle", manifest(), {**SEGMENTER, name: b""})
    assert names_in(tmp_path) == []


def test_an_unwritable_place_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="make it first"):
        write_bundle(tmp_path / "no" / "b.sonobundle", manifest(), SEGMENTER)


def test_adding_keeps_what_was_there(base, tmp_path):
    before = base.path.read_bytes()
    one = add_to_bundle(
        tmp_path / "one.sonobundle",
        base,
        grader("squeezenet", created_with={"sonoedge": "0.2.0", "keras": "3.15"}, attribution=("ours",)),
        {"squeezenet.tflite": b"sq", "model_card.md": b"two"},
    )
    two = add_to_bundle(tmp_path / "two.sonobundle", one, grader("mobilenet_v2"), {"mobilenet_v2.tflite": b"mn"})
    assert base.path.read_bytes() == before
    assert list(two.manifest.graders) == ["mobilenet_v2", "squeezenet"]
    assert two.manifest.default_grader == "squeezenet"
    assert two.manifest.segmenter == base.manifest.segmenter
    assert two.manifest.name == "more"
    assert two.manifest.attribution == ("usgra-seg, CC BY 4.0", "ours")
    assert two.manifest.created_with == {"keras": "3.15", "litert-quantizer": "0.11.0", "sonoedge": "0.1.0, 0.2.0"}
    assert {name: two.read(name) for name in two.manifest.files} == {
        "segment.tflite": b"segmenter",
        "squeezenet.tflite": b"sq",
        "mobilenet_v2.tflite": b"mn",
        "model_card.md": b"two",
    }


def test_adding_in_place_is_allowed(base):
    added = add_to_bundle(base.path, base, grader("squeezenet"), {"squeezenet.tflite": b"sq"})
    assert Bundle.open(base.path) == added
    assert set(added.manifest.files) == {"segment.tflite", "model_card.md", "squeezenet.tflite"}


def test_a_segmenter_joins_graders(tmp_path, base):
    graders = write_bundle(tmp_path / "g.sonobundle", grader("squeezenet"), {"squeezenet.tflite": b"sq"})
    added = add_to_bundle(tmp_path / "all.sonobundle", graders, manifest(), SEGMENTER)
    assert added.manifest.segmenter == base.manifest.segmenter
    assert added.manifest.default_grader == "squeezenet"


def test_labels_are_the_weaker_and_licences_both(base, tmp_path):
    addition = grader("squeezenet", labels="unlabelled", licence="CC-BY-4.0")
    added = add_to_bundle(tmp_path / "b.sonobundle", base, addition, {"squeezenet.tflite": b"sq"})
    assert added.manifest.labels == "unlabelled"
    assert added.manifest.licence == "(Apache-2.0) AND (CC-BY-4.0)"


@pytest.mark.parametrize(
    ("addition", "files", "word"),
    [
        (manifest(segmenter=model("s2.tflite", "segment", "unet")), {"s2.tflite": b"s"}, "at most one"),
        (grader("squeezenet", view="longitudinal"), {"squeezenet.tflite": b"s"}, "takes no longitudinal"),
        (grader("squeezenet"), {}, "not among its files"),
        (grader("squeezenet"), {"squeezenet.tflite": b"s", "segment.tflite": b"another"}, "another segment.tflite"),
    ],
)
def test_what_does_not_fit_is_refused(base, tmp_path, addition, files, word):
    with pytest.raises(BundleError, match=word) as caught:
        add_to_bundle(tmp_path / "b.sonobundle", base, addition, files)
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == ["base.sonobundle"]


def test_a_grader_of_the_same_name_is_refused(base, tmp_path):
    once = add_to_bundle(tmp_path / "b.sonobundle", base, grader("squeezenet"), {"squeezenet.tflite": b"sq"})
    with pytest.raises(BundleError, match="has a grader squeezenet already"):
        add_to_bundle(tmp_path / "c.sonobundle", once, grader("squeezenet"), {"squeezenet.tflite": b"new"})


def classifier(name: str) -> Manifest:
    colour = InputSpec(height=8, width=8, channels=3)
    entry = msgspec.structs.replace(
        model(f"{name}.tflite", "segment", name), task="classify", input=colour, logits=("parrot", "cat")
    )
    return manifest(name="more", segmenter=None, classifiers={name: entry})


def test_a_classifier_joins_and_its_name_stands_once(base, tmp_path):
    added = add_to_bundle(tmp_path / "b.sonobundle", base, classifier("birds"), {"birds.tflite": b"b"})
    more = add_to_bundle(tmp_path / "c.sonobundle", added, classifier("cats"), {"cats.tflite": b"c"})
    assert list(more.manifest.classifiers) == ["birds", "cats"]
    assert more.manifest.segmenter == base.manifest.segmenter
    assert more.manifest.default_grader is None
    with pytest.raises(BundleError, match="has a classifier birds already"):
        add_to_bundle(tmp_path / "d.sonobundle", more, classifier("birds"), {"birds.tflite": b"new"})


def test_a_signature_is_not_taken_along(base, tmp_path):
    signed = tmp_path / "signed.sonobundle"
    signed.write_bytes(base.path.read_bytes())
    with zipfile.ZipFile(signed, "a") as archive:
        archive.writestr("manifest.sig", b"signature")
    added = add_to_bundle(tmp_path / "b.sonobundle", Bundle.open(signed), grader("m"), {"m.tflite": b"m"})
    with zipfile.ZipFile(added.path) as archive:
        assert archive.namelist() == ["manifest.json", "m.tflite", "model_card.md", "segment.tflite"]


def test_manifest_is_readable_json(base):
    with zipfile.ZipFile(base.path) as archive:
        raw = archive.read("manifest.json")
    assert raw.startswith(b'{\n  "format_version": 1,\n  "name": "base",\n')
    assert msgspec.json.decode(raw)["files"]["model_card.md"]["size"] == 3
