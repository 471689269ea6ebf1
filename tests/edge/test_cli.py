"""The program as its user meets it: exit status, one line for a mistake, never a traceback."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys

import cv2
import pytest

from edge.commands.options import threads
from edge.host import usable_cores
from tests import tiny_tflite
from tests.conftest import SEGMENT
from tests.pictures import CENTRED, SHAPE, screen, wrist
from tests.program import ROOT, install, own_entry_points, run

PLUGIN = """
import sys
from edge.cli import Command
from edge.errors import SonoEdgeError

def add_arguments(parser):
    parser.add_argument("what")

def act(args):
    if args.what == "error":
        raise SonoEdgeError("probe.bin: no such probe: plug it in")
    if args.what == "interrupt":
        raise KeyboardInterrupt
    if args.what.startswith("interrupted"):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as pressed:
            failed = ImportError("initialization failed")
            failed.__cause__ = pressed  # as a compiled module says it
        if args.what == "interrupted import":
            raise SonoEdgeError("litert: not installed") from failed
        raise SonoEdgeError("r.json: cannot be written")
    if args.what == "much":
        for number in range(10 ** 6):
            print("line", number)
    return int(args.what)

COMMAND = Command("try the probe", add_arguments, act)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that makes this checkout an installed distribution, beside a third party's command."""
    folder = tmp_path_factory.mktemp("site")
    install(folder, "sonoedge", own_entry_points(), editable=ROOT)
    install(folder, "a_probe", "[sonoedge.commands]\nprobe = a_probe:COMMAND\n")
    (folder / "a_probe.py").write_text(PLUGIN)
    return folder


def sonoedge(installed, *argv):
    done = run("-m", "edge.cli", *map(str, argv), first_on_path=installed)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def refused(done) -> str:
    """The one line of a mistake."""
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("sonoedge: ")
    return line


@pytest.mark.parametrize("argv", [(), ("--help",)])
def test_help_lists_every_command_and_a_third_partys(installed, argv):
    done = sonoedge(installed, *argv)
    assert done.returncode == 0
    for command in ("demo", "run", "grade", "bench", "verify", "inspect", "convert", "train"):
        assert f"\n    {command} " in done.stdout
    assert "try the probe" in done.stdout
    assert "not for diagnosis" in done.stdout


def test_a_commands_answer_is_the_exit_status(installed):
    assert sonoedge(installed, "probe", "0").returncode == 0
    assert sonoedge(installed, "probe", "1").returncode == 1


def test_a_mistake_is_one_line(installed):
    assert refused(sonoedge(installed, "probe", "error")) == "sonoedge: probe.bin: no such probe: plug it in"


def test_a_command_of_two_words_is_in_a_group(installed):
    for argv in (("calibration",), ("calibration", "--help")):
        done = sonoedge(installed, *argv)
        assert (done.returncode, done.stderr) == (0, "")
        assert "\n    lint " in done.stdout
    assert "--gate" in sonoedge(installed, "calibration", "lint", "--help").stdout
    done = sonoedge(installed, "calibration", "guess")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "guess" in done.stderr


def test_an_interrupt_is_130(installed):
    done = sonoedge(installed, "probe", "interrupt")
    assert (done.returncode, len(done.stderr.splitlines())) == (130, 1)


