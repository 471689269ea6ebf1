"""P1's ranking test: segmenters trained alike on wrist and forearm frames of two machines; P1's Table 3 with ours."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean

from convert.data.dataset import DataFolder
from convert.data.samples import input_spec
from convert.evaluation.figures import figures
from convert.evaluation.masks import mask_rows
from convert.models import Architecture
from convert.phantom.folder import Population
from convert.quantizing.parity import int8_predictor
from convert.quantizing.timing import milliseconds
from convert.studies.papers import P1_DSC, P1_FRAMES, SETS
from convert.studies.study import Workshop, in_int8, of_size, table
from convert.training.train import Schedule
from edge.interpreter import Model
from edge.progress import tracked

NETWORKS = ("light_unet", *P1_DSC)
MACHINES = ("console-a", "portable-c")  # in the places of P1's HM70A and miniSONO
LEVELS = {"wrist": "transverse", "forearm": "forearm"}
GROUPS = [(machine, level) for machine in MACHINES for level in LEVELS]  # in the order of `SETS`
MEASURES = ("precision", "recall", "dsc", "hd_px", "auc", "zero_overlap")
BATCH, LEARNING_RATE = 4, 5e-4  # P1
TRAIN_SEED, TEST_SEED = 41, 42  # no population of the reference bundles


def segmenters(shop: Workshop, *, full: bool, epochs: int) -> str:
    """The study's text. Quick: 300 frames to train on, 128 x 128 px; `full`: P1's counts and our own 192 x 192 px.

    One training a network, on all four sets together, each tested apart; P1 trains on each set by itself.
    """
    counts = P1_FRAMES if full else ((100, 50), (50, 50), (100, 50), (50, 50))
    sets = [_frames(shop, group, count, full=full) for group, count in zip(GROUPS, counts, strict=True)]
    folders = [trained_on for trained_on, _ in sets]
    size = None if full else 128
    schedule = Schedule(epochs, BATCH, LEARNING_RATE, samples_per_epoch=sum(map(len, folders)))
    trained = [_Trained(shop, name, of_size(name, size), folders, schedule) for name in NETWORKS]
    found = {each.name: _measured(each, [test for _, test in sets]) for each in trained}
    # One after the other in one run: what else a machine does from day to day would be in the ratios.
    ms = {each.name: milliseconds(each.in_int8()) for each in tracked(trained, "time", unit="network")}
    return _text(found, ms, sum(len(folder) for folder in folders), size, epochs)


@dataclass(frozen=True)
class _Trained:
    """One network of the study."""

    shop: Workshop
    name: str
    arch: Architecture
    folders: list[DataFolder]
    schedule: Schedule

    def in_int8(self) -> Model:
        return in_int8(self.shop.trained(self.arch, self.folders, self.schedule), self.arch, self.folders)


def _frames(shop: Workshop, group: tuple[str, str], count: tuple[int, int], *, full: bool) -> tuple[DataFolder, ...]:
    """Frames to train and to test on; one a subject, so that the two share nobody."""
    machine, level = group
    size = "full" if full else "quick"
    return tuple(
        shop.population(
            f"{machine}-{level}-{part}-{size}", Population(seed, subjects, {LEVELS[level]: 1}, None, machine)
        )
        for part, seed, subjects in (("train", TRAIN_SEED, count[0]), ("test", TEST_SEED, count[1]))
    )


def _measured(network: _Trained, tests: list[DataFolder]) -> dict[str, float]:
    if (kept := network.shop.kept(network.name)) is not None:
        return kept
    model = network.in_int8()
    found: dict[str, float] = {"parameters": network.arch.build().count_params()}
    for group, test in zip(GROUPS, tests, strict=True):
        rows = mask_rows(int8_predictor(model), tuple(test), input_spec(network.arch), "transverse")
        measured = figures(rows)
        found |= {f"{' '.join(group)} {measure}": measured[measure].value for measure in MEASURES}
    return network.shop.keep(network.name, found)


def _text(found: dict[str, dict[str, float]], ms: dict[str, float], frames: int, size: int | None, epochs: int) -> str:
    side = size or "192"
    parts = [
        "# Five segmenters, as P1 compared them\n",
        f"INT8, {side} x {side} px, {frames} simulated frames to train on ({epochs} epochs, batch {BATCH}, Adam "
        f"{LEARNING_RATE:g}), one frame a subject, tested on others. `console-a` and `portable-c` are simulated "
        "machines in the place of P1's HM70A and miniSONO. P1 trains on each set by itself, here one training serves "
        "all four.\n",
    ]
    for group, named in zip(GROUPS, SETS, strict=True):
        parts.append(f"## {' '.join(group)} (P1: {named})\n")
        head = [
            "network",
            "parameters",
            "INT8 ms",
            "precision",
            "recall",
            "DSC",
            "HD px",
            "AUC",
            "no overlap",
            "P1's DSC",
        ]
        parts.append(table(head, [_row(name, each, ms[name], group) for name, each in found.items()]))
    parts.append(_ranking(found))
    return "\n".join(parts)


def _ranking(found: dict[str, dict[str, float]]) -> str:
    """Both orders, by the mean of the four DSC."""
    ours = {name: mean(each[f"{' '.join(group)} dsc"] for group in GROUPS) for name, each in found.items()}
    papers = {name: mean(of_sets) for name, of_sets in P1_DSC.items()}
    here, there = (
        ", ".join(f"{name} {dsc:.3f}" for name, dsc in sorted(each.items(), key=lambda named: -named[1]))
        for each in (ours, papers)
    )
    return (
        f"## The ranking\n\nBy the mean DSC of the four sets. Here: {here}. P1: {there}. On these phantoms, after so "
        "short a training, the order says how fast a network learns them, not how good it is on wrists.\n"
    )


def _row(name: str, found: dict[str, float], ms: float, group: tuple[str, str]) -> list[str]:
    own = {measure: found[f"{' '.join(group)} {measure}"] for measure in MEASURES}
    paper = f"{P1_DSC[name][GROUPS.index(group)]:.3f}" if name in P1_DSC else "-"
    shown = [f"{own[measure]:.3f}" for measure in ("precision", "recall", "dsc")]
    rest = [f"{own['hd_px']:.1f}", f"{own['auc']:.4f}", f"{own['zero_overlap']:.1%}", paper]
    return [name, f"{found['parameters'] / 1e6:.2f} M", f"{ms:.1f}", *shown, *rest]
