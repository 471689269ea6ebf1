"""A converted model as a bundle: manifest, model card and licence beside the weights."""

from __future__ import annotations

from pathlib import Path

import msgspec

from convert.bundle_writer import add_to_bundle, merged, write_bundle
from convert.conversion import Converted, tool_versions
from convert.model_card import model_card
from convert.samples import UNSCALED_CROP_SHARE
from edge.bundle import CARD_FILE, Bundle
from edge.findings import View
from edge.manifest import Manifest
from edge.report import DISCLAIMER


def pack(
    path: Path,
    converted: Converted,
    view: View,
    *,
    base: Bundle | None = None,
    name: str | None = None,
    licence: str = "Apache-2.0",
    attribution: tuple[str, ...] = (),
    evidence: str = "",
) -> Bundle:
    """Write a bundle of one model, or a copy of `base` with the model added.

    `evidence` is the card's text on how good the models are; without it the card says that nobody has measured.

    Raises:
        BundleError: `base` is of another view, or has that model already.
        OutputError: it cannot be written.
    """
    entry = converted.entry
    grader = name or entry.arch
    if entry.task == "grade":
        entry = msgspec.structs.replace(entry, file=f"grade-{grader}.tflite")
    manifest = Manifest(
        name=path.stem,
        view=view,
        intended_use=DISCLAIMER,
        created_with=tool_versions(),
        segmenter=entry if entry.task == "segment" else None,
        graders={grader: entry} if entry.task == "grade" else {},
        default_grader=grader if entry.task == "grade" else None,
        unscaled_crop_share=UNSCALED_CROP_SHARE,
        labels="labelled" if evidence else "unlabelled",
        attribution=attribution,
        licence=licence,
    )
    card = model_card(merged(base, manifest) if base else manifest, evidence).encode()
    files = {entry.file: converted.int8, CARD_FILE: card}
    return add_to_bundle(path, base, manifest, files) if base else write_bundle(path, manifest, files)
