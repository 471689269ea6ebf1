"""The model card of a bundle: what it is for, what it is not for, what it was made from, how good it was found."""

from __future__ import annotations

from edge.manifest import Manifest, ModelEntry

NOT_MEASURED = "Nobody has measured this bundle on labelled frames: `labels` in its manifest says `unlabelled`."


def model_card(manifest: Manifest, evidence: str = "") -> str:
    """The card as Markdown."""
    models = "\n".join(_row(name, entry) for name, entry in _named(manifest))
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

Every model takes grey pictures as INT8 (pixel XOR 0x80, scale (high - low) / 255, zero point -128) and gives logits.

## How good

{evidence.strip() or NOT_MEASURED}

## Data and licences

Weights: {manifest.licence}. They owe to:

{attribution}
"""


def _named(manifest: Manifest) -> list[tuple[str, ModelEntry]]:
    segmenter = [("segmenter", manifest.segmenter)] if manifest.segmenter else []
    return segmenter + list(manifest.graders.items())


def _row(name: str, entry: ModelEntry) -> str:
    size = f"{entry.input.height} x {entry.input.width} at {entry.input.mm_per_px:.5g} mm"
    cells = (name, entry.arch, size, entry.recipe, entry.quantizer, str(entry.calibration.frames), str(entry.seed))
    return f"| {' | '.join(cells)} |"
