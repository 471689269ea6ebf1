"""P3's two planes and the joined grade: the packaged bundles on wrists that were scanned in both."""

from __future__ import annotations

import numpy as np

from convert.data.dataset import DataFolder, Sample
from convert.evaluation.figures import Figure, figures
from convert.evaluation.grades import GradeRows
from convert.phantom.folder import Population
from convert.studies.papers import P3_ACCURACY, P3_PRECISION
from convert.studies.study import Workshop, table
from edge.bundle import Bundle, packaged_bundle
from edge.findings import GRADES, ClipGrade, View
from edge.frame import Frame
from edge.pipeline import Options, Pipeline
from edge.progress import tracked
from edge.stages.aggregate import join_planes

SEED = 61  # no population of the reference bundles
PLANES: tuple[View, View] = ("transverse", "longitudinal")


def planes(shop: Workshop, *, full: bool, epochs: int = 0) -> str:
    """The study's text: nothing is trained, the bundles are those that ship. Quick: 200 subjects; `full`: 1,000."""
    subjects = 1000 if full else 200
    population = Population(SEED, subjects, {"transverse": 2, "longitudinal": 2})
    folder = shop.population(f"planes-{subjects}", population)
    pipelines = {view: Pipeline(Bundle.open(packaged_bundle(view)), Options(), stream=False) for view in PLANES}
    answers: dict[str, list[tuple[float, ...]]] = {"transverse": [], "longitudinal": [], "joined": []}
    for wrist in tracked(_wrists(folder), "planes", unit="wrist"):
        clips = {view: _clip(pipelines[view], [s for s in wrist if s.view == view]) for view in PLANES}
        joined = join_planes(clips["transverse"], clips["longitudinal"], pipelines["transverse"].thresholds)
        for name, each in (*clips.items(), ("joined", joined)):
            answers[name].append(each.probabilities if each.reason is None and each.probabilities else (np.nan,) * 4)
    firsts = [wrist[0] for wrist in _wrists(folder)]
    found = {name: figures(_rows(firsts, rows)) for name, rows in answers.items()}
    return (
        "# Two planes and the joined grade, as P3 had them\n\n"
        f"The packaged bundles, the whole cascade in INT8, {subjects} simulated wrists in both planes; a wrist without "
        "a grade counts as wrong. P3 splits by frame, which flatters; ours is by patient.\n\n"
        + table(["", "accuracy", "ungradable", *(f"precision {grade}" for grade in GRADES), "kappa"], [
            line for name, each in found.items() for line in _lines(name, each)
        ])
    )  # fmt: skip


def _wrists(folder: DataFolder) -> list[list[Sample]]:
    return [[sample for sample in folder if sample.subject == subject] for subject in folder.subjects]


def _clip(pipeline: Pipeline, samples: list[Sample]) -> ClipGrade:
    seen = [pipeline(Frame(sample.image(), 0, i, spacing=sample.spacing)) for i, sample in enumerate(samples)]
    return pipeline.clip_grade([each.grade for each in seen], [each.nerve for each in seen])


def _rows(firsts: list[Sample], probabilities: list[tuple[float, ...]]) -> GradeRows:
    return GradeRows(
        subjects=tuple(sample.subject for sample in firsts),
        files=tuple(sample.file for sample in firsts),
        truth=np.array([GRADES.index(sample.grade or "") for sample in firsts], np.int64),
        probabilities=np.array(probabilities),
    )


def _lines(name: str, found: dict[str, Figure]) -> list[list[str]]:
    low, high = found["accuracy"].ci95 or (np.nan, np.nan)
    ours = [name, f"{found['accuracy'].value:.3f} ({low:.3f}-{high:.3f})", f"{found['ungradable'].value:.1%}"]
    precision = [f"{found[f'precision_{grade}'].value:.2f}" for grade in GRADES]
    lines = [[*ours, *precision, f"{found['quadratic_weighted_kappa'].value:.3f}"]]
    if name in P3_ACCURACY:
        lines.append([f"*P3, {name}*", f"{P3_ACCURACY[name]:.2f}", "", *(f"{p:.2f}" for p in P3_PRECISION[name]), ""])
    return lines
