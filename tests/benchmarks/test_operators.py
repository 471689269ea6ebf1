"""The profile accounts for a network's time, operator by operator."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.errors import InterpreterError
from edge.interpreter import open_model

pytest.importorskip("ai_edge_litert", reason="the profiler is LiteRT's")

from benchmarks.operators import Profile, kind_of, profile, table
from benchmarks.profiler import profiled


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = Bundle.open(packaged_bundle("transverse"))
    path = tmp_path_factory.mktemp("model") / "grader.tflite"
    path.write_bytes(bundle.read(bundle.manifest.graders["mobilenet_v2"].file))
    return path


def test_the_operators_add_up_to_the_invoke(grader: Path) -> None:
    found = profile({"int8": grader}, runs=20)["int8"]
    kinds = found.by_kind()
    assert kinds["depthwise"][1] == 17  # MobileNetV2's
    assert kinds["pointwise"][1] == 35
    model = open_model(grader.read_bytes())
    times = []
    for _ in range(20):
        start = time.perf_counter()
        model.invoke()
        times.append(1e6 * (time.perf_counter() - start))
    assert 0.4 * min(times) < found.us < 3 * sorted(times)[10]  # a busy machine is no bug


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("Convolution (NHWC, QC8) DWConv", "depthwise"),
        ("Fully Connected (NC, QS8, QC8W) GEMM", "pointwise"),
        ("Convolution (NHWC, F32) IGEMM", "convolution"),
        ("RESIZE_NEAREST_NEIGHBOR", "outside XNNPACK"),
        ("Depth To Space (NHWC, X8) Transpose", "moving data"),
        ("Mean (ND) Reduce", "pooling"),
        ("Sigmoid (NC)", "Sigmoid (NC)"),
    ],
)
def test_operators_have_their_authors_names(operator: str, kind: str) -> None:
    assert kind_of(operator) == kind


def test_the_table_tells_what_int8_gains() -> None:
    int8 = Profile((("Convolution (NHWC, QC8) DWConv", 100.0), ("Fully Connected (NC, QS8, QC8W) GEMM", 50.0)))
    in_float = Profile((("Convolution (NHWC, F32) DWConv", 90.0), ("Fully Connected (NC, F32) GEMM", 150.0)))
    text = table("net", int8, in_float)
    assert "| pointwise | 50 (1) | 150 (1) | 3.00 |" in text
    assert "| depthwise | 100 (1) | 90 (1) | 0.90 |" in text
    assert "| all | 150 | 240 | 1.60 |" in text


def test_what_is_no_model_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "no.tflite"
    path.write_bytes(b"nothing")
    with pytest.raises(InterpreterError, match="not a TFLite model"), profiled(path):
        pass
