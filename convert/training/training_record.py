"""What a training leaves beside its model: `M.train.json`. The calibration lint and the gate read it later."""

from __future__ import annotations

from pathlib import Path

import msgspec

from convert.data.subjects import subject_mark
from convert.errors import ModelError


class TrainingRecord(msgspec.Struct, frozen=True):
    """Who was trained on, and what the pixels were like."""

    arch: str
    task: str
    seed: int
    epochs: int
    subjects: tuple[str, ...]
    held_out_subjects: tuple[str, ...]
    pixel_mean: float  # grey levels 0..255 of the network's input
    pixel_std: float
    mm_per_px: float
    best_epoch: int  # from 0
    held_out_loss: float | None  # None where nobody was held out: the model on all subjects beside those of the folds
    losses: tuple[float, ...] = ()  # of each epoch
    held_out_losses: tuple[float, ...] = ()  # likewise, empty where nobody was held out
    init_subjects: tuple[str, ...] = ()  # whom the model had seen that this one started from

    @property
    def seen(self) -> frozenset[str]:
        """Everybody who had a part in the weights: trained on, or held out to choose the epoch, here or before."""
        return frozenset((*self.subjects, *self.held_out_subjects, *self.init_subjects))


def subject_marks(record: TrainingRecord | None) -> tuple[str, ...]:
    """The marks of everybody that a model has seen, sorted; none where nobody says."""
    return tuple(sorted(map(subject_mark, record.seen))) if record else ()


def record_path(model: Path) -> Path:
    """`M.train.json` of `M.keras`."""
    return model.with_suffix(".train.json")


def read_record(model: Path) -> TrainingRecord | None:
    """The record beside a model, or None where there is none.

    Raises:
        ModelError: there is a file of that name that is no record.
    """
    path = record_path(model)
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=TrainingRecord)
    except msgspec.DecodeError as error:
        raise ModelError(f"{path}: not a training record ({error}): remove it and give --mm-per-px") from error
