"""What every study does: simulate, train what is not trained yet, measure in INT8 what is not measured yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from convert.data.dataset import DataFolder, read_data_folder
from convert.data.samples import grade_input, input_spec, segment_input
from convert.models import Architecture, architecture
from convert.phantom.folder import Population, write_population
from convert.quantizing.quantize import quantize
from convert.quantizing.recipe import load_recipe
from convert.readers.float_model import read_float_model
from convert.training.train import Schedule, train
from edge.frame import Pixels
from edge.interpreter import Model, open_model
from edge.output import write_atomically

CALIBRATION_FRAMES = 100


@dataclass(frozen=True)
class Workshop:
    """Where a study keeps what it has done: a killed run goes on from there."""

    work: Path
    workers: int = 2

    def population(self, name: str, population: Population) -> DataFolder:
        """The simulated folder of that name, rendered if it is not there."""
        folder = self.work / "data" / name
        if not (folder / "labels.csv").is_file():
            write_population(folder, population, workers=self.workers)
        return read_data_folder(folder)

    def trained(self, arch: Architecture, folders: list[DataFolder], schedule: Schedule, seed: int = 0) -> Path:
        """The trained model of that architecture, trained if it is not there."""
        path = self.work / "models" / f"{arch.name}.keras"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            train(arch, folders, path, schedule, seed=seed)
        return path

    def kept(self, name: str) -> dict[str, float] | None:
        """The figures of that name, if they were measured before."""
        path = self.work / "figures" / f"{name}.json"
        return msgspec.json.decode(path.read_bytes(), type=dict[str, float]) if path.is_file() else None

    def keep(self, name: str, figures: dict[str, float]) -> dict[str, float]:
        path = self.work / "figures" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, msgspec.json.encode(figures))
        return figures


def of_size(name: str, size_px: int | None) -> Architecture:
    """The architecture, its picture made `size_px` wide; the field of view stays."""
    arch = architecture(name)
    return replace(arch, size_px=size_px, mm_per_px=arch.mm_per_px * arch.size_px / size_px) if size_px else arch


def in_int8(path: Path, arch: Architecture, folders: list[DataFolder]) -> Model:
    """The trained model as the device runs it, calibrated on frames of the training."""
    spec = input_spec(arch)
    samples = [sample for folder in folders for sample in folder]
    chosen = [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, CALIBRATION_FRAMES).astype(int))]
    pictures: list[Pixels] = [
        segment_input(sample, spec)[0] if arch.task == "segment" else grade_input(sample, spec) for sample in chosen
    ]
    model = read_float_model(path)
    return open_model(quantize(model.tflite, pictures, load_recipe(), task=arch.task, progress=True).model)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
