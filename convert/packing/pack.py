"""A converted model as a bundle: manifest, model card and licence beside the weights."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from convert.conversion import Conversion, Converted, Job, timed, tool_versions
from convert.data.samples import UNSCALED_CROP_SHARE
from convert.gate.cascade import gate_cascade
from convert.gate.verdict import Gate
from convert.golden import golden_file
from convert.packing.bundle_writer import add_to_bundle, merged, write_bundle
from convert.packing.model_card import model_card
from edge.bundle import CARD_FILE, Bundle
from edge.findings import View
from edge.manifest import Manifest, ModelEntry
from edge.report import DISCLAIMER


@dataclass(frozen=True)
class Packed:
    """A bundle, or why there is none."""

    bundle: Bundle | None
    refusal: str
    cascade: Gate | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # by step


def pack_gated(
    path: Path, conversion: Conversion, *, base: Bundle | None = None, name: str | None = None,
    licence: str = "Apache-2.0", attribution: tuple[str, ...] = (),
) -> Packed:  # fmt: skip
    """Write the bundle if every check said yes; with a `base` and labelled frames, the cascade is one of them.

    Raises:
        BundleError, OutputError: as `pack`.
    """
    job, converted = conversion.job, conversion.converted
    if converted is None:
        return Packed(None, conversion.refusal)
    seconds: dict[str, float] = {}
    cascade = None
    write = partial(
        pack, converted=converted, view=job.view, base=base, name=name, licence=licence, attribution=attribution
    )
    if base is not None and job.gate_on is not None and job.task != "classify":
        with timed(seconds, "cascade gate"), tempfile.TemporaryDirectory() as folder:
            trial = write(Path(folder) / path.name)
            grader = name or converted.entry.arch if job.task == "grade" else None
            cascade = _cascade(trial, base, converted, grader, job)
    if cascade is not None and not cascade.passed:
        return Packed(None, f"cascade gate {cascade.refusal}", cascade, seconds)
    with timed(seconds, "packing"):
        bundle = write(path)
    return Packed(bundle, "", cascade, seconds)


def _cascade(trial: Bundle, base: Bundle, converted: Converted, grader: str | None, job: Job) -> Gate | None:
    """The gate of the bundle as a whole, the model that was added to `base` in float on one side."""
    if job.gate_on is None or not (trial.manifest.segmenter and trial.manifest.graders):
        return None
    added = next(entry.file for entry in trial.manifest.models if entry not in base.manifest.models)
    return gate_cascade(trial, {added: converted.float_tflite}, job.gate_on, grader=grader, margins=job.margins)


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
    grader = name or converted.entry.arch
    entry = _named(converted.entry, grader)
    manifest = Manifest(
        name=path.stem,
        view=view,
        intended_use=DISCLAIMER,
        created_with=tool_versions(),
        segmenter=entry if entry.task == "segment" else None,
        graders={grader: entry} if entry.task == "grade" else {},
        default_grader=grader if entry.task == "grade" else None,
        classifiers={grader: entry} if entry.task == "classify" else {},
        unscaled_crop_share=UNSCALED_CROP_SHARE,
        labels="labelled" if evidence or (entry.proof and entry.proof.labelled) else "unlabelled",
        attribution=attribution,
        licence=licence,
    )
    card = model_card(merged(base, manifest) if base else manifest, evidence).encode()
    files = {entry.file: converted.int8, golden_file(entry.file): converted.golden, CARD_FILE: card}
    return add_to_bundle(path, base, manifest, files) if base else write_bundle(path, manifest, files)


def _named(entry: ModelEntry, name: str) -> ModelEntry:
    """The entry with the file names that it has in a bundle: a segmenter is alone there, the others go by name."""
    file = entry.file if entry.task == "segment" else f"{entry.task}-{name}.tflite"
    return msgspec.structs.replace(entry, file=file, golden=golden_file(file))
