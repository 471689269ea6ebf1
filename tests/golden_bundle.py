"""A bundle with golden vectors, as `sonoedge convert` packs it, made of any bundle."""

from __future__ import annotations

from pathlib import Path

import msgspec

from convert.golden import golden_file, golden_vectors
from convert.packing.bundle_writer import write_bundle
from edge.bundle import Bundle
from edge.manifest import ModelEntry


def with_golden(bundle: Bundle, path: Path, changed: dict[str, bytes] | None = None) -> Bundle:
    """Writes a copy of `bundle` to `path` in which every model has golden vectors; `changed` replaces files of it."""
    manifest = bundle.manifest
    files = {file: bundle.read(file) for file in manifest.files}

    def named(entry: ModelEntry) -> ModelEntry:
        golden = golden_file(entry.file)
        files[golden] = golden_vectors(entry, files[entry.file], manifest.view)
        return msgspec.structs.replace(entry, golden=golden)

    listed = msgspec.structs.replace(
        manifest,
        segmenter=manifest.segmenter and named(manifest.segmenter),
        graders={name: named(entry) for name, entry in manifest.graders.items()},
        classifiers={name: named(entry) for name, entry in manifest.classifiers.items()},
    )
    return write_bundle(path, listed, files | (changed or {}))
