"""Inspect: what is inside a bundle, for a person or a machine; reads the manifest, no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from edge.bundle import Bundle
from edge.manifest import Manifest, ModelEntry

_LABELS = {
    "labelled": "measured against known answers; the model card says whose",
    "unlabelled": "gated on agreement with float alone, never against an expert's answer",
}


class Inspection(msgspec.Struct, frozen=True):
    """A bundle's digest, its size and all that its manifest says."""

    file: str
    size: int  # bytes
    digest: str  # sha256 of the manifest, hex
    manifest: Manifest


def inspect_bundle(bundle: Bundle) -> Inspection:
    """What is inside `bundle`."""
    return Inspection(bundle.path.name, bundle.path.stat().st_size, bundle.digest, bundle.manifest)


def as_json(bundle: Bundle) -> str:
    """`inspect_bundle` as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(inspect_bundle(bundle)), indent=2).decode()


def as_text(bundle: Bundle) -> str:
    """`inspect_bundle` for a person."""
    found = inspect_bundle(bundle)
    manifest = found.manifest
    lines = [
        f"{manifest.name}: {manifest.view}, format {manifest.format_version}, {_kib(found.size)}",
        f"  digest        {found.digest}",
        f"  intended use  {manifest.intended_use}",
        f"  labels        {manifest.labels}: {_LABELS[manifest.labels]}",
        f"  licence       {manifest.licence}",
        *(f"  attribution   {work}" for work in manifest.attribution),
        f"  made with     {', '.join(f'{tool} {version}' for tool, version in sorted(manifest.created_with.items()))}",
    ]
    if manifest.segmenter is None:
        lines.append("segmenter: none")
    else:
        lines += ["segmenter", *_model(manifest, manifest.segmenter)]
    if not manifest.graders:
        does = "measures and does not grade" if manifest.segmenter else "neither measures nor grades"
        lines.append(f"graders: none; this bundle {does}")
    for name, grader in manifest.graders.items():
        lines += [f"grader {name}{' (default)' if name == manifest.default_grader else ''}", *_model(manifest, grader)]
    for name, classifier in manifest.classifiers.items():
        lines += [f"classifier {name}", *_model(manifest, classifier)]
    lines += ["thresholds", *_aligned(msgspec.structs.asdict(manifest.thresholds))]
    lines += [f"  {'unscaled_crop_share':26}{manifest.unscaled_crop_share:g}"]
    lines += ["files", *(f"  {_kib(entry.size):>12}  {file}" for file, entry in sorted(manifest.files.items()))]
    return "\n".join(lines)


def _model(manifest: Manifest, entry: ModelEntry) -> list[str]:
    spec, calibration = entry.input, entry.calibration
    floats = ", ".join(entry.non_integer_tensors) or "none"
    scale = "at any scale" if spec.mm_per_px is None else f"at {spec.mm_per_px:g} mm"
    facts = {
        "file": f"{entry.file}, {_kib(manifest.files[entry.file].size)}, architecture {entry.arch}, seed {entry.seed}",
        "input": f"{spec.height} x {spec.width} px {'grey' if spec.channels == 1 else 'RGB'} {scale}, "
        f"0..255 = {spec.float_low:g}..{spec.float_high:g}, scale {spec.scale:.9g}, zero point -128",
        "output": f"{_shortened(entry.logits)}, temperature {entry.temperature:g}",
        "quantized by": f"{entry.quantizer}, recipe {entry.recipe}, left in float: {floats}",
        "calibrated on": f"{calibration.frames} frames, sha256 {calibration.digest}",
    }
    if entry.task == "grade":
        facts["confidence"] = _confidence(entry)
    facts |= _proof(entry)
    facts |= {f"parity {measure}": f"{value:g}" for measure, value in entry.float_parity.items()}
    return _aligned(facts)


def _proof(entry: ModelEntry) -> dict[str, str]:
    """Who was trained on, what somebody waived, and what the gate found."""
    facts = {"trained on": f"{len(entry.trained_on)} subjects" if entry.trained_on else "nobody says whom"}
    if entry.waived:
        facts["waived"] = f"rules of the calibration lint: {', '.join(entry.waived)}"
    if entry.proof is None:
        return facts | {"gate": "none"}
    kind = "labelled" if entry.proof.labelled else "unlabelled, against float alone"
    facts["gate"] = f"{kind}, {entry.proof.frames} frames of {entry.proof.subjects} subjects"
    for name, figure in entry.proof.figures.items():
        if figure.margin is not None:
            numbers = (figure.in_float, figure.in_int8, figure.bound, figure.margin)
            float_, int8, bound, margin = ("-" if number is None else f"{number:.4g}" for number in numbers)
            facts[f"  {name}"] = f"{float_} float, {int8} INT8; loss below {bound}, {margin} allowed"
    return facts


def _confidence(entry: ModelEntry) -> str:
    if entry.conformal is None or entry.typical is None:
        return "none: fit it with `sonoedge confidence`"
    conformal, typical = entry.conformal, entry.typical
    return (
        f"sets that hold the true grade in {conformal.coverage:.0%}, of {conformal.subjects} held-out subjects; "
        f"unlike training from a distance of {typical.threshold:.3g} on"
    )


def _shortened(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _aligned(facts: Mapping[str, object]) -> list[str]:
    return [f"  {name:26}{value}" for name, value in facts.items()]


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"
