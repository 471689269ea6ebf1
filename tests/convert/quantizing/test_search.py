"""The search for the fewest layers above INT8: finds the one that is broken, adds no more, and knows when to stop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from convert.quantizing.parity import float_predictor, int8_predictor
from convert.quantizing.quantize import quantize
from convert.quantizing.recipe import load_recipe
from convert.quantizing.search import SearchResult, Verdict, search
from edge.interpreter import open_model
from edge.tflite_file import non_integer_tensors

pytest.importorskip("keras", reason="the extra convert is not installed")

from tests.convert.outlier_network import PICTURES, u_net

RECIPE = load_recipe()
SMALL = 1.0  # the share of float weights that is let pass: one layer holds most of a small network's


def judge_of(net: bytes, margin: float) -> Callable[[bytes], Verdict]:
    """Passes where the mean error in logits is within `margin`."""
    predict = float_predictor(net)
    expected = [predict(picture) for picture in PICTURES]

    def judge(int8: bytes) -> Verdict:
        answer = int8_predictor(open_model(int8))
        error = float(np.mean([np.abs(answer(p) - e).mean() for p, e in zip(PICTURES, expected, strict=True)]))
        return Verdict(error <= margin, max(0.0, error / margin - 1))

    return judge


@pytest.fixture(scope="module")
def broken() -> bytes:
    return u_net(1000.0)


@pytest.fixture(scope="module")
def margin(broken: bytes) -> float:
    """Half of what the broken layer costs."""
    return quantize(broken, PICTURES, RECIPE).parity.mean_error / 2


@pytest.fixture(scope="module")
def found(broken: bytes, margin: float) -> SearchResult:
    return search(broken, PICTURES, RECIPE, judge_of(broken, margin), most_float=SMALL)


def test_the_broken_layer_alone_is_raised(found: SearchResult) -> None:
    assert found.quantized is not None and found.recipe is not None
    first, *_, last = found.trials
    assert (first.passed, first.layers) == (False, ())
    assert (last.passed, [layer.removesuffix("_1") for layer in last.layers]) == (True, ["middle"])
    raised = [rule.match for rule in found.recipe.higher_precision]
    assert len(raised) == 2  # the layer itself and the one that takes its answer
    assert "/middle_1/" in raised[0] and "/after_1/" in raised[1]


def test_the_file_that_passed_is_the_one_handed_on(broken: bytes, margin: float, found: SearchResult) -> None:
    done = found.quantized
    assert done is not None
    assert judge_of(broken, margin)(done.model).passed
    assert done.non_integer_tensors == tuple(non_integer_tensors(done.model)) != ()
    assert done.model == quantize(broken, PICTURES, done.recipe).model


def test_the_trade_is_a_table(found: SearchResult) -> None:
    lines = found.as_text().splitlines()
    assert len(lines) == 1 + len(found.trials)
    assert lines[1].split()[0] == "none" and "failed" in lines[1]
    assert "middle" in lines[-1] and "passed" in lines[-1]
    assert all(trial.ms > 0 and trial.kib > 1 for trial in found.trials)


def test_a_recipe_that_passes_is_left_as_it_is() -> None:
    net = u_net()
    result = search(net, PICTURES, RECIPE, lambda _: Verdict(True, 0.0))
    assert len(result.trials) == 1
    assert result.recipe is not None and result.recipe.higher_precision == ()


def test_several_layers_are_added_where_one_is_not_enough() -> None:
    net = u_net()
    plain = quantize(net, PICTURES, RECIPE).parity.mean_error
    result = search(net, PICTURES, RECIPE, judge_of(net, 0.75 * plain), worst=2, most_float=SMALL)
    assert result.recipe is not None
    assert not any(trial.passed for trial in result.trials if len(trial.tensors) < 2)
    assert 0 < len(result.recipe.higher_precision) < 9  # fewer than the network has


def test_what_nothing_mends_is_told_and_the_bound_is_kept(broken: bytes) -> None:
    asked = []

    def never(int8: bytes) -> Verdict:
        asked.append(int8)
        return Verdict(False, 1.0)

    result = search(broken, PICTURES, RECIPE, never, max_trials=5, most_float=SMALL)
    assert result.quantized is None and len(result.trials) == len(asked) == 5
    assert "nothing passed in 5 trials" in result.as_text()


def test_a_network_is_not_turned_back_into_float(broken: bytes, margin: float) -> None:
    judge = judge_of(broken, margin)
    assert search(broken, PICTURES, RECIPE, judge, worst=1, most_float=SMALL).trials[1].passed  # its worst layer alone
    bounded = search(broken, PICTURES, RECIPE, judge, worst=1).trials[1]
    assert not bounded.passed and "of the weights would be float" in str(bounded.refused)
