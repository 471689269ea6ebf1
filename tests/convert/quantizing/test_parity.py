"""Parity by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convert.errors import QuantizeError
from convert.quantizing.parity import compare, compare_logits, float_predictor, int8_predictor
from edge.interpreter import open_model
from tests.contracts.interpreter_contract import ALL_GREYS, RAMP, RAMP_FLOAT

PICTURES = [np.full((2, 2), value, np.uint8) for value in (0, 1)]


def test_errors_are_in_logits_and_in_steps_and_each_changed_sign_counts() -> None:
    float_logits = iter([np.float32([[1.0, -1.0]]), np.float32([[0.5, -0.1]])])
    int8_logits = iter([np.float32([[1.25, -1.0]]), np.float32([[0.5, 0.15]])])  # errors 0.25, 0, 0, 0.25
    parity = compare(PICTURES, lambda _: next(float_logits), lambda _: next(int8_logits), output_scale=0.125)
    assert parity.pictures == 2
    assert parity.max_error == pytest.approx(0.25)
    assert parity.mean_error == pytest.approx(0.125)
    assert parity.max_error_lsb == pytest.approx(2.0)
    assert parity.mean_error_lsb == pytest.approx(1.0)
    assert parity.changed_decisions == pytest.approx(0.25)


def test_the_decision_is_at_a_logit_of_0() -> None:
    parity = compare(PICTURES, lambda _: np.float32([-0.1, 1.9]), lambda _: np.float32([0.1, 2.1]), output_scale=1.0)
    assert parity.changed_decisions == 0.5


@given(hnp.arrays(np.float32, 5, elements=st.floats(-100, 100, width=32)))
def test_a_model_agrees_with_itself(logits: np.ndarray) -> None:
    parity = compare(PICTURES, lambda _: logits, lambda _: logits, output_scale=0.1)
    assert (parity.max_error, parity.mean_error, parity.changed_decisions) == (0.0, 0.0, 0.0)


def test_no_picture_is_no_agreement() -> None:
    with pytest.raises(QuantizeError, match="no picture"):
        compare([], lambda _: np.float32([0]), lambda _: np.float32([0]), output_scale=1.0)


def test_a_real_model_and_its_int8_form_are_at_most_a_step_apart() -> None:
    int8 = open_model(RAMP)
    parity = compare(
        [ALL_GREYS], float_predictor(RAMP_FLOAT), int8_predictor(int8), output_scale=int8.output_quantization[0]
    )
    assert 0.0 < parity.max_error_lsb <= 1.0


def test_among_many_classes_the_decision_is_which_is_largest() -> None:
    answers = [(np.float32([[3.0, 2.0, -1.0]]), np.float32([[2.4, 2.5, 1.0]])), (np.float32([[0, 1]]),) * 2]
    assert compare_logits(answers, output_scale=1.0, task="classify").changed_decisions == 0.5
    assert compare_logits(answers, output_scale=1.0, task="grade").changed_decisions == 1 / 5
