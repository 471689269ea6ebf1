"""The model card of a bundle: what it is for, what it is not for, what it was made from, how good it was found."""

from __future__ import annotations

from edge.manifest import Manifest, ModelEntry

NOT_MEASURED = "Nobody has measured this bundle by itself. What the gate found when each model was converted:"


def model_card(manifest: Manifest, evidence: str = "") -> str:
    """The card as Markdown."""
    models = "\n".join(_row(name, entry) for name, entry in _named(manifest))
    pictures = "pictures" if manifest.classifiers else "grey pictures"
    attribution = "\n".join(f"- {line}" for line in manifest.attribution) or "- none"
    return f"""# {manifest.name}

{manifest.intended_use}

A {manifest.view} bundle. It reads B-mode ultrasound of the median nerve with a linear probe. It is not a medical
device; nothing it says has been compared with nerve conduction in patients. A picture unlike its training frames may be
graded with confidence and wrongly.

## Models

| model | network | input | INT8 recipe | quantizer | calibration frames | seed |
|---|---|---|---|---|---|---|
{models}

Every model takes {pictures} as INT8 (pixel XOR 0x80, scale (high - low) / 255, zero point -128) and gives logits.

## How good

{evidence.strip() or _proofs(manifest)}

## Data and licences

Weights: {manifest.licence}. They owe to:

{attribution}
"""


def _proofs(manifest: Manifest) -> str:
    """What each model's gate found, float beside INT8."""
    rows = []
    for name, entry in _named(manifest):
        if entry.proof is None:
            rows.append(f"| {name} | no gate | | | |")
            continue
        kind = "known answers" if entry.proof.labelled else "float's own answers alone (`unlabelled`)"
        about = f"{name}, {entry.proof.subjects} subjects, against {kind}"
        about += f"; waived: {', '.join(entry.waived)}" if entry.waived else ""
        gated = {figure: found for figure, found in entry.proof.figures.items() if found.margin is not None}
        for figure, found in gated.items():
            numbers = (found.in_float, found.in_int8, found.margin)
            rows.append(
                f"| {about} | {figure} | " + " | ".join("-" if n is None else f"{n:.4g}" for n in numbers) + " |"
            )
    head = "| model | figure | float | INT8 | loss allowed |\n|---|---|---|---|---|"
    return "\n".join([NOT_MEASURED, "", head, *rows])


def _named(manifest: Manifest) -> list[tuple[str, ModelEntry]]:
    segmenter = [("segmenter", manifest.segmenter)] if manifest.segmenter else []
    return segmenter + list(manifest.graders.items()) + list(manifest.classifiers.items())


def _row(name: str, entry: ModelEntry) -> str:
    scale = "any scale" if entry.input.mm_per_px is None else f"{entry.input.mm_per_px:.5g} mm"
    size = f"{entry.input.height} x {entry.input.width} at {scale}"
    cells = (name, entry.arch, size, entry.recipe, entry.quantizer, str(entry.calibration.frames), str(entry.seed))
    return f"| {' | '.join(cells)} |"