INTERRUPTED_AT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores Ctrl-C

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
from edge.cli import main
sys.exit(main(["run", "--source", "nowhere.mp4", "--bundle", {bundle!r}]))
"""


@pytest.mark.parametrize("module", ["argparse", "edge.parser", "edge.commands.run", "numpy", "cv2", "edge.bundle"])
def test_an_interrupt_while_modules_are_loaded_is_one_line(installed, tiny_bundle, module):
    code = INTERRUPTED_AT.format(module=module, bundle=str(tiny_bundle.path))
    done = run("-c", code, first_on_path=installed)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "sonoedge: interrupted: nothing was written\n"


def test_only_what_could_not_be_imported_is_put_down_to_an_interrupt(installed):
    assert sonoedge(installed, "probe", "interrupted import").returncode == 130
    line = refused(sonoedge(installed, "probe", "interrupted error"))
    assert line == "sonoedge: r.json: cannot be written"


@pytest.mark.parametrize("command", ["run", "grade", "bench", "explain"])
def test_more_threads_than_cores_are_refused_by_every_command_that_takes_them(installed, command):
    needed = {"run": ["--source", "x"], "grade": ["x"], "explain": ["x.png", "--method", "occlusion", "--out", "y.png"]}
    cores = usable_cores()
    done = sonoedge(installed, command, *needed.get(command, []), "--threads", str(cores + 1))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert f"--threads: {cores + 1} threads" in done.stderr
    assert f"{cores}, or auto" in done.stderr


def test_as_many_threads_as_the_process_may_use_and_no_more():
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})  # as a service that is pinned to one core
    try:
        assert threads("1") == 1
        with pytest.raises(argparse.ArgumentTypeError, match=r"2 threads: .*: give 1, or auto"):
            threads("2")
    finally:
        os.sched_setaffinity(0, allowed)
    assert threads(str(len(allowed))) == len(allowed)


@pytest.mark.parametrize("argv", [("no-such-command",), ("bench", "--frames", "many"), ("probe",)])
def test_bad_words_are_bad_use(installed, argv):
    done = sonoedge(installed, *argv)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("sonoedge")


def test_a_reader_that_leaves_is_no_error(installed):
    program = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "probe", "much"],
        cwd=installed,
        env={"PYTHONPATH": f"{installed}:{ROOT}", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout.readline() == b"line 0\n"
    program.stdout.close()
    assert program.stderr.read() == b""
    assert program.wait(60) == 0


def test_somebody_elses_package_of_our_name_is_refused(installed, tmp_path):
    for part in installed.iterdir():
        (shutil.copytree if part.is_dir() else shutil.copy)(part, tmp_path / part.name)
    (tmp_path / "convert").mkdir()
    (tmp_path / "convert" / "__init__.py").write_text("")
    line = refused(sonoedge(tmp_path, "--help"))
    assert "'convert'" in line
    assert str(tmp_path) in line


def test_what_is_not_installed_says_so(tmp_path):
    (tmp_path / "edge").mkdir()
    for file in ("__init__.py", "cli.py", "errors.py", "installed.py"):
        shutil.copy(ROOT / "edge" / file, tmp_path / "edge" / file)
    done = run("-S", "-m", "edge.cli", "--help", first_on_path=tmp_path, root=tmp_path)
    assert "pip install ." in refused(done)


class TestBundles:
    def test_verify_answers_yes_and_no(self, installed, tiny_bundle, make_bundle):
        done = sonoedge(installed, "verify", tiny_bundle.path)
        assert (done.returncode, done.stderr) == (0, "")
        unsound = make_bundle(files={SEGMENT: tiny_tflite.segmenter(192, through_float=True)})
        done = sonoedge(installed, "verify", unsound.path, "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout)["passed"] is False

    def test_inspect_prints_text_or_json(self, installed, tiny_bundle):
        assert "grader brightness" in sonoedge(installed, "inspect", tiny_bundle.path).stdout
        assert json.loads(sonoedge(installed, "inspect", tiny_bundle.path, "--json").stdout)["size"] > 0

    @pytest.mark.parametrize("command", ["verify", "inspect"])
    def test_a_bundle_cut_short_is_one_line(self, installed, tiny_bundle, tmp_path, command):
        short = tmp_path / "short.sonobundle"
        short.write_bytes(tiny_bundle.path.read_bytes()[:-100])
        assert "short.sonobundle" in refused(sonoedge(installed, command, short))
        assert "missing.sonobundle" in refused(sonoedge(installed, command, tmp_path / "missing.sonobundle"))

    def test_bench_writes_json_and_a_table(self, installed, tiny_bundle, tmp_path):
        (tmp_path / "stills").mkdir()
        cv2.imwrite(str(tmp_path / "stills" / "a.png"), screen(wrist(CENTRED)))
        box = f"200,90,{SHAPE[1]},{SHAPE[0]}"
        where = ("--source", tmp_path / "stills", "--roi", box, "--spacing-mm", "0.1")
        done = sonoedge(
            installed, "bench", "--bundle", tiny_bundle.path, *where, "--frames", "5", "--json", tmp_path / "b.json"
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "read_screen" in done.stdout
        said = json.loads((tmp_path / "b.json").read_bytes())
        assert said["frames"] == 5
        assert "grade" in said["stages"]

    @pytest.mark.parametrize("frames", ["0", "-3"])
    def test_bench_needs_a_frame(self, installed, tiny_bundle, frames):
        refused(sonoedge(installed, "bench", "--bundle", tiny_bundle.path, "--source", "x.png", "--frames", frames))
