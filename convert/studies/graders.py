"""P2's comparison: three graders trained alike, CTS or not; P2's Table 1 with ours beside."""

from __future__ import annotations

from convert.data.samples import input_spec
from convert.evaluation.figures import figures
from convert.evaluation.grades import grade_rows
from convert.phantom.folder import Population
from convert.quantizing.parity import int8_predictor
from convert.quantizing.timing import milliseconds
from convert.studies.papers import P2, P2_MEASURES
from convert.studies.study import Workshop, in_int8, of_size, table
from convert.training.train import Schedule

NETWORKS = tuple(P2)
MEASURES = tuple(name if name == "auc" else f"cts_{name}" for name in P2_MEASURES)
BATCH, LEARNING_RATE = 32, 2e-3
TRAIN_SEED, TEST_SEED = 51, 52  # no population of the reference bundles


def graders(shop: Workshop, *, full: bool, epochs: int) -> str:
    """The study's text. Quick: 300 subjects of 2 frames to train on, 200 to test; `full`: 1,500 of 3, and 500."""
    subjects, frames, tested = (1500, 3, 500) if full else (300, 2, 200)
    size = "full" if full else "quick"
    folder = shop.population(f"graders-train-{size}", Population(TRAIN_SEED, subjects, {"transverse": frames}))
    test = shop.population(f"graders-test-{size}", Population(TEST_SEED, tested, {"transverse": frames}))
    rows = []
    for name in NETWORKS:
        found = shop.kept(name)
        if found is None:
            arch = of_size(name, None)
            schedule = Schedule(epochs, BATCH, LEARNING_RATE, samples_per_epoch=len(folder))
            model = in_int8(shop.trained(arch, [folder], schedule), arch, [folder])
            seen = figures(grade_rows(int8_predictor(model), tuple(test), input_spec(arch)))
            measured = {measure: seen[measure].value for measure in (*MEASURES, "accuracy")}
            about = {"parameters": float(arch.build().count_params()), "ms": milliseconds(model)}
            found = shop.keep(name, about | measured)
        ours = [f"{found[measure]:.3f}" for measure in MEASURES]
        rows.append(
            [name, f"{found['parameters'] / 1e6:.2f} M", f"{found['ms']:.1f}", *ours, f"{found['accuracy']:.3f}"]
        )
        rows.append([f"*P2, {name}*", "", "", *(f"{value:.3f}" for value in P2[name]), ""])
    head = ["grader", "parameters", "INT8 ms", *P2_MEASURES, "four grades, accuracy"]
    return (
        "# Three graders, as P2 compared them\n\n"
        f"INT8, one answer a wrist, {tested} simulated subjects that no training saw, after {epochs} epochs on "
        f"{subjects} others ({frames} frames each). CTS against normal; P2's rows are of 20 hands, 100 frames each, "
        "with weights from ImageNet. Those lie ready offline for SqueezeNet alone (`sonoedge train --init`), so that "
        "all three start from nothing here, to be trained alike: what P2 gained by transfer is not in this "
        "table.\n\n" + table(head, rows)
    )
