"""The reader of .tflite files: against the interpreter's own view, and against broken files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InterpreterError
from edge.tflite_file import non_integer_tensors, read_tflite
from tests.contracts.interpreter_contract import RAMP, RAMP_FLOAT


@pytest.mark.parametrize("model", [RAMP, RAMP_FLOAT], ids=["int8", "float"])
def test_says_the_same_as_the_interpreter(model: bytes) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate adds tensors that the file has not
    interpreter = litert.Interpreter(model_content=model, experimental_op_resolver_type=plain)
    theirs = [
        (
            tensor["name"],
            np.dtype(tensor["dtype"]).name,
            tuple(tensor["shape"]),
            tuple(tensor["quantization_parameters"]["scales"]),
            tuple(tensor["quantization_parameters"]["zero_points"]),
        )
        for tensor in interpreter.get_tensor_details()
    ]
    file = read_tflite(model)
    assert [(t.name, t.dtype, t.shape, t.scales, t.zero_points) for t in file.tensors] == theirs
    assert [t.name for t in file.inputs] == [t["name"] for t in interpreter.get_input_details()]
    assert [t.name for t in file.outputs] == [t["name"] for t in interpreter.get_output_details()]
    assert file.operators == ("CONV_2D",)
    [theirs_step] = interpreter._get_ops_details()[:1]
    assert [(list(s.inputs), list(s.outputs)) for s in file.steps] == [
        (list(theirs_step["inputs"]), list(theirs_step["outputs"]))
    ]


def test_weights_and_bias_are_constant_and_activations_are_not() -> None:
    assert sorted((t.dtype, t.constant) for t in read_tflite(RAMP).tensors) == [
        ("int32", True),
        ("int8", False),
        ("int8", False),
        ("int8", True),
    ]


def test_an_all_integer_model_has_no_other_tensor_and_a_float_one_names_them_all() -> None:
    assert non_integer_tensors(RAMP) == []
    assert non_integer_tensors(RAMP_FLOAT) == [tensor.name for tensor in read_tflite(RAMP_FLOAT).tensors]


@given(length=st.integers(0, len(RAMP) - 1))
def test_a_file_cut_short_is_read_or_refused_in_one_line(length: int) -> None:
    read_or_refuse(RAMP[:length])


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(data: st.DataObject) -> None:
    damaged = bytearray(RAMP)
    for at, value in data.draw(st.lists(st.tuples(st.integers(8, len(RAMP) - 1), st.integers(0, 255)), max_size=8)):
        damaged[at] = value
    read_or_refuse(bytes(damaged))


@given(st.binary(max_size=400))
def test_noise_behind_the_mark_is_read_or_refused_in_one_line(noise: bytes) -> None:
    read_or_refuse(noise[:4].ljust(4, b"\0") + b"TFL3" + noise[4:])


def read_or_refuse(model: bytes) -> None:
    try:
        read_tflite(model)
    except InterpreterError as error:
        assert "\n" not in str(error)
