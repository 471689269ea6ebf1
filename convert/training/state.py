"""What lets a killed training go on: `M.keras.state/` beside its model, gone when the training has ended.

    settings.json        what was asked for; another training does not go on from it
    NAME.last.npz        a model, its optimizer and its losses after the last whole epoch
    NAME.best.npz        the model of its best epoch
    NAME.done            this one of several is written

A file is replaced whole, the best before the last: a kill between the two repeats an epoch and changes nothing.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from convert.errors import ModelError
from edge.errors import OutputError
from edge.output import replacing, write_atomically

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Losses:
    """Mean loss of each epoch that is done."""

    trained: tuple[float, ...] = ()
    held_out: tuple[float, ...] = ()  # as long, or empty where nobody is held out

    @property
    def epochs(self) -> int:
        return len(self.trained)

    @property
    def best(self) -> int:
        """The epoch of the smallest held-out loss, from 0; the last where nobody is held out, -1 before the first."""
        return int(np.argmin(self.held_out)) if self.held_out else self.epochs - 1

    def and_then(self, trained: float, held_out: float) -> Losses:
        """One epoch more; `held_out` is nan where nobody is."""
        return Losses((*self.trained, trained), self.held_out if math.isnan(held_out) else (*self.held_out, held_out))


@dataclass(frozen=True)
class State:
    """The folder of one training of one or several models."""

    folder: Path

    def restore(self, name: str, model: keras.Model) -> Losses:
        """Bring model and optimizer to where they were after the last whole epoch; no losses where there was none.

        Raises:
            ModelError: the file is not whole.
        """
        path = self._file(name, "last")
        if not path.is_file():
            return Losses()
        arrays = _read(path)
        _assign(path, _variables(model), [arrays[f"v{number}"] for number in range(len(arrays) - 2)])
        return Losses(tuple(arrays["trained"].tolist()), tuple(arrays["held_out"].tolist()))

    def keep(self, name: str, model: keras.Model, losses: Losses) -> None:
        """Write down where the training is.

        Raises:
            OutputError: it cannot be written.
        """
        if losses.best == losses.epochs - 1:
            _write(self._file(name, "best"), {f"v{i}": v.numpy() for i, v in enumerate(model.variables)})
        arrays = {f"v{i}": v.numpy() for i, v in enumerate(_variables(model))}
        told = {"trained": np.array(losses.trained), "held_out": np.array(losses.held_out)}
        _write(self._file(name, "last"), arrays | told)

    def load_best(self, name: str, model: keras.Model) -> None:
        """Bring the model to its best epoch.

        Raises:
            ModelError: the file is not whole.
        """
        path = self._file(name, "best")
        arrays = _read(path)
        _assign(path, model.variables, [arrays[f"v{number}"] for number in range(len(arrays))])

    def finish(self, name: str) -> None:
        """Its model is written: this one is not trained again."""
        write_atomically(self._file(name, "done"), b"")
        for which in ("last", "best"):
            self._file(name, which).unlink(missing_ok=True)

    def is_finished(self, name: str) -> bool:
        return self._file(name, "done").is_file()

    def remove(self) -> None:
        """All is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, name: str, which: str) -> Path:
        return self.folder / (f"{name}.done" if which == "done" else f"{name}.{which}.npz")


def state_path(out: Path) -> Path:
    """`M.keras.state` of `M.keras`."""
    return out.with_name(out.name + ".state")


def open_state(out: Path, settings: Mapping[str, object]) -> State:
    """The state of the training that writes `out`, begun anew where there is none.

    Raises:
        ModelError: what lies there is of a training with other settings.
        OutputError: it cannot be written.
    """
    folder = state_path(out)
    path, asked = folder / "settings.json", msgspec.json.decode(msgspec.json.encode(settings))
    if path.is_file() and len(list(folder.iterdir())) > 1:  # alone it binds to nothing: no epoch was done
        try:
            known = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        except (msgspec.DecodeError, OSError) as error:
            raise ModelError(f"{path}: not the settings of a training ({error}): remove {folder}") from error
        if known != asked:
            other = ", ".join(sorted(key for key in {*known, *asked} if known.get(key) != asked.get(key)))
            raise ModelError(f"{folder}: of a training with other {other}: give the same words again, or remove it")
        return State(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    write_atomically(path, msgspec.json.format(msgspec.json.encode(asked)))
    return State(folder)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]


def _assign(path: Path, variables: Sequence[keras.Variable], values: Sequence[Array]) -> None:
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise ModelError(f"{path}: of another network: remove {path.parent}")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _read(path: Path) -> dict[str, Array]:
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ModelError(f"{path}: cannot be read ({error}): remove {path.parent}") from error


def _write(path: Path, arrays: Mapping[str, Array]) -> None:
    with replacing(path) as temporary:
        np.savez(temporary, **dict[str, Any](arrays))
