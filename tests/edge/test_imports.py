"""The device needs no more than the runtime: nothing heavy is imported, and `edge` runs without the other houses."""

from __future__ import annotations

import pytest

from tests.program import HEAVY, ROOT, install, own_entry_points, run

BLOCK = """
import sys
from importlib.abc import MetaPathFinder

BLOCKED = {blocked!r}

class Block(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Block())
"""
IMPORT_ALL = """
import pkgutil
import edge
from edge.errors import MissingExtraError
names = [found.name for found in pkgutil.walk_packages(edge.__path__, "edge.")]
assert len(names) > 30, names
for name in names:
    try:
        __import__(name)
    except MissingExtraError as error:  # a room that is an extra says so, in our own words
        assert "install the extra" in str(error)
print(len(names))
"""
LOADED = "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
OTHER_HOUSES = ("convert", "firmware_bridge")
ON_USE = ("ai_edge_litert", "tflite_runtime", "pydicom", "gdcm", "picamera2")


def loaded_by(code, folder):
    done = run("-c", f"import sys\n{code}\n{LOADED}", first_on_path=folder)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_importing_edge_loads_nothing_to_speak_of(tmp_path):
    loaded = loaded_by("import edge", tmp_path)
    assert "edge" in loaded
    assert not loaded & {*HEAVY, *OTHER_HOUSES, *ON_USE, "numpy", "cv2", "msgspec"}


def test_every_room_can_be_entered_with_the_rest_blocked(tmp_path):
    code = BLOCK.format(blocked={*HEAVY, *OTHER_HOUSES, *ON_USE}) + IMPORT_ALL
    done = run("-c", code, first_on_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_a_blocked_module_would_be_noticed(tmp_path):
    done = run("-c", BLOCK.format(blocked={"numpy"}) + IMPORT_ALL, first_on_path=tmp_path)
    assert done.returncode == 1
    assert "numpy is blocked" in done.stderr


@pytest.mark.parametrize("argv", [[], ["--help"], ["--version"], ["bench", "--help"]])
def test_help_costs_nothing(tmp_path, argv):
    install(tmp_path, "sonoedge", own_entry_points(), editable=ROOT)
    code = f"""
from edge.cli import main
try:
    main({argv!r})
except SystemExit as done:
    assert done.code == 0
"""
    loaded = loaded_by(code, tmp_path)
    assert "argparse" in loaded
    assert not loaded & {*HEAVY, *ON_USE, "numpy", "cv2"}
