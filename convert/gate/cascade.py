"""The cascade at the gate: segment -> crop -> grade as a whole, float beside INT8.

Each model may pass alone and the two together fail: a mask that is a little off moves the crop.
"""

from __future__ import annotations

from collections.abc import Mapping

from convert.data.dataset import DataFolder
from convert.errors import DataError
from convert.evaluation.cascade import FloatModel, cascade_probabilities
from convert.evaluation.wrists import owners
from convert.gate.figures import abstention, grade_figures
from convert.gate.trial import DEFAULT_MARGINS, about_labelled
from convert.gate.verdict import Gate, Margins, gate
from edge.bundle import Bundle
from edge.interpreter import Model
from edge.manifest import ModelEntry
from edge.pipeline import Options, Pipeline, load_model


def gate_cascade(
    bundle: Bundle,
    floats: Mapping[str, bytes],
    folder: DataFolder,
    *,
    grader: str | None = None,
    margins: Margins = DEFAULT_MARGINS,
) -> Gate:
    """The whole of `bundle` against the true grades, one answer a wrist, beside the same with models in float.

    `floats` holds the float TFLite of those files of the bundle that have one; a model that came with another bundle
    is INT8 on both sides, and a note says so. `grader` is one of the bundle's, by default its default.

    Raises:
        DataError: no frame of `folder` has a grade.
        UsageError: the bundle has no segmenter, or no such grader.
    """
    view = bundle.manifest.view
    samples = [sample for sample in folder if sample.view in ("", view) and sample.grade is not None]
    if not samples:
        raise DataError(f"{folder.path}: no {view} frame has a grade: the cascade is gated on grades in labels.csv")

    def load_float(source: Bundle, entry: ModelEntry, options: Options) -> Model:
        raw = floats.get(entry.file)
        return load_model(source, entry, options) if raw is None else FloatModel(entry, raw)

    options = Options(grader=grader, allow_unscaled=True)
    sides = [Pipeline(bundle, options, stream=False, load=load) for load in (load_float, load_model)]
    in_float, in_int8 = cascade_probabilities(sides, samples)
    subjects, grades = owners(samples)
    about = about_labelled("cascade", folder, samples, view)
    about["notes"] += (_sides(bundle, sides[0].grader_name, floats),)
    figures = grade_figures(subjects, grades, in_float, in_int8, margins)
    return gate([*figures, abstention(subjects, in_float, in_int8, margins)], **about)


def _sides(bundle: Bundle, grader: str | None, floats: Mapping[str, bytes]) -> str:
    """Which models the float side had in float: one out of another bundle has no float file any more."""
    manifest = bundle.manifest
    entries = {"segmenter": manifest.segmenter, "grader": manifest.graders[grader] if grader else None}
    told = [
        f"{name} in float" if entry.file in floats else f"{name} in INT8, as the bundle has it"
        for name, entry in entries.items()
        if entry is not None
    ]
    return f"the float side: {', '.join(told)}"
