"""A bundle is whole, ours and known, or it is refused with one line; whatever the bytes, nothing else happens."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.packing.bundle_writer import write_bundle
from edge import bundle as bundle_module
from edge import inspect_bundle
from edge.bundle import Bundle, packaged_bundle, packaged_bundles, resolve_bundle
from edge.errors import BundleError
from edge.manifest import (
    Calibration,
    Conformal,
    FileEntry,
    InputSpec,
    Manifest,
    ModelEntry,
    Thresholds,
)
from edge.verify import verify
from tests import tiny_tflite

FILES = {
    "models/segment.tflite": bytes(range(256)),
    "models/mobilenet_v2.tflite": b"TFL3 grader",
    "model_card.md": "# Karte: Grüße\n".encode(),
}


def entry(task: str = "grade", file: str = "models/mobilenet_v2.tflite", **changed: object) -> ModelEntry:
    size = 192 if task == "segment" else 160
    fields = {
        "file": file,
        "arch": "sa_unet" if task == "segment" else "mobilenet_v2",
        "task": task,
        "input": InputSpec(height=size, width=size, mm_per_px=0.2),
        "logits": ("logits",),
        "recipe": "static_wi8_ai8",
        "quantizer": "litert-quantizer 0.11",
        "calibration": Calibration(digest="0" * 64, frames=200),
        "seed": 0,
        "float_parity": {"dsc": 0.998},
    }
    return ModelEntry(**(fields | changed))


def manifest(**changed: object) -> Manifest:
    fields = {
        "name": "small",
        "view": "transverse",
        "intended_use": "tests",
        "created_with": {"sonoedge": "0.1.0"},
        "segmenter": entry("segment", "models/segment.tflite"),
        "graders": {"mobilenet_v2": entry()},
        "default_grader": "mobilenet_v2",
        "unscaled_crop_share": 0.4,
        "labels": "labelled",
        "attribution": ("made up",),
        "licence": "Apache-2.0",
    }
    return Manifest(**(fields | changed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="module")
def small(folder: Path) -> Bundle:
    return write_bundle(folder / "small.sonobundle", manifest(), FILES)


def rezipped(small: Bundle, folder: Path, **changed: bytes | None) -> Path:
    """A copy of `small` with entries replaced, added or (None) left out, by a plain zip writer."""
    path = folder / "changed.sonobundle"
    entries = {"manifest.json": manifest_bytes(small)} | {name: small.read(name) for name in sorted(FILES)} | changed
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def manifest_bytes(small: Bundle) -> bytes:
    with zipfile.ZipFile(small.path) as archive:
        return archive.read("manifest.json")


def with_manifest(small: Bundle, folder: Path, **changed: object) -> Path:
    raw = json.loads(manifest_bytes(small)) | changed
    return rezipped(small, folder, **{"manifest.json": json.dumps(raw).encode()})


def refused(path: Path) -> str:
    """The one line that opening and verifying `path` is refused with."""
    with pytest.raises(BundleError) as caught:
        Bundle.open(path).verify_files()
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith((path.name, str(path)))
    return line


def test_gives_back_what_was_written(small):
    again = Bundle.open(small.path)
    assert {name: again.read(name) for name in again.manifest.files} == FILES
    assert again.manifest.segmenter == manifest().segmenter
    assert again == small
    again.verify_files()


def test_models_lie_in_the_file_as_they_are(small):
    whole = small.path.read_bytes()
    assert all(data in whole for data in FILES.values())


def test_digest_follows_every_file(small, folder):
    other = write_bundle(folder / "other.sonobundle", manifest(), FILES | {"model_card.md": b"# another"})
    assert other.digest != small.digest


def test_opening_reads_no_model(small, folder):
    damaged = folder / "damaged.sonobundle"
    damaged.write_bytes(small.path.read_bytes().replace(b"TFL3", b"LFT3"))
    opened = Bundle.open(damaged)
    assert opened.read("model_card.md") == FILES["model_card.md"]
    with pytest.raises(BundleError, match=r"^damaged.sonobundle: models/mobilenet_v2.tflite cannot be read"):
        opened.read("models/mobilenet_v2.tflite")
    with pytest.raises(BundleError, match="mobilenet_v2"):
        opened.verify_files()


def test_wrong_sha256_names_the_file(small, folder):
    # A zip that is whole, with its own checksums right: only the manifest knows.
    path = rezipped(small, folder, **{"models/mobilenet_v2.tflite": b"TFL3 gr4der"})
    assert "sha256 of models/mobilenet_v2.tflite differs" in refused(path)


def test_a_file_that_changes_after_opening_is_noticed(small, folder):
    path = folder / "swapped.sonobundle"
    path.write_bytes(small.path.read_bytes())
    opened = Bundle.open(path)
    write_bundle(path, manifest(), FILES | {"models/mobilenet_v2.tflite": b"another"})
    with pytest.raises(BundleError, match="sha256"):
        opened.read("models/mobilenet_v2.tflite")


def test_no_such_file_in_the_bundle(small):
    for name in ("models/none.tflite", "manifest.json", "../small.sonobundle"):
        with pytest.raises(BundleError, match="no file"):
            small.read(name)


def test_newer_format_says_upgrade_even_when_its_schema_is_unknown(small, folder):
    path = with_manifest(small, folder, format_version=2, view="sagittal", graders=[1])
    assert refused(path) == "changed.sonobundle: format 2, this sonoedge reads up to 1: upgrade sonoedge"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"format_version": 0}, "format_version"),
        ({"format_version": "1"}, "format_version"),
        ({"view": "sagittal"}, "sagittal"),
        ({"default_grader": "vgg"}, "default_grader"),
        ({"default_grader": None}, "default_grader"),
        ({"tempreature": 2.0}, "tempreature"),
        ({"name": "../../etc"}, "bundle name"),
        ({"files": {"/etc/passwd": {"sha256": "0" * 64, "size": 1}}}, "/etc/passwd"),
        ({"files": {"models/../../x": {"sha256": "0" * 64, "size": 1}}}, "no name for a file"),
        ({"files": {}}, "does not list models/mobilenet_v2.tflite, models/segment.tflite"),
        ({"unscaled_crop_share": 1e999}, "not valid"),
        ({"thresholds": {"min_confidence": 1.5}}, "min_confidence"),
    ],
)
def test_a_manifest_that_is_not_valid_says_where(small, folder, changed, word):
    assert word in refused(with_manifest(small, folder, **changed))


def test_a_manifest_that_is_no_json(small, folder):
    assert "not valid" in refused(rezipped(small, folder, **{"manifest.json": b"\xff{"}))


def test_missing_and_surplus_entries_are_named(small, folder):
    assert "model_card.md is missing" in refused(rezipped(small, folder, **{"model_card.md": None}))
    assert "'virus.py' is not in its manifest" in refused(rezipped(small, folder, **{"virus.py": b"x"}))
    assert "has 1 bytes, its manifest says" in refused(rezipped(small, folder, **{"model_card.md": b"x"}))


def test_a_signature_may_be_beside_the_manifest(small, folder):
    signed = Bundle.open(rezipped(small, folder, **{"manifest.sig": b"Ed25519"}))
    signed.verify_files()
    assert signed.digest == small.digest


def test_deflated_entries_are_refused(small, folder):
    path = folder / "deflated.sonobundle"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest_bytes(small))
    assert "is not stored" in refused(path)


def test_two_entries_of_one_name_are_refused(small, folder):
    path = folder / "twice.sonobundle"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.json", manifest_bytes(small))
        archive.writestr("manifest.json", manifest_bytes(small))
    assert "two entries" in refused(path)


def test_the_manifest_comes_first(folder):
    path = folder / "unordered.sonobundle"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"")
        archive.writestr("manifest.json", b"{}")
    assert "first entry" in refused(path)


def test_bytes_to_spare_are_refused(small, folder):
    path = folder / "spare.sonobundle"
    for data in (b"#!/bin/sh\n" + small.path.read_bytes(), small.path.read_bytes() + b"\0"):
        path.write_bytes(data)
        assert "not a whole bundle" in refused(path)


def test_what_is_no_bundle_at_all(folder):
    path = folder / "picture.sonobundle"
    for data in (b"", b"PK", b"\x89PNG\r\n", b"PK\x05\x06" + bytes(18)):
        path.write_bytes(data)
        assert "not a whole bundle" in refused(path)
    assert "no such bundle file" in refused(folder / "absent.sonobundle")
    assert "no such bundle file" in refused(folder)


def test_every_cut_is_refused(small, folder):
    whole = small.path.read_bytes()
    path = folder / "cut.sonobundle"
    path.write_bytes(whole)
    for length in reversed(range(len(whole))):
        with path.open("r+b") as stream:
            stream.truncate(length)
        with pytest.raises(BundleError):
            Bundle.open(path)


def opens_alike_or_not_at_all(path: Path, small: Bundle) -> None:
    try:
        opened = Bundle.open(path)
        files = {name: opened.read(name) for name in opened.manifest.files}
    except BundleError as error:
        assert "\n" not in str(error)
    else:
        assert files == FILES
        assert opened.manifest == small.manifest
        assert opened.digest == small.digest


@settings(max_examples=400)
@given(st.data())
def test_any_byte_changed_is_refused_or_changes_nothing(small, folder, data):
    whole = bytearray(small.path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path = folder / "flipped.sonobundle"
    path.write_bytes(whole)
    opens_alike_or_not_at_all(path, small)


@settings(max_examples=400)
@given(st.data())
def test_the_directory_may_say_anything(small, folder, data):
    # The last part of a zip is what `zipfile` believes: spend the effort there.
    whole = bytearray(small.path.read_bytes())
    directory = struct.unpack("<I", whole[-6:-2])[0]
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(directory, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=6)
    ):
        whole[place] = value
    path = folder / "directory.sonobundle"
    path.write_bytes(whole)
    opens_alike_or_not_at_all(path, small)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_manifest_bytes_are_a_manifest_or_refused(folder, raw):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("manifest.json", raw)
    path = folder / "bytes.sonobundle"
    path.write_bytes(stream.getvalue())
    with pytest.raises(BundleError):
        Bundle.open(path)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: manifest(graders={"m": entry("segment", "models/segment.tflite")}, default_grader="m"), "task"),
        (lambda: manifest(segmenter=entry()), "segmenter's task"),
        (lambda: manifest(segmenter=None, graders={}, default_grader=None), "at least one model"),
        (lambda: manifest(classifiers={"m": entry()}), "the task of classifier m is classify"),
        (lambda: manifest(graders={"m": classifier()}, default_grader="m"), "the task of grader m is grade"),
        (lambda: manifest(classifiers={"../m": classifier()}), "no classifier name"),
        (lambda: entry(input=InputSpec(height=8, width=8, mm_per_px=0.1, channels=3)), "takes grey"),
        (lambda: InputSpec(height=8, width=8, mm_per_px=0.1, channels=4), "channels"),
        (lambda: manifest(unscaled_crop_share=0.0), "unscaled_crop_share"),
        (lambda: manifest(unscaled_crop_share=float("nan")), "unscaled_crop_share"),
        (lambda: manifest(intended_use=" "), "intended_use"),
        (lambda: entry(temperature=0.0), "temperature"),
        (lambda: entry(temperature=float("nan")), "temperature"),
        (lambda: entry(logits=()), "no output"),
        (lambda: entry(float_parity={"auc": float("nan")}), "float_parity"),
        (lambda: entry(file="manifest.json"), "no name for a file"),
        (lambda: entry(file="/models/x"), "no name for a file"),
        (lambda: InputSpec(height=0, width=8, mm_per_px=0.1), "height"),
        (lambda: InputSpec(height=8, width=8, mm_per_px=0.0), "mm_per_px"),
        (lambda: InputSpec(height=8, width=8, mm_per_px=0.1, float_low=1.0), "float_low"),
        (lambda: Calibration(digest="abc", frames=1), "sha256"),
        (lambda: Calibration(digest="0" * 64, frames=0), "frame"),
        (lambda: FileEntry(sha256="0" * 64, size=-1), "size"),
        (lambda: Thresholds(min_nerve_mm2=50.0), "min_nerve_mm2"),
        (lambda: Thresholds(max_nerve_share=1.1), "max_nerve_share"),
        (lambda: Thresholds(max_flattening_ratio=0.5), "flattening"),
        (lambda: Thresholds(min_confidence=float("nan")), "min_confidence"),
        (lambda: Thresholds(min_clip_frames=0), "min_clip_frames"),
        (lambda: Thresholds(max_grade_set=0), "max_grade_set"),
        (lambda: Thresholds(max_grade_set=5), "max_grade_set"),
        (lambda: Conformal(coverage=1.0, threshold=0.5, subjects=9), "coverage"),
        (lambda: Conformal(coverage=0.9, threshold=1.1, subjects=9), "threshold"),
        (lambda: Conformal(coverage=0.9, threshold=0.5, subjects=0), "subject"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_made(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_a_segmenter_alone_is_a_bundle(folder):
    alone = manifest(graders={}, default_grader=None)
    written = write_bundle(folder / "alone.sonobundle", alone, {"models/segment.tflite": b"TFL3"})
    assert [model.task for model in written.manifest.models] == ["segment"]


def classifier(**changed: object) -> ModelEntry:
    colour = InputSpec(height=227, width=227, channels=3)
    fields = {"input": colour, "logits": ("parrot", "cat"), "file": "models/squeezenet.tflite"}
    return entry("classify", **(fields | changed))


def test_classifiers_alone_are_a_bundle(folder):
    alone = manifest(segmenter=None, graders={}, default_grader=None, classifiers={"squeezenet": classifier()})
    written = write_bundle(folder / "classifiers.sonobundle", alone, {"models/squeezenet.tflite": b"TFL3"})
    assert [model.task for model in written.manifest.models] == ["classify"]
    assert written.manifest.models[0].input.channels == 3


def test_a_bundle_of_a_real_colour_classifier_is_verified_and_inspected(folder):
    names = tuple(f"colour {index}" for index in range(3))
    colours = classifier(input=InputSpec(height=8, width=8, channels=3), logits=names)
    alone = manifest(segmenter=None, graders={}, default_grader=None, classifiers={"colours": colours})
    model = tiny_tflite.classifier(8)
    written = write_bundle(folder / "colours.sonobundle", alone, {colours.file: model})
    assert verify(written).passed
    text = inspect_bundle.as_text(written)
    assert all(
        part in text for part in ("classifier colours", "8 x 8 px RGB at any scale", "colour 0, colour 1, colour 2")
    )
    many = msgspec.structs.replace(colours, logits=tuple(f"class {index}" for index in range(1000)))
    wrong = msgspec.structs.replace(alone, classifiers={"colours": many})
    written = write_bundle(folder / "colours.sonobundle", wrong, {colours.file: model})
    assert "class 9 and 990 more" in inspect_bundle.as_text(written)
    assert [check.name for check in verify(written).checks if not check.passed] == ["output shape"]


def test_classifiers_come_after_the_graders():
    whole = manifest(classifiers={"squeezenet": classifier()})
    assert [model.task for model in whole.models] == ["segment", "grade", "classify"]


def test_input_spans_the_float_range_in_255_steps():
    assert InputSpec(height=8, width=8, mm_per_px=0.1).scale == pytest.approx(1 / 255)
    assert InputSpec(height=8, width=8, mm_per_px=0.1, float_low=-1.0).scale == pytest.approx(2 / 255)


def test_resolves_a_file_before_a_packaged_name(small, folder, monkeypatch):
    monkeypatch.setattr(bundle_module, "ASSETS", folder)
    monkeypatch.chdir(folder)
    assert resolve_bundle("small") == folder / "small.sonobundle"
    assert resolve_bundle(str(small.path)) == small.path
    (folder / "small").mkdir()  # a folder of that name is no bundle file
    assert resolve_bundle("small") == packaged_bundle("small") == small.path
    with pytest.raises(BundleError, match=r"^none.sonobundle: no such bundle file.*small"):
        resolve_bundle("none.sonobundle")
    with pytest.raises(BundleError, match="no such"):
        resolve_bundle("")


def test_manifest_survives_json(small):
    assert msgspec.json.decode(msgspec.json.encode(small.manifest), type=Manifest) == small.manifest


@pytest.mark.parametrize("name", packaged_bundles())
def test_packaged_bundles_are_whole(name):
    Bundle.open(packaged_bundle(name)).verify_files()
