"""The tests of `tests/vm` in a throw-away virtual machine, whose kernel has a virtual HDMI receiver: `make test-vm`.

The machine's processor is emulated, so that only behaviour counts there, not speed. The first run fetches a Debian
kernel, 70 MB; it stays in pytest's cache (`pytest --cache-clear` removes it).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT
from tests.vm.sweep import PLACE, write_sweep

HOSTVM = ROOT / "tests" / "tools" / "hostvm.sh"


@pytest.mark.vm
def test_against_a_true_kernel_driver(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    if missing := [tool for tool in ("qemu-system-x86_64", "busybox", "cpio") if shutil.which(tool) is None]:
        pytest.fail(f"no {', '.join(missing)}: as root, apt-get install qemu-system-x86 busybox-static cpio")
    environment = {"HOSTVM_KERNEL": str(pytestconfig.cache.mkdir("hostvm"))} | os.environ
    write_sweep(tmp_path / "sweep.npy")
    inside = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/vm"]
    done = subprocess.run(
        [HOSTVM, "run", "-t", "2400", "-C", ROOT, "-e", f"{PLACE}={tmp_path / 'sweep.npy'}", "--", *inside],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
