"""Writing bundles: the same manifest and files give the same bytes, on any machine and day."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge.bundle import SUFFIX, Bundle
from edge.errors import BundleError
from edge.manifest import MANIFEST_FILE, FileEntry, Manifest, check_file_name
from edge.output import replacing

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
_UNIX, _PLAIN_FILE = 3, 0o100644 << 16


def write_bundle(path: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Bundle:
    """Writes `files` (name -> bytes: models, model card, licence) and `manifest`, with their digests put in.

    What was written is read back and verified before it takes the name `path`.

    Raises:
        BundleError: the path does not end in `.sonobundle`, or a model of the manifest is not among the files.
        ValueError: a file has no name for a bundle.
        OutputError: it cannot be written; an earlier file of that name is as it was.
    """
    if path.suffix != SUFFIX:
        raise BundleError(f"{path}: the name of a bundle ends in {SUFFIX}")
    for name in files:
        check_file_name(name)
    entries = {name: FileEntry(sha256=hashlib.sha256(data).hexdigest(), size=len(data)) for name, data in files.items()}
    listed = msgspec.structs.replace(manifest, files=dict(sorted(entries.items())))
    if missing := listed.unlisted_models():
        raise BundleError(f"{path.name}: {', '.join(missing)} is not among its files")
    with replacing(path) as temporary:
        temporary.write_bytes(_zipped(listed, files))
        Bundle.open(temporary).verify_files()
    return Bundle.open(path)


def add_to_bundle(path: Path, base: Bundle, addition: Manifest, files: Mapping[str, bytes]) -> Bundle:
    """Writes a copy of `base` with the models of `addition` and `files` added; `base` itself stays as it is.

    A file of the same name replaces one of `base` (a model card that tells of both) unless a model of `base` is in
    it. A signature of `base` is not taken along: it was over another manifest.

    Raises:
        BundleError: as `write_bundle` and `merged`, or a file would replace a model of `base`.
        OutputError: it cannot be written.
    """
    manifest = merged(base, addition)
    kept = {name: base.read(name) for name in base.manifest.files}
    for model in base.manifest.models:
        if files.get(model.file, kept[model.file]) != kept[model.file]:
            raise BundleError(
                f"{base.path.name}: it has another {model.file} already: give the new model's another name"
            )
    return write_bundle(path, manifest, {**kept, **files})


def merged(base: Bundle, addition: Manifest) -> Manifest:
    """The manifest, without files, of `base` with the models of `addition`.

    The name is the addition's; view must agree; intended use, thresholds, crop share and default grader are those of
    `base` (the addition's default where `base` has no grader); the labels are the weaker of the two.

    Raises:
        BundleError: another view, a second segmenter, or a grader or classifier of a name that `base` has.
    """
    old, name = base.manifest, base.path.name
    if addition.view != old.view:
        raise BundleError(f"{name}: a {old.view} bundle takes no {addition.view} model: make a bundle of its own")
    if old.segmenter and addition.segmenter:
        raise BundleError(f"{name}: it has a segmenter ({old.segmenter.arch}) and a bundle holds at most one")
    for kind, has, new in (
        ("grader", old.graders, addition.graders),
        ("classifier", old.classifiers, addition.classifiers),
    ):
        if twice := sorted(has.keys() & new.keys()):
            raise BundleError(f"{name}: it has a {kind} {', '.join(twice)} already: give the new one another name")
    return msgspec.structs.replace(
        old,
        name=addition.name,
        created_with=_united(old.created_with, addition.created_with),
        segmenter=old.segmenter or addition.segmenter,
        graders=old.graders | addition.graders,
        default_grader=old.default_grader or addition.default_grader,
        classifiers=old.classifiers | addition.classifiers,
        labels="labelled" if old.labels == addition.labels == "labelled" else "unlabelled",
        files={},
        attribution=tuple(dict.fromkeys(old.attribution + addition.attribution)),
        licence=old.licence if old.licence == addition.licence else f"({old.licence}) AND ({addition.licence})",
    )


def _united(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Tool -> version; "1.0, 1.1" where the models were made with different ones."""
    versions = {
        tool: dict.fromkeys(version for side in (old, new) if tool in side for version in side[tool].split(", "))
        for tool in sorted({*old, *new})
    }
    return {tool: ", ".join(distinct) for tool, distinct in versions.items()}


def _zipped(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """The layout that `edge.bundle` demands."""
    raw = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2) + b"\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [(MANIFEST_FILE, raw), *sorted(files.items())]:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _PLAIN_FILE
            archive.writestr(entry, data)
    return stream.getvalue()
