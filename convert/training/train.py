"""Training a segmenter or a grader from data folders, split by subject, never by frame.

read     samples as the device sees them (`training.frames`), held in memory as bytes
augment  anew in every epoch (`training.augment`)
fit      Adam; the weights of the best epoch on the held-out subjects are kept (`training.fit`)
write    M.keras, M.curves.png, and M.train.json: who was trained on, what the pixels were like
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import msgspec
import tensorflow as tf

from convert.data.dataset import DataFolder
from convert.data.usable import usable
from convert.models import Architecture
from convert.training.augment import AUGMENTATIONS, Augmentation
from convert.training.batches import Feed
from convert.training.curves import draw_curves
from convert.training.fit import compile_model, fit
from convert.training.frames import Frames, read_frames
from convert.training.init import start_from
from convert.training.split import split_subjects, subject_notes, subjects_of
from convert.training.state import State, open_state
from convert.training.training_record import TrainingRecord, read_record, record_path
from edge.errors import OutputError
from edge.output import replacing, write_atomically

LEAST_PER_EPOCH = 400  # frames: a small set is gone through more often, so that an epoch is a piece of work
ALL = "all"  # the name, in the state, of the model that is not of a fold

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    `samples_per_epoch` = 0 means all of them, and at least `LEAST_PER_EPOCH`. `window_px` > 0 trains a segmenter on
    windows of that size about the nerve, at a fraction of the time; the network is convolutional, so its weights then
    start a training at full size. `patience` > 0 ends a training after so many epochs without a smaller held-out loss.
    """

    epochs: int
    batch: int
    learning_rate: float
    samples_per_epoch: int = 0
    window_px: int = 0
    patience: int = 0


@dataclass(frozen=True)
class Recipe:
    """How each model of one training is made."""

    arch: Architecture
    schedule: Schedule
    seed: int = 0
    init: str | Path | None = None
    no_augmentation: tuple[str, ...] = ()  # names of layers that are switched off
    balanced: bool = True  # a grader sees each grade as often

    @property
    def augmentation(self) -> Augmentation:
        """What is left of the task's augmentation.

        Raises:
            UsageError: a name is none of its layers.
        """
        return AUGMENTATIONS[self.arch.task].without(self.no_augmentation)

    def settings(self, frames: Frames, folds: int) -> dict[str, object]:
        """What a training must have in common with the one that it goes on with."""
        return {
            "arch": asdict(self.arch),
            "epochs and rates": asdict(self.schedule),
            "seed": self.seed,
            "init": _digest(self.init),
            "augmentation": self.augmentation.names,
            "balance": self.balanced,
            "folds": folds,
            "data": frames.digest(),
        }  # fmt: skip


def to_stderr(line: str) -> None:
    """A warning in one line."""
    print(f"sonoedge train: warning: {line}", file=sys.stderr)


def train(
    arch: Architecture,
    folders: Sequence[DataFolder],
    out: Path,
    schedule: Schedule,
    *,
    seed: int = 0,
    init: Path | None = None,
) -> TrainingRecord:
    """Train `arch` on data folders (one listed twice counts twice) and write the model of its best epoch to `out`.

    Raises:
        as `train_recipe`.
    """
    return train_recipe(Recipe(arch, schedule, seed, init), read_for(arch, folders), out)


def read_for(
    arch: Architecture, folders: Sequence[DataFolder], view: str | None = None, tell: Tell = to_stderr
) -> Frames:
    """The frames that serve `arch`; what is left out or doubtful is told.

    Raises:
        DataError: the folders do not hold what the task needs.
    """
    samples, notes = usable(folders, arch.task, view)
    for note in [*notes, *subject_notes(samples, arch.task)]:
        tell(note)
    frames, notes = read_frames(arch, samples)
    for note in notes:
        tell(note)
    return frames


def train_recipe(recipe: Recipe, frames: Frames, out: Path, tell: Tell = to_stderr) -> TrainingRecord:
    """Train one model, a tenth of the subjects held out, and write it with its record and its curves.

    Killed, the same call goes on after the last whole epoch, and ends with the same weights on the same machine.

    Raises:
        DataError: one subject alone cannot be split.
        ModelError: `init` does not fit, or what an earlier call left is of another training.
        OutputError: `out` cannot be written.
    """
    chosen, held_out = split_subjects(subjects_of(frames.samples), recipe.seed)
    check_folder(out)
    state = open_state(out, recipe.settings(frames, folds=1))
    record = fit_model(recipe, frames, chosen, held_out, out, state, ALL, tell=tell)
    draw_curves(out.with_suffix(".curves.png"), {out.stem: record})
    state.remove()
    return record


def fit_model(
    recipe: Recipe,
    frames: Frames,
    chosen: set[str],
    held_out: set[str],
    out: Path,
    state: State,
    name: str,
    *,
    epochs: int | None = None,
    tell: Tell = to_stderr,
) -> TrainingRecord:
    """Fit one model of `recipe` to the subjects `chosen`; write it to `out`, and its record beside it.

    `epochs` ends it before the schedule does, whose learning rate it keeps.
    """
    schedule, arch = recipe.schedule, recipe.arch
    _same_everywhere(recipe.seed)
    rows = frames.rows_of(chosen)
    feed = Feed(
        frames, rows, frames.rows_of(held_out), side=schedule.window_px or arch.size_px, batch=schedule.batch,
        per_epoch=schedule.samples_per_epoch or max(len(rows), LEAST_PER_EPOCH),
        augmentation=recipe.augmentation, balanced=recipe.balanced, seed=recipe.seed,
    )  # fmt: skip
    model = replace(arch, size_px=feed.side).build()
    if recipe.init is not None:
        for note in start_from(recipe.init, model):
            tell(note)
    compile_model(model, arch.task, schedule.learning_rate, schedule.epochs * feed.steps)
    losses = fit(
        model, feed, state, name, epochs=epochs or schedule.epochs, patience=schedule.patience, word=f"train {out.stem}"
    )
    with replacing(out) as temporary:
        model.save(temporary)
    mean, std = frames.mean_and_std(rows)
    record = TrainingRecord(
        arch=arch.name, task=arch.task, seed=recipe.seed, epochs=losses.epochs,
        subjects=tuple(sorted(chosen)), held_out_subjects=tuple(sorted(held_out)),
        pixel_mean=mean, pixel_std=std, mm_per_px=arch.mm_per_px, best_epoch=losses.best,
        held_out_loss=losses.held_out[losses.best] if losses.held_out else None,
        losses=losses.trained, held_out_losses=losses.held_out, init_subjects=_seen_by(recipe.init),
    )  # fmt: skip
    write_atomically(record_path(out), msgspec.json.format(msgspec.json.encode(record)))
    state.finish(name)
    return record


def check_folder(out: Path) -> None:
    """Refuse now what could not be written after hours.

    Raises:
        OutputError: there is no such folder.
    """
    if not out.parent.is_dir():
        raise OutputError(f"{out}: no folder {out.parent}: make it first")


def _seen_by(init: str | Path | None) -> tuple[str, ...]:
    """Whom the model had seen that the weights came from; ImageNet's has seen no patient."""
    record = read_record(Path(init)) if init is not None and Path(init).is_file() else None
    return tuple(sorted(record.seen)) if record else ()


def _digest(init: str | Path | None) -> str | None:
    if init is None or not Path(init).is_file():
        return None if init is None else str(init)
    return hashlib.sha256(Path(init).read_bytes()).hexdigest()


def _same_everywhere(seed: int) -> None:
    """The same numbers at every run on this machine: a training that goes on ends as one that was not cut."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
