"""Where and with what was measured."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from edge import host

VERSIONS = ("ai-edge-litert", "numpy", "nncf", "onnxruntime", "opencv-python-headless", "openvino", "pyfast", "tf2onnx")


def machine() -> str:
    """What kind of machine this is, not which: architecture, cores, and what it multiplies INT8 with."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    known = {"avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX VNNI", "asimddp": "dot product", "avx2": "AVX2"}
    units = next((f", {name}" for flag, name in known.items() if flag in flags), "")
    return f"{platform.machine().replace('_', '-')}, {host.usable_cores()} cores{units}"


def versions() -> dict[str, str]:
    """Package -> version, of those that are installed."""
    installed = {}
    for package in VERSIONS:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed
