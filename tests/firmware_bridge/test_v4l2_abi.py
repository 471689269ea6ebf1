"""Sizes, offsets and numbers against the kernel's own header, by the C compiler of this machine."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from firmware_bridge import v4l2_abi as abi

HEADERS = ("linux/v4l2-dv-timings.h", "linux/videodev2.h", "sys/time.h", "time.h")
STRUCTS = {
    name: struct
    for name, struct in vars(abi).items()
    if isinstance(struct, type) and issubclass(struct, ctypes.Structure)
}
NUMBERS = {name: value for name, value in vars(abi).items() if name.startswith(("V4L2_", "VIDIOC_"))}


def in_c(name: str) -> str:
    """The kernel's name of one of our structs: BtTimings is v4l2_bt_timings."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"struct {snake}" if snake in ("timeval", "timespec") else f"struct v4l2_{snake}"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What a C program finds in the header, by the names that we use."""
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("needs a C compiler and the kernel's headers (linux-libc-dev)")
    wanted = {name: name for name in NUMBERS}
    for name, struct in STRUCTS.items():
        wanted[name] = f"sizeof({in_c(name)})"
        for field, *_ in struct._fields_:
            if field != "any":
                wanted[f"{name}.{field}"] = f"offsetof({in_c(name)}, {field})"
    folder = tmp_path_factory.mktemp("abi")
    lines = [f"#include <{header}>" for header in ("stddef.h", "stdio.h", *HEADERS)]
    lines += ["int main(void) {", *(f'printf("{key} %lu\\n", (unsigned long)({c}));' for key, c in wanted.items()), "}"]
    (folder / "abi.c").write_text("\n".join(lines), "ascii")
    subprocess.run([compiler, "-o", folder / "abi", folder / "abi.c"], check=True)
    printed = subprocess.run([folder / "abi"], check=True, capture_output=True, text=True).stdout
    return {key: int(value) for key, value in map(str.split, printed.splitlines())}


def test_numbers_are_the_kernels(kernel: dict[str, int]) -> None:
    assert len(NUMBERS) > 40
    assert {name: kernel[name] for name in NUMBERS} == NUMBERS


@pytest.mark.parametrize("name", STRUCTS)
def test_structs_are_the_kernels(kernel: dict[str, int], name: str) -> None:
    struct = STRUCTS[name]
    fields = [field for field, *_ in struct._fields_ if field != "any"]
    ours = {f"{name}.{field}": getattr(struct, field).offset for field in fields} | {name: ctypes.sizeof(struct)}
    assert ours == {key: kernel[key] for key in ours}
