"""An INT8 file's graph in float answers as the INT8 file does, but for the rounding of activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.tflite_file import read_tflite

pytest.importorskip("ai_edge_litert", reason="the schema comes with LiteRT")

from benchmarks.dequantized import dequantized
from benchmarks.engines import ENGINES

LITERT = {engine.precision: engine for engine in ENGINES if engine.name == "LiteRT"}


@pytest.mark.parametrize("arch", ["light_unet", "squeezenet"])
def test_it_is_the_same_network_in_float(arch: str, tmp_path: Path) -> None:
    bundle = Bundle.open(packaged_bundle("transverse"))
    entry = next((entry for entry in bundle.manifest.models if entry.arch == arch), None)
    if entry is None or entry.golden is None:
        pytest.skip(f"the packaged bundle holds no {arch} with golden vectors")
    int8, in_float = tmp_path / "int8.tflite", tmp_path / "float.tflite"
    int8.write_bytes(bundle.read(entry.file))
    in_float.write_bytes(dequantized(int8.read_bytes()))
    before, after = read_tflite(int8.read_bytes()), read_tflite(in_float.read_bytes())
    assert {tensor.dtype for tensor in after.tensors if tensor.dtype != "int32"} == {"float32"}
    assert [op for op in before.operators if op not in ("QUANTIZE", "DEQUANTIZE")] == list(after.operators)
    size = entry.input.height
    networks = [LITERT[kind].open(path, size, 1) for kind, path in (("int8", int8), ("float", in_float))]
    pictures = np.random.default_rng(0).integers(0, 256, (4, size, size), np.uint8)
    pictures[0], pictures[1] = 0, np.linspace(0, 255, size).astype(np.uint8)
    for picture in pictures:
        rounded, real = (network(picture) for network in networks)
        spread = float(np.ptp(real)) or 1.0
        assert np.abs(rounded - real).mean() <= 0.02 * max(spread, 10.0)
