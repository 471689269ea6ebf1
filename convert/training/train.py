"""Training a segmenter or a grader from data folders, split by subject, never by frame.

read     samples as the device sees them (`convert.data.samples`), held in memory as bytes
augment  anew in every epoch (`convert.training.augment`)
fit      Adam; the weights of the best epoch on the held-out subjects are kept
write    M.keras, and M.train.json: who was trained on, what the pixels were like
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from convert.data.dataset import DataFolder, Sample
from convert.data.samples import grade_input, input_spec, segment_input
from convert.errors import DataError
from convert.models import GRADE_STEPS, Architecture
from convert.training.augment import GRADE, NO_AUGMENTATION, SEGMENT, augment_crop, augment_pair
from convert.training.training_record import TrainingRecord, record_path
from edge.errors import OutputError
from edge.findings import GRADES
from edge.output import replacing, write_atomically

MARGIN = 1.3  # the grader's crops are kept this much wider, so that a shift or a turn has pixels to show
HELD_OUT_SHARE = 0.1


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    `samples_per_epoch` = 0 means all of them. `window_px` > 0 trains a segmenter on windows of that size about the
    nerve, at a fraction of the time; the network is convolutional, so its weights then start a training at full size.
    """

    epochs: int
    batch: int
    learning_rate: float
    samples_per_epoch: int = 0
    window_px: int = 0


Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
Draw = Callable[[int, np.random.Generator], tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]


