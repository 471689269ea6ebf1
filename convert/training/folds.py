"""Cross-validation by subject: one model a fold, each asked about the subjects that it has not seen, and one on all.

M.foldN.keras   trained without the subjects of fold N
M.keras         trained on all subjects, for as many epochs as the folds' best ones on average
M.folds.json    the figures over all out-of-fold answers, mean and SD over the folds, and every answer's row
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np

from convert.data.dataset import Sample
from convert.data.samples import input_spec
from convert.evaluation.figures import Figure, figures
from convert.evaluation.grades import GradeRows, grade_rows
from convert.evaluation.masks import MEASURES, MaskRows, mask_rows
from convert.models import Architecture
from convert.quantizing.parity import Logits, Predict
from convert.readers.keras_model import load_keras
from convert.training.batches import as_input
from convert.training.curves import draw_curves
from convert.training.frames import Frames
from convert.training.split import split_subjects, subject_folds, subjects_of
from convert.training.state import State, open_state
from convert.training.train import ALL, Recipe, Tell, check_folder, fit_model, to_stderr
from convert.training.training_record import TrainingRecord, read_record
from edge.errors import UsageError
from edge.findings import GRADES
from edge.frame import Pixels
from edge.output import write_atomically

Rows = MaskRows | GradeRows


class Fold(msgspec.Struct, frozen=True):
    """One model of the folds and whom it was asked about."""

    model: str
    subjects: tuple[str, ...]
    figures: dict[str, float]


class Folds(msgspec.Struct, frozen=True):
    """`M.folds.json`. What cannot be computed is nan, in JSON null."""

    figures: dict[str, dict[str, dict[str, Figure]]]  # task -> "float" -> name -> over all out-of-fold answers
    over_folds: dict[str, tuple[float, float]]  # name -> mean and SD over the folds
    folds: tuple[Fold, ...]
    rows: tuple[dict[str, str | float], ...]  # an image, or a wrist, each
    n_images: int
    n_subjects: int


def train_folds(recipe: Recipe, frames: Frames, out: Path, folds: int, tell: Tell = to_stderr) -> Folds:
    """Train `folds` models and one on all subjects; write them, their records, curves and figures.

    Killed, the same call goes on after the last whole epoch; a fold that is written is not trained again.

    Raises:
        UsageError: windows are trained on, which are no pictures to be asked about.
        DataError: so many folds cannot be made of these subjects.
        ModelError, OutputError: as `train_recipe`.
    """
    if recipe.schedule.window_px:
        raise UsageError("--folds with --window-px: windows alone give no figures: train folds on whole pictures")
    check_folder(out)
    parts = subject_folds(frames.samples, folds, recipe.seed)
    state = open_state(out, recipe.settings(frames, folds))
    everybody = set(subjects_of(frames.samples))
    records, rows = {}, []
    for number, asked in enumerate(parts, start=1):
        path = out.with_suffix(f".fold{number}.keras")
        chosen, held_out = split_subjects(everybody - asked, recipe.seed)
        records[path.stem] = _fitted(recipe, frames, chosen, held_out, path, state, f"fold{number}", tell=tell)
        rows.append(_answered(path, recipe.arch, [sample for sample in frames.samples if sample.subject in asked]))
    epochs = round(float(np.mean([record.best_epoch + 1 for record in records.values()])))
    records[out.stem] = _fitted(recipe, frames, everybody, set(), out, state, ALL, epochs=epochs, tell=tell)
    found = _summary(recipe.arch, parts, out, rows, frames)
    write_atomically(out.with_suffix(".folds.json"), msgspec.json.format(msgspec.json.encode(found)))
    draw_curves(out.with_suffix(".curves.png"), records)
    state.remove()
    return found


def _fitted(
    recipe: Recipe, frames: Frames, chosen: set[str], held_out: set[str], out: Path, state: State, name: str, *,
    tell: Tell, epochs: int | None = None,
) -> TrainingRecord:  # fmt: skip
    known = read_record(out) if state.is_finished(name) and out.is_file() else None
    return known or fit_model(recipe, frames, chosen, held_out, out, state, name, epochs=epochs, tell=tell)


def _answered(path: Path, arch: Architecture, samples: Sequence[Sample]) -> Rows:
    once = list({sample.image_path: sample for sample in samples}.values())
    predict, spec = _predictor(load_keras(path)), input_spec(arch)
    if arch.task == "grade":
        return grade_rows(predict, once, spec)
    return mask_rows(predict, once, spec, "longitudinal" if once[0].view == "longitudinal" else "transverse")


def _predictor(model: keras.Model) -> Predict:
    def predict(picture: Pixels) -> Logits:
        return np.asarray(model.predict_on_batch(as_input([picture])))

    return predict


def _summary(arch: Architecture, parts: Sequence[set[str]], out: Path, rows: Sequence[Rows], frames: Frames) -> Folds:
    each = [{name: figure.value for name, figure in figures(part).items()} for part in rows]
    whole = figures(_joined(rows))
    return Folds(
        figures={arch.task: {"float": whole}},
        over_folds={name: _mean_and_sd([of_fold.get(name, math.nan) for of_fold in each]) for name in whole},
        folds=tuple(
            Fold(out.with_suffix(f".fold{number}.keras").name, tuple(sorted(asked)), found)
            for number, (asked, found) in enumerate(zip(parts, each, strict=True), start=1)
        ),
        rows=tuple(row for part in rows for row in _told(part)),
        n_images=len(frames.fed),
        n_subjects=len(subjects_of(frames.samples)),
    )


def _mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)]
    mean = float(np.mean(known)) if known else math.nan
    return mean, float(np.std(known, ddof=1)) if len(known) > 1 else math.nan


def _joined(rows: Sequence[Rows]) -> Rows:
    """The rows of all folds as one model's."""
    arrays = ("measures", "sizes") if isinstance(rows[0], MaskRows) else ("truth", "probabilities")
    whole: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in rows]) for name in arrays}
    for name in ("subjects", "files"):
        whole[name] = tuple(one for part in rows for one in getattr(part, name))
    return replace(rows[0], **whole)


def _told(rows: Rows) -> list[dict[str, str | float]]:
    """A row an answer, as a person looks it up."""
    found: list[dict[str, str | float]]
    if isinstance(rows, MaskRows):
        found = [dict(zip(MEASURES, row.tolist(), strict=True)) for row in rows.measures]
    else:
        answers = zip(rows.truth, rows.predicted, strict=True)
        found = [{"truth": GRADES[truth], "answer": GRADES[answer]} for truth, answer in answers]
    whose = zip(rows.subjects, rows.files, found, strict=True)
    return [{"subject": subject, "file": file, **row} for subject, file, row in whose]
