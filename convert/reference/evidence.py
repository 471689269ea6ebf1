"""What a reference bundle's model card says on how good it is: measured on unseen subjects, float beside INT8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.conversion import Converted
from convert.data.dataset import DataFolder, Sample
from convert.evaluation.baselines import csa_auc, nuisance_auc
from convert.evaluation.cascade import cascade_clips, cascade_rows
from convert.evaluation.figures import Figure, figures
from convert.evaluation.grades import NO_GRADE, GradeRows, grade_rows
from convert.evaluation.masks import mask_rows
from convert.packing.pack import pack
from convert.quantizing.parity import Predict, float_predictor, int8_predictor
from edge.bundle import Bundle
from edge.findings import View
from edge.interpreter import open_model
from edge.pipeline import Options, Pipeline

ATTRIBUTION = (
    "SonoEdge phantoms, simulated frames, Apache-2.0",
    "usgra-seg, ultrasound frames with nerve masks, T. Kandaouroff, CC BY 4.0 (resampled and augmented for training)",
)
PREAMBLE = """Measured on simulated subjects that no training saw, by subject, with 95 % intervals by bootstrap over
subjects; `float` is the network before INT8. Simulated frames flatter: nothing here is a claim about patients."""


@dataclass(frozen=True)
class Models:
    """The models of one reference bundle; the first grader is its default."""

    segmenter: Converted
    graders: Mapping[str, Converted]

    def bundle(self, path: Path, view: View, evidence: str = "") -> Bundle:
        """Write them as a bundle; `evidence` goes into its card."""
        bundle = pack(path, self.segmenter, view, attribution=ATTRIBUTION, evidence=evidence)
        for name, grader in self.graders.items():
            bundle = pack(path, grader, view, base=bundle, name=name, attribution=ATTRIBUTION, evidence=evidence)
        return bundle


def tables(
    bundle: Bundle, models: Models, masks: Mapping[str, DataFolder], graded: DataFolder, baselines_from: DataFolder
) -> str:
    """The card's section: segmentation on each folder of `masks`, grading on `graded`, baselines, the whole cascade."""
    segmenter, graders = models.segmenter, models.graders
    graded_samples = _graded(graded)
    nuisances = nuisance_auc(_graded(baselines_from), graded_samples)
    parts = [
        PREAMBLE,
        "### Segmentation: DSC\n\n| frames | images | float | INT8 | no overlap (INT8) |\n|---|---|---|---|---|",
        "\n".join(_segment_row(name, segmenter, folder, bundle.manifest.view) for name, folder in masks.items()),
        "\n### Grading: four grades, and CTS against normal\n",
        "| grader | subjects | accuracy float | accuracy INT8 | AUC float | AUC INT8 |\n|---|---|---|---|---|---|",
        "\n".join(_grade_row(name, grader, graded_samples) for name, grader in graders.items()),
        "\nThe graders alone, on crops about the true nerve. The whole bundle as the device runs it (own mask, own "
        "crop, abstention; a subject without a grade counts as wrong):\n",
        "| grader | subjects | ungradable | accuracy | AUC |\n|---|---|---|---|---|",
        "\n".join(_cascade_row(name, _cascade(bundle, name, graded_samples)) for name in graders),
        "\n### Baselines: what must be beaten\n\n| guess from | AUC |\n|---|---|",
        f"| depth, gain, frequency, machine, mean grey | {_shown(nuisances)} |",
    ]
    if bundle.manifest.view == "transverse":
        parts.append(f"| true cross-sectional area alone | {_shown(csa_auc(graded_samples))} |")
    return "\n".join(parts)


def _graded(folder: DataFolder) -> list[Sample]:
    return [sample for sample in folder if sample.grade is not None]


def _both(converted: Converted) -> tuple[Predict, Predict]:
    return float_predictor(converted.float_tflite, threads=2), int8_predictor(open_model(converted.int8, threads=2))


def _segment_row(name: str, segmenter: Converted, folder: DataFolder, view: View) -> str:
    rows = [mask_rows(predict, tuple(folder), segmenter.entry.input, view) for predict in _both(segmenter)]
    before, after = map(figures, rows)
    missed = after["zero_overlap"].value
    return f"| {name} | {len(folder)} | {_shown(before['dsc'])} | {_shown(after['dsc'])} | {missed:.1%} |"


def _grade_row(name: str, grader: Converted, samples: list[Sample]) -> str:
    rows = [grade_rows(predict, samples, grader.entry.input) for predict in _both(grader)]
    shown = [_shown(figures(each)[what]) for what in ("accuracy", "auc") for each in rows]
    return f"| {name} | {len(set(rows[0].subjects))} | {' | '.join(shown)} |"


def _cascade(bundle: Bundle, grader: str, samples: list[Sample]) -> GradeRows:
    """The whole bundle with that grader, as the device runs it."""
    (clips,) = cascade_clips([Pipeline(bundle, Options(grader=grader), stream=False)], samples)
    return cascade_rows(samples, clips)


def _cascade_row(name: str, rows: GradeRows) -> str:
    found, whose = figures(rows), rows.subjects
    ungradable = {subject for subject, grade in zip(whose, rows.predicted, strict=True) if grade == NO_GRADE}
    shown = _shown(found["accuracy"]), _shown(found["auc"])
    return f"| {name} | {len(set(whose))} | {len(ungradable)} | {' | '.join(shown)} |"


def _shown(figure: Figure) -> str:
    return f"{figure.value:.4f} ({figure.ci95[0]:.3f}-{figure.ci95[1]:.3f})"
