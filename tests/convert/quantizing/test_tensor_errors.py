"""Where INT8 loses precision: the figures against NumPy's own, and a layer with an outlier found by name."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from convert.quantizing.parity import float_predictor, int8_predictor
from convert.quantizing.quantize import quantize
from convert.quantizing.recipe import Rule, load_recipe
from convert.quantizing.tensor_errors import layer_of, outliers, tensor_errors
from edge.interpreter import open_model
from tests.contracts.interpreter_contract import ALL_GREYS, RAMP, RAMP_FLOAT

pytest.importorskip("keras", reason="the extra convert is not installed")

from tests.convert.outlier_network import OUTLIER_CHANNEL, OUTLIER_LAYER, PICTURES, u_net

RECIPE = load_recipe()


def test_the_figures_of_the_output_are_those_of_the_two_models() -> None:
    (error,) = tensor_errors(RAMP_FLOAT, RAMP, [ALL_GREYS])
    expected = float_predictor(RAMP_FLOAT)(ALL_GREYS).astype(np.float64).ravel()
    got = int8_predictor(open_model(RAMP))(ALL_GREYS).astype(np.float64).ravel()
    assert error.operator == "CONV_2D"
    assert error.max_error == pytest.approx(np.abs(got - expected).max(), rel=1e-4)
    assert error.snr_db == pytest.approx(10 * math.log10(np.sum(expected**2) / np.sum((got - expected) ** 2)), abs=0.01)
    cosine = got @ expected / np.linalg.norm(got) / np.linalg.norm(expected)
    assert error.cosine == pytest.approx(cosine, abs=1e-5)


def test_every_layer_is_told_in_the_order_of_the_graph() -> None:
    net = u_net()
    errors = tensor_errors(net, quantize(net, PICTURES, RECIPE).model, PICTURES)
    order = [error.layer.removesuffix("_1") for error in errors]
    assert order[:4] == ["top", "down", "middle", "after"]
    assert {"up", "join"} < set(order)
    assert all(error.snr_db > 25 and error.precision == "int8" for error in errors)


@pytest.mark.parametrize("factor", [30.0, 1000.0])
def test_a_layer_given_a_huge_channel_is_found_and_named(factor: float) -> None:
    net = u_net(factor)
    errors = tensor_errors(net, quantize(net, PICTURES, RECIPE).model, PICTURES)
    found = outliers(errors)
    assert {(o.layer.removesuffix("_1"), o.channel, o.of) for o in found} == {
        (OUTLIER_LAYER, OUTLIER_CHANNEL, "weights"),
        (OUTLIER_LAYER, OUTLIER_CHANNEL, "activation"),
    }
    assert all(factor / 4 < o.ratio < factor * 4 for o in found)
    assert OUTLIER_LAYER in str(found[0]) and f"channel {OUTLIER_CHANNEL}" in str(found[0])
    worst = min(errors, key=lambda error: error.own_snr_db)
    assert worst.layer.removesuffix("_1") == OUTLIER_LAYER  # though the whole tensor's SNR hides it
    assert worst.snr_db > worst.own_snr_db


def test_a_network_as_trained_has_no_outlier() -> None:
    net = u_net()
    assert outliers(tensor_errors(net, quantize(net, PICTURES, RECIPE).model, PICTURES)) == ()


def test_a_layer_kept_in_float_loses_nothing_of_its_own() -> None:
    net = u_net(1000.0)
    recipe = msgspec.structs.replace(RECIPE, higher_precision=(Rule("re:/(middle|after)", "float32"),))
    errors = {
        e.layer.removesuffix("_1"): e for e in tensor_errors(net, quantize(net, PICTURES, recipe).model, PICTURES)
    }
    assert (errors["middle"].precision, errors["middle"].own_snr_db) == ("float32", math.inf)
    assert errors["top"].precision == "int8"


def test_frames_beyond_the_calibrated_range_show_where_it_is_too_narrow() -> None:
    net = u_net()
    dim = [picture // 8 for picture in PICTURES]
    int8 = quantize(net, dim, RECIPE).model
    on_dim, on_bright = (tensor_errors(net, int8, pictures) for pictures in (dim, PICTURES))
    assert min(error.own_snr_db for error in on_bright) < min(error.own_snr_db for error in on_dim) - 10


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("net_1/act_1/Relu6;net_1/norm_1/batchnorm/add_1;net_1/conv2d_7_1/convolution", "conv2d_7_1"),
        ("net_1/separable_2/separable_conv2d/depthwise1", "separable_2"),
        ("net_1/add_5/Add", "add_5"),
        ("Identity", "Identity"),
        ("fire2/squeeze1x1_1", "fire2/squeeze1x1_1"),
    ],
)
def test_a_fused_tensor_is_called_by_the_layer_with_the_weights(tensor: str, layer: str) -> None:
    assert layer_of(tensor) == layer