class Batches(keras.utils.PyDataset):
    """Augmented batches, drawn anew each epoch from `seed`."""

    def __init__(self, count: int, draw: Draw, schedule: Schedule, seed: int) -> None:
        super().__init__()
        self._count, self._draw, self._schedule, self._seed, self._epoch = count, draw, schedule, seed, 0
        self._order = self._shuffle()

    def _shuffle(self) -> npt.NDArray[np.int64]:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(self._count)
        return order[: self._schedule.samples_per_epoch or self._count]

    def __len__(self) -> int:
        return max(1, len(self._order) // self._schedule.batch)

    def __getitem__(self, index: int) -> Batch:
        batch = self._schedule.batch
        rng = np.random.default_rng([self._seed, self._epoch, index])
        drawn = [self._draw(int(i), rng) for i in self._order[index * batch : (index + 1) * batch]]
        return as_input([picture for picture, _ in drawn]), np.stack([target for _, target in drawn])

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._shuffle()


class ProgressBar(keras.callbacks.Callback):
    """One line for the whole training: step, time left, loss."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._bar = tqdm(total=self.params["epochs"] * self.params["steps"], desc="train", unit="step", mininterval=1.0)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._bar.set_postfix({name: f"{value:.4f}" for name, value in (logs or {}).items()})

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._bar.close()


def as_input(pictures: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
    """Grey pictures (H, W) as the float graph's input, (N, H, W, 1) in 0..1."""
    return np.stack(pictures)[..., None].astype(np.float32) / 255


def soft_dice_loss(truth: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """P1's 1 - DSC by image, with half a cross-entropy beside it that keeps the logits' scale finite for INT8."""
    probability = keras.ops.sigmoid(logits)
    overlap = keras.ops.sum(truth * probability, axis=(1, 2, 3))
    total = keras.ops.sum(truth + probability, axis=(1, 2, 3))
    dice = (2 * overlap + 1.0) / (total + 1.0)
    entropy = keras.ops.mean(keras.ops.binary_crossentropy(truth, logits, from_logits=True), axis=(1, 2, 3))
    return 1.0 - dice + 0.5 * entropy


def ordinal_targets(grade: str) -> npt.NDArray[np.float32]:
    """A grade as (3,) answers: worse than normal? than mild? than moderate?"""
    return (GRADES.index(grade) > np.arange(len(GRADE_STEPS))).astype(np.float32)


def split_subjects(folders: Sequence[DataFolder], seed: int) -> tuple[set[str], set[str]]:
    """Subjects to train on and subjects held out, a tenth; no subject in both.

    Raises:
        DataError: there is one subject alone.
    """
    subjects = sorted({subject for folder in folders for subject in folder.subjects})
    if len(subjects) < 2:
        raise DataError(f"{folders[0].path}: one subject alone cannot be split: frames of at least two are needed")
    order = np.random.default_rng(seed).permutation(subjects)
    held_out = max(1, round(HELD_OUT_SHARE * len(subjects)))
    codes = [str(code) for code in order]
    return set(codes[held_out:]), set(codes[:held_out])


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
        DataError: a folder does not hold what the task needs.
        OutputError: `out` cannot be written.
    """
    if not out.parent.is_dir():
        raise OutputError(f"{out}: no folder {out.parent}: make it first")
    keras.utils.set_random_seed(seed)
    chosen, held_out = split_subjects(folders, seed)
    prepare = _prepare_segment if arch.task == "segment" else _prepare_grade
    samples = [sample for folder in folders for sample in folder]
    pictures, fit_draw, held_out_batch = prepare(arch, samples, chosen, schedule)
    model = replace(arch, size_px=schedule.window_px or arch.size_px).build()
    if init is not None:
        model.load_weights(init)
    steps = schedule.epochs * math.ceil((schedule.samples_per_epoch or len(pictures)) / schedule.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * schedule.learning_rate, steps, alpha=0.02, warmup_target=schedule.learning_rate, warmup_steps=steps // 20
    )
    loss = soft_dice_loss if arch.task == "segment" else keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    keep = keras.callbacks.ModelCheckpoint(
        str(out.with_suffix(".best.weights.h5")), monitor="val_loss", save_best_only=True, save_weights_only=True
    )
    batches = Batches(len(pictures), fit_draw, schedule, seed)
    history = model.fit(
        batches,
        validation_data=held_out_batch,
        validation_batch_size=schedule.batch,
        epochs=schedule.epochs,
        verbose=0,
        callbacks=[ProgressBar(), keep],
    )
    losses = history.history["val_loss"]
    best_weights = Path(keep.filepath)
    model.load_weights(best_weights)
    best_weights.unlink()
    with replacing(out) as temporary:
        model.save(temporary)
    record = TrainingRecord(
        arch=arch.name, task=arch.task, seed=seed, epochs=schedule.epochs,
        subjects=tuple(sorted(chosen)), held_out_subjects=tuple(sorted(held_out)),
        pixel_mean=float(np.mean(pictures)), pixel_std=float(np.std(pictures)), mm_per_px=arch.mm_per_px,
        best_epoch=int(np.argmin(losses)), held_out_loss=float(np.min(losses)),
    )  # fmt: skip
    write_atomically(record_path(out), msgspec.json.format(msgspec.json.encode(record)))
    return record


def _prepare_segment(
    arch: Architecture, samples: list[Sample], chosen: set[str], schedule: Schedule
) -> tuple[npt.NDArray[np.uint8], Draw, Batch]:
    spec, target = input_spec(arch), schedule.window_px or arch.size_px
    pairs = {s.image_path: segment_input(s, spec) for s in tqdm(_once(samples), "read", unit="frame")}
    fit = [pairs[s.image_path] for s in samples if s.subject in chosen]
    rest = [pairs[s.image_path] for s in _once(samples) if s.subject not in chosen]

    def draw(index: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        picture, mask = augment_pair(*fit[index], target, SEGMENT, rng)
        return picture, mask[..., None].astype(np.float32)

    if target < spec.width:
        rng = np.random.default_rng(0)
        rest = [augment_pair(*pair, target, NO_AUGMENTATION, rng) for pair in rest]
    held_out = (
        as_input([picture for picture, _ in rest]),
        np.stack([mask for _, mask in rest])[..., None].astype(np.float32),
    )
    return np.stack([picture for picture, _ in fit]), draw, held_out


def _prepare_grade(
    arch: Architecture, samples: list[Sample], chosen: set[str], schedule: Schedule
) -> tuple[npt.NDArray[np.uint8], Draw, Batch]:
    spec = input_spec(arch)
    graded = [s for s in samples if s.grade is not None and s.mask_path is not None]
    if len({s.grade for s in graded}) < 2:
        raise DataError("the grade column of labels.csv holds fewer than two grades: nothing to tell apart")
    crops = {s.image_path: grade_input(s, spec, MARGIN) for s in tqdm(_once(graded), "read", unit="frame")}
    fit = [(crops[s.image_path], ordinal_targets(s.grade or "")) for s in graded if s.subject in chosen]
    rest = [(grade_input(s, spec), ordinal_targets(s.grade or "")) for s in _once(graded) if s.subject not in chosen]

    def draw(index: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        crop, target = fit[index]
        return augment_crop(crop, arch.size_px, GRADE, rng), target

    held_out = as_input([crop for crop, _ in rest]), np.stack([target for _, target in rest])
    return np.stack([crop for crop, _ in fit]), draw, held_out


def _once(samples: Sequence[Sample]) -> list[Sample]:
    return list({sample.image_path: sample for sample in samples}.values())
