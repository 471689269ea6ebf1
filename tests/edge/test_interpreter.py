"""The interpreters at hand against one contract, and how one is chosen."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edge import interpreter
from edge.errors import InterpreterError, UsageError
from edge.interpreter import backends, open_model
from tests import tiny_tflite
from tests.contracts.interpreter_contract import ALL_GREYS, GOLDEN, RAMP, InterpreterContract

needs_litert = pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="ai-edge-litert is not installed")
needs_tflite = pytest.mark.skipif(find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed")


@needs_litert
class TestLiteRT(InterpreterContract):
    backend = "litert"


@needs_tflite
class TestTFLiteRuntime(InterpreterContract):
    backend = "tflite-runtime"


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="auto, litert, tflite-runtime"):
        open_model(RAMP, backend="abacus")


def test_auto_takes_an_installed_one() -> None:
    model = open_model(RAMP)
    assert model.backend == ("litert" if find_spec("ai_edge_litert") else "tflite-runtime")


def test_a_backend_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # None is how Python itself marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    with pytest.raises(InterpreterError, match="pip install tflite-runtime"):
        open_model(RAMP, backend="tflite-runtime")


def test_without_any_interpreter_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "_BUILT_IN", {"gone": ("no_such_module.interpreter", "gone")})
    with pytest.raises(InterpreterError, match="pip install ai-edge-litert"):
        open_model(RAMP)


def test_a_third_party_backend_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "abacus.py").write_text("def open_model(model, threads):\n    return (len(model), threads)\n")
    info = tmp_path / "abacus-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: abacus\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sonoedge.interpreters]\nabacus = abacus:open_model\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "abacus" in backends()
    assert open_model(RAMP, threads=3, backend="abacus") == (len(RAMP), 3)


@pytest.mark.parametrize("channels", [2, 4])
def test_refuses_a_model_of_other_than_one_or_three_channels(channels: int) -> None:
    tensors = [tiny_tflite.Tensor((1, 8, 8, channels), scale=1 / 255, zero_point=-128)]
    model = tiny_tflite.tflite(tiny_tflite.Graph(tensors, [], [0]))
    with pytest.raises(InterpreterError, match=rf"takes \(1, 8, 8, {channels}\), not one picture"):
        open_model(model)


def test_refuses_an_input_of_another_zero_point() -> None:
    # 0x80 0xff... is -128 as the int64 that the file holds; the input's is the one beside the scale 1/255.
    minus_128 = (-128).to_bytes(8, "little", signed=True)
    changed = RAMP.replace(minus_128, (-127).to_bytes(8, "little", signed=True))
    assert changed != RAMP
    with pytest.raises(InterpreterError, match="zero point -127, not -128"):
        open_model(changed)


@pytest.mark.parametrize(
    "backend", [pytest.param("litert", marks=needs_litert), pytest.param("tflite-runtime", marks=needs_tflite)]
)
def test_loading_and_running_writes_nothing_to_the_terminal(backend: str) -> None:
    program = (
        "import sys, numpy as np; from edge.interpreter import open_model\n"
        f"model = open_model(open({str(GOLDEN / 'ramp_int8.tflite')!r}, 'rb').read(), backend={backend!r})\n"
        "model.write_input(np.zeros((8, 32), np.uint8)); model.invoke()\n"
        "print('still there', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == "still there\n"


@needs_litert
@needs_tflite
def test_both_interpreters_agree_to_one_step() -> None:
    raw = []
    for backend in ("litert", "tflite-runtime"):
        model = open_model(RAMP, backend=backend)
        model.write_input(ALL_GREYS)
        model.invoke()
        raw.append(model.output().astype(int))
    assert np.abs(raw[0] - raw[1]).max() <= 1
