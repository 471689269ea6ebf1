"""The shipped bundles on arm64, as a Raspberry Pi 4 (Cortex-A72) and 5 (A76) run them: `make test-arm64`.

The processors are emulated, so that only answers count here, not speed. The first run fetches Debian's arm64 Python
and the wheels that the runtime needs; they stay in pytest's cache (`pytest --cache-clear` removes them).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from edge.bundle import Bundle, packaged_bundles
from tests.golden_bundle import with_golden
from tests.program import ROOT, install, own_entry_points

pytestmark = pytest.mark.arm64

ARM64ENV = ROOT / "tests" / "tools" / "arm64env.sh"
# One process for all bundles: under emulation the imports alone take seconds.
VERIFY = """
import platform, sys
from edge.cli import main
assert platform.machine() == "aarch64"
failed = 0
for bundle in sys.argv[1:]:
    failed |= main(["verify", bundle, "--json"])
    print(end="\\0")
sys.exit(failed)
"""


@pytest.fixture(scope="session")
def arm64(pytestconfig: pytest.Config) -> Path:
    """The folder of an arm64 Python with what the runtime needs."""
    if missing := [tool for tool in ("qemu-aarch64-static", "debootstrap", "dpkg-deb") if shutil.which(tool) is None]:
        pytest.fail(f"no {', '.join(missing)} on the path: as root, apt-get install qemu-user-static debootstrap")
    needs = [need for need in metadata.requires("sonoedge") or [] if "extra ==" not in need]
    key = hashlib.sha256(b"\0".join([ARM64ENV.read_bytes(), *(need.encode() for need in needs)])).hexdigest()[:16]
    folder = pytestconfig.cache.mkdir("arm64") / key
    if not folder.is_dir():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        environment = os.environ | {"PIP": f"{sys.executable} -m pip"}
        done = subprocess.run(
            [ARM64ENV, "prepare", unfinished, *needs], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stderr}\n(it needs root, Debian 12 and the package registries)"
        unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def bundles(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """A tiny bundle with golden vectors made here, on this machine, and the packaged ones."""
    tiny = with_golden(tiny_bundle, tmp_path_factory.mktemp("golden") / "tiny.sonobundle")
    return [tiny, *(Bundle.open(path) for path in packaged_bundles().values())]


@pytest.mark.parametrize("processor", ["cortex-a72", "cortex-a76"])
def test_answers_as_where_the_bundle_was_made(
    arm64: Path, bundles: list[Bundle], tmp_path: Path, processor: str
) -> None:
    install(tmp_path, "sonoedge", own_entry_points(), editable=ROOT)
    done = subprocess.run(
        [ARM64ENV, "run", arm64, "-p", processor, "-c", VERIFY, *(bundle.path for bundle in bundles)],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    *verifications, rest = done.stdout.split("\0")
    assert done.returncode == 0 and not rest, done.stdout + done.stderr
    for bundle, verification in zip(bundles, map(json.loads, verifications), strict=True):
        replayed = {check["model"] for check in verification["checks"] if check["name"] == "golden vectors"}
        assert replayed == {model.file for model in bundle.manifest.models if model.golden}
