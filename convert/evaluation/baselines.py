"""What a grader must beat: the grade guessed from how the picture was taken, and from the nerve's area alone.

If the settings told the grade, a network could read it off them and learn nothing of the nerve; on our phantoms they
must not (AUC near 0.5). Area alone separates CTS from control well but not sharply, as in life (P2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from convert.data.dataset import Sample
from convert.evaluation.figures import Figure, figure
from convert.evaluation.wrists import by_subject
from edge.metrics import auc, bootstrap_ci

Floats = npt.NDArray[np.float64]
PENALTY = 1e-2


def nuisance_auc(train: Sequence[Sample], test: Sequence[Sample]) -> Figure:
    """AUC, CTS against normal by subject, of a logistic model on depth, gain, frequency, machine and mean grey."""
    machines = sorted({sample.settings.get("machine", "") for sample in train})
    _, train_grades, x = by_subject(train, _nuisances(train, machines))
    subjects, test_grades, tested = by_subject(test, _nuisances(test, machines))
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    weights = _logistic_fit((x - middle) / spread, np.array(train_grades) != "normal")
    scores = (tested - middle) / spread @ weights[1:]
    return figure(bootstrap_ci(auc, subjects, np.array(test_grades) != "normal", scores))


def csa_auc(test: Sequence[Sample]) -> Figure:
    """AUC, CTS against normal by subject, of the true cross-sectional area."""
    areas = np.array([float(s.mask().sum()) * (s.spacing.mm_per_px or np.nan) ** 2 for s in test])
    subjects, grades, values = by_subject(test, areas)
    return figure(bootstrap_ci(auc, subjects, np.array(grades) != "normal", values))


def _nuisances(samples: Sequence[Sample], machines: Sequence[str]) -> Floats:
    rows = []
    for sample in samples:
        numbers = [float(sample.settings[column]) for column in ("depth_mm", "gain", "frequency_mhz")]
        one_hot = [float(sample.settings["machine"] == machine) for machine in machines]
        rows.append([*numbers, *one_hot, float(sample.image().mean())])
    return np.array(rows)


def _logistic_fit(x: Floats, y: npt.NDArray[np.bool_]) -> Floats:
    """Weights of a logistic regression, the intercept first."""
    design = np.hstack([np.ones((len(x), 1)), x])

    def loss(w: Floats) -> float:
        margin = np.where(y, 1.0, -1.0) * (design @ w)
        return float(np.logaddexp(0.0, -margin).mean() + PENALTY * (w[1:] ** 2).sum())

    return np.asarray(minimize(loss, np.zeros(design.shape[1])).x)
