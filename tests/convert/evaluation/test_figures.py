"""From rows to figures, with rows whose figures can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convert.evaluation.figures import differences, figures
from convert.evaluation.grades import GradeRows
from convert.evaluation.masks import MEASURES, MaskRows
from convert.evaluation.sizes import SizeRows
from edge.findings import GRADES
from edge.metrics import auc, bootstrap_ci

NOTHING = [math.nan] * 4


def graded(truth: list[int], given: list[int | None], sure: float = 0.7) -> GradeRows:
    """Each wrist a subject; `given` with a probability of `sure`, the rest of it on the grade beside."""
    table = np.full((len(truth), 4), np.nan)
    for row, grade in enumerate(given):
        if grade is not None:
            table[row] = 0.0
            table[row, grade] = sure
            table[row, grade + 1 if grade < 3 else 2] = 1 - sure
    names = tuple(f"S{row:02}" for row in range(len(truth)))
    return GradeRows(names, names, np.array(truth), table, tuple("" if g is not None else "blurred" for g in given))


def values(found: dict) -> dict[str, float]:
    return {name: figure.value for name, figure in found.items()}


def mask_rows(**columns: list[float]) -> MaskRows:
    count = len(next(iter(columns.values())))
    measures = np.full((count, len(MEASURES)), np.nan)
    for name, column in columns.items():
        if name in MEASURES:
            measures[:, MEASURES.index(name)] = column
    sizes = np.array([columns.get("measured", [math.nan] * count), columns.get("true", [math.nan] * count)]).T
    names = tuple(f"S{row}" for row in range(count))
    return MaskRows("transverse", names, names, measures, sizes)


class TestGrades:
    def test_an_abstention_is_wrong_missed_no_call_and_no_point_of_the_curve(self) -> None:
        found = values(figures(graded([0, 1, 2, 3, 1, 0], [0, 1, 2, 3, None, 1])))
        assert found["accuracy"] == pytest.approx(4 / 6) and found["ungradable"] == pytest.approx(1 / 6)
        assert (found["recall_mild"], found["precision_mild"]) == (0.5, 0.5)
        assert found["specificity_mild"] == pytest.approx(3 / 4)
        assert (found["recall_severe"], found["precision_severe"], found["f1_severe"]) == (1.0, 1.0, 1.0)
        assert found["cts_recall"] == 0.75 and found["cts_precision"] == 0.75 and found["cts_specificity"] == 0.5
        assert found["cts_accuracy"] == pytest.approx(4 / 6)
        assert found["auc"] == 0.75  # of the five that were graded: three pairs in order, three alike
        assert found["ece"] == pytest.approx(abs(0.8 - 0.7))

    def test_auc_and_kappa_leave_out_what_was_not_graded(self) -> None:
        whole = graded([0, 1, 2, 3, 0], [0, 1, 2, 2, 0])
        holed = graded([0, 1, 2, 3, 0, 3, 0], [0, 1, 2, 2, 0, None, None])
        for name in ("auc", "quadratic_weighted_kappa", "ece"):
            assert values(figures(holed))[name] == pytest.approx(values(figures(whole))[name])

    def test_cts_is_called_above_one_half_whatever_the_likeliest_grade(self) -> None:
        split = np.array([[0.4, 0.3, 0.2, 0.1], [0.6, 0.2, 0.1, 0.1]])  # normal is the likeliest, CTS likelier
        rows = GradeRows(("A", "B"), ("a", "b"), np.array([1, 0]), split)
        found = values(figures(rows))
        assert found["accuracy"] == 0.5 and found["cts_accuracy"] == 1.0

    def test_intervals_are_those_of_the_bootstrap_over_subjects(self) -> None:
        random = np.random.default_rng(0)
        truth, subjects = np.tile(np.arange(4), 15), tuple(f"S{n // 2}" for n in range(60))
        rows = GradeRows(subjects, subjects, truth, random.dirichlet([1] * 4, 60))
        expected = bootstrap_ci(auc, subjects, truth > 0, 1 - rows.probabilities[:, 0])
        found = figures(rows)["auc"]
        assert (found.value, *found.ci95) == pytest.approx(tuple(expected))
        assert found.sd is None

    def test_when_nothing_was_graded_there_is_a_figure_of_that_alone(self) -> None:
        found = figures(graded([0, 3], [None, None]))
        assert (found["accuracy"].value, found["ungradable"].value) == (0.0, 1.0)
        assert math.isnan(found["auc"].value) and all(map(math.isnan, found["auc"].ci95))


class TestMasks:
    def test_means_are_of_what_is_known(self) -> None:
        found = figures(mask_rows(dsc=[1.0, 0.5, 0.0], zero_overlap=[0, 0, 1], auc=[0.9, 0.7, math.nan]))
        assert values(found) == pytest.approx({"dsc": 0.5, "auc": 0.8, "zero_overlap": 1 / 3})
        low, high = found["dsc"].ci95
        assert 0.0 <= low < 0.5 < high <= 1.0

    def test_a_missed_nerve_counts_in_the_error_and_is_no_measurement(self) -> None:
        found = values(figures(mask_rows(dsc=[1, 1, 0, 1], measured=[11, 9, 0, math.nan], true=[10, 10, 12, math.nan])))
        assert found["csa_error_mm2"] == pytest.approx((1 + 1 + 12) / 3)
        assert found["csa_bias_mm2"] == pytest.approx(0.0)
        assert found["csa_limit_high_mm2"] == pytest.approx(1.96 * math.sqrt(2))
        assert found["csa_limit_low_mm2"] == -found["csa_limit_high_mm2"]

    def test_nothing_is_in_mm_without_a_spacing(self) -> None:
        assert not [name for name in figures(mask_rows(dsc=[1.0, 0.5], hd_px=[1.0, 2.0])) if "mm" in name]


class TestSeveral:
    first, second = graded([0, 1, 2, 3] * 5, [0, 1, 2, 3] * 5), graded([0, 1, 2, 3] * 5, [0, 1, 2, 2] * 5)

    def test_mean_and_sd_over_models(self) -> None:
        found = figures(self.first, self.second)["accuracy"]
        assert (found.value, found.sd) == pytest.approx((0.875, np.std([1.0, 0.75], ddof=1)))
        one = figures(self.second)["accuracy"].ci95
        assert found.ci95 == pytest.approx(((one[0] + 1) / 2, (one[1] + 1) / 2))

    def test_a_difference_sees_the_same_drawn_subjects(self) -> None:
        found = differences(self.first, self.second)
        assert found["accuracy"].value == pytest.approx(0.25) and found["accuracy"].ci95[0] > 0
        itself = differences(self.first, self.first)
        assert {(figure.value, figure.ci95) for figure in itself.values()} == {(0.0, (0.0, 0.0))}


def test_sizes_of_both_groups_and_their_test() -> None:
    names, truth = tuple("ABCDEF"), np.array([0, 0, 0, 1, 2, 3])
    found = figures(SizeRows("transverse", names, truth, np.array([8.0, 9.0, math.nan, 12.0, 14.0, 16.0])))
    assert found["normal_mean_mm2"].value == 8.5 and found["cts_mean_mm2"].value == 14.0
    assert found["cts_sd_mm2"].value == 2.0 and found["auc"].value == 1.0
    assert (found["mann_whitney_u"].value, found["mann_whitney_u"].ci95) == (6.0, None)
    assert found["mann_whitney_p"].value == pytest.approx(0.2)  # 2 of the 10 orders of two and three


def test_names_are_the_same_whoever_asks() -> None:
    rates = [f"{rate}_{grade}" for rate in ("precision", "recall", "specificity", "f1") for grade in GRADES]
    assert set(rates) < set(figures(graded([0, 3], [0, 3])))
