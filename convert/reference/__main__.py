"""The one command that makes the packaged bundles: `make reference`, or

    python -m convert.reference --work reference-build --nerve-regions ../shared/data/nerve_regions --out edge/assets

    phantoms  populations by seed; nobody is in two of them
    train     segmenter on windows, then on whole pictures; graders on crops; longitudinal likewise
    convert   INT8 with calibration_data
    confide   on held-out subjects: temperature, sets of grades, what is typical
    measure   on unseen subjects, float beside INT8, beside two baselines
    bundle    transverse (three graders) and longitudinal, each with its model card

Each step leaves a file in `--work` and is passed over when that is there, so that a killed run goes on. On two cores it
takes about two hours, nearly all of it training.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.confidence.confide import find_confidence
from convert.conversion import Converted, Job, convert_model
from convert.data.dataset import DataFolder, read_data_folder
from convert.errors import ModelError
from convert.models import architecture
from convert.phantom.folder import Population, write_population
from convert.reference.evidence import Models, tables
from convert.training.train import Schedule, train
from edge.errors import SonoEdgeError
from edge.findings import View
from edge.manifest import Task

POPULATIONS = {
    "train": Population(1, 1500, {"transverse": 3}),
    "forearm": Population(11, 300, {"forearm": 1}),
    "longitudinal": Population(1, 700, {"longitudinal": 3}),
    "longitudinal-more": Population(21, 500, {"longitudinal": 3}),
    "held-out": Population(31, 300, {"transverse": 3}),
    "held-out-longitudinal": Population(31, 300, {"longitudinal": 3}),
    "unseen": Population(2, 500, {"transverse": 3}),
    "unseen-forearm": Population(2, 100, {"forearm": 1}),
    "unseen-longitudinal": Population(2, 500, {"longitudinal": 2}),
}
SEGMENTER = "light_unet"
GRADERS = ("mobilenet_v2", "squeezenet", "efficientnet_b0")  # the first is the bundle's default
LONGITUDINAL_GRADER = "mobilenet_v2"
COVERAGE = 0.9  # of the sets of grades
NERVE_REGIONS_HELD_OUT, NERVE_REGIONS_SEED = 41, 7  # frames that no training sees


@dataclass(frozen=True)
class Training:
    """One model of a reference bundle. A folder named twice counts twice."""

    name: str
    arch: str
    folders: tuple[str, ...]
    schedule: Schedule
    seed: int
    init: str | None = None


_TRANSVERSE = ("train", "forearm", "nerve-regions", "nerve-regions", "nerve-regions")
TRAININGS = (
    Training("segment-window", SEGMENTER, _TRANSVERSE, Schedule(8, 16, 2e-3, 2000, window_px=96), 1),
    Training("segment", SEGMENTER, _TRANSVERSE, Schedule(12, 8, 8e-4, 2400), 1, init="segment-window"),
    Training("squeezenet", "squeezenet", ("train",), Schedule(8, 32, 2e-3), 1),
    Training("mobilenet_v2", "mobilenet_v2", ("train",), Schedule(7, 32, 2e-3), 1),
    Training("efficientnet_b0", "efficientnet_b0", ("train",), Schedule(7, 32, 2e-3), 1),
    Training("longitudinal-segment", SEGMENTER, ("longitudinal",), Schedule(5, 8, 1.5e-3, 1200), 2, init="segment"),
    Training("longitudinal-grade-first", LONGITUDINAL_GRADER, ("longitudinal",), Schedule(7, 32, 2e-3), 2),
    Training(
        "longitudinal-grade",
        LONGITUDINAL_GRADER,
        ("longitudinal", "longitudinal-more"),
        Schedule(4, 32, 8e-4),
        3,
        init="longitudinal-grade-first",
    ),
)


@dataclass(frozen=True)
class Workshop:
    """Where things lie."""

    work: Path
    calibration: Path
    nerve_regions: Path

    def folder(self, name: str) -> DataFolder:
        """A data folder by name; `nerve-regions` is its training part, `nerve-regions-unseen` the rest."""
        if not name.startswith("nerve-regions"):
            return read_data_folder(self.work / "data" / name)
        regions = read_data_folder(self.nerve_regions)
        order = np.random.default_rng(NERVE_REGIONS_SEED).permutation(sorted(regions.subjects))
        unseen = {str(subject) for subject in order[:NERVE_REGIONS_HELD_OUT]}
        return regions.of_subjects(unseen if name.endswith("unseen") else set(regions.subjects) - unseen)

    def model(self, name: str) -> Path:
        return self.work / "models" / f"{name}.keras"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="make the packaged reference bundles")
    parser.add_argument("--work", type=Path, default=Path("reference-build"))
    parser.add_argument("--calibration", type=Path, default=Path("calibration_data"))
    parser.add_argument("--nerve-regions", type=Path, default=Path("../shared/data/nerve_regions"))
    parser.add_argument("--out", type=Path, default=Path("edge/assets"))
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(argv)
    shop = Workshop(args.work, args.calibration, args.nerve_regions)
    try:
        render_populations(shop, args.workers)
        train_models(shop)
        make_transverse(shop, args.out / "transverse.sonobundle")
        make_longitudinal(shop, args.out / "longitudinal.sonobundle")
    except SonoEdgeError as error:
        print(f"reference: {error}", file=sys.stderr)
        return 2
    return 0


def render_populations(shop: Workshop, workers: int) -> None:
    """Simulate every population that is not there yet."""
    for name, population in POPULATIONS.items():
        folder = shop.work / "data" / name
        if not (folder / "labels.csv").is_file():
            write_population(folder, population, workers=workers)


def train_models(shop: Workshop) -> None:
    """Train every model that is not there yet."""
    (shop.work / "models").mkdir(parents=True, exist_ok=True)
    for step in TRAININGS:
        if not shop.model(step.name).is_file():
            folders = [shop.folder(name) for name in step.folders]
            init = shop.model(step.init) if step.init else None
            train(architecture(step.arch), folders, shop.model(step.name), step.schedule, seed=step.seed, init=init)


def make_transverse(shop: Workshop, path: Path) -> None:
    """Convert, measure and bundle the transverse models."""
    models = Models(_convert(shop, "segment", "segment", "transverse"), {
        name: _convert(shop, name, "grade", "transverse") for name in GRADERS
    })  # fmt: skip
    masks = {
        "phantoms, wrist": shop.folder("unseen"),
        "phantoms, forearm": shop.folder("unseen-forearm"),
        "nerve_regions, real frames kept out of training": shop.folder("nerve-regions-unseen"),
    }
    plain = models.bundle(path, "transverse")
    confidence = find_confidence(plain, [shop.folder("held-out")], COVERAGE)
    text = tables(confidence.write(plain, path), models, masks, shop.folder("unseen"), shop.folder("train"))
    confidence.write(models.bundle(path, "transverse", text), path)


def make_longitudinal(shop: Workshop, path: Path) -> None:
    """Convert, measure and bundle the longitudinal models."""
    grader = _convert(shop, "longitudinal-grade", "grade", "longitudinal")
    models = Models(_convert(shop, "longitudinal-segment", "segment", "longitudinal"), {LONGITUDINAL_GRADER: grader})
    unseen, seen = shop.folder("unseen-longitudinal"), shop.folder("longitudinal")
    plain = models.bundle(path, "longitudinal")
    confidence = find_confidence(plain, [shop.folder("held-out-longitudinal")], COVERAGE)
    text = tables(confidence.write(plain, path), models, {"phantoms": unseen}, unseen, seen)
    confidence.write(models.bundle(path, "longitudinal", text), path)


def _convert(shop: Workshop, name: str, task: Task, view: View) -> Converted:
    unseen = shop.folder("unseen" if view == "transverse" else "unseen-longitudinal")
    done = convert_model(Job(shop.model(name), task, view, read_data_folder(shop.calibration / view), gate_on=unseen))
    if done.converted is None:
        raise ModelError(f"{shop.model(name)}: {done.refusal}")
    return done.converted


if __name__ == "__main__":
    sys.exit(main())
