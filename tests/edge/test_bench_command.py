"""`sonoedge bench` as a user has it: files, refusals in one line, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import pytest

from edge.host import usable_cores
from tests.pictures import CENTRED, SHAPE, screen, wrist
from tests.program import ROOT, install, own_entry_points, run

CORES = usable_cores()
COUNTS = ",".join(map(str, (1, 2)[:CORES]))
BOX = f"200,90,{SHAPE[1]},{SHAPE[0]}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    install(folder, "sonoedge", own_entry_points(), editable=ROOT)
    return folder


@pytest.fixture(scope="module")
def stills(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stills")
    for seed in range(2):
        cv2.imwrite(str(folder / f"{seed}.png"), screen(wrist(CENTRED, seed=seed)))
    return folder


@pytest.fixture
def bench(installed, tiny_bundle, stills):
    """Runs `sonoedge bench` on the stills with more words."""
    where = ("--bundle", tiny_bundle.path, "--source", stills, "--roi", BOX, "--spacing-mm", "0.1")

    def do(*words, on=where):
        return run("-m", "edge.cli", "bench", *map(str, (*on, *words)), first_on_path=installed)

    return do


@pytest.fixture(scope="module")
def record(installed, tiny_bundle, stills, tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "earlier.json"
    where = ("--bundle", tiny_bundle.path, "--source", stills, "--roi", BOX, "--spacing-mm", "0.1")
    words = ("bench", *where, "--frames", "4", "--json", path)
    assert run("-m", "edge.cli", *map(str, words), first_on_path=installed).returncode == 0
    return path


def refused(done):
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    return done.stderr


def test_a_matrix_is_in_the_table_the_json_and_the_page(bench, tmp_path):
    words = ("--matrix", "--graders", "darkness", "--thread-counts", COUNTS, "--heights", "1080,720", "--fps", "50")
    done = bench(*words, "--frames", 5, "--json", tmp_path / "b.json", "--html", tmp_path / "b.html")
    assert (done.returncode, done.stderr) == (0, "")
    cells = json.loads((tmp_path / "b.json").read_bytes())["matrix"]
    assert [(cell["threads"], cell["screen"]) for cell in cells] == [
        (threads, screen) for screen in ("1920 x 1080", "1280 x 720") for threads in (1, 2)[:CORES]
    ]
    page = (tmp_path / "b.html").read_text()
    for cell in cells:
        assert f"{cell['frame_age_ms']['p95_ms']:.2f}" in done.stdout
        assert f"{cell['frame_age_ms']['p95_ms']:.2f}" in page


def test_the_source_of_the_first_report_is_the_users(record):
    said = json.loads(record.read_bytes())
    assert said["first_report"]["frames"] == 2  # both stills
    assert said["warmup"]["frames"] > 0
    assert said["budget_ms"] == 100.0


def test_two_records_side_by_side(bench, record, tmp_path):
    files = ("--json", tmp_path / "c.json", "--html", tmp_path / "c.html")
    done = bench("--compare", record, record, *files, on=())
    assert (done.returncode, done.stderr) == (0, "")
    assert "frame age p95" in done.stdout
    rows = json.loads((tmp_path / "c.json").read_bytes())["rows"]
    assert {row["ratio"] for row in rows} <= {1.0, None}
    assert "earlier.json" in (tmp_path / "c.html").read_text()


@pytest.mark.parametrize("second", ["gone.json", "other.json", "."])
def test_a_record_that_is_none_is_refused(bench, record, tmp_path, second):
    (tmp_path / "other.json").write_text('{"frames": 3}')
    assert str(tmp_path / second) in refused(bench("--compare", record, tmp_path / second, on=()))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--heights", "720"), "--matrix"),
        (("--matrix", "--heights", "2160"), "2160"),
        (("--matrix", "--heights", "tall"), "'tall'"),
        (("--matrix", "--thread-counts", "0"), "'0'"),
        (("--matrix", "--thread-counts", f"1,{CORES + 1}"), f"{CORES + 1} threads"),
        (("--matrix", "--graders", "dreams"), "'dreams'"),
        (("--fps", "0"), "'0'"),
        (("--fps", "nan"), "'nan'"),
        (("--compare", "a.json"), "--compare"),
    ],
)
def test_bad_words_are_one_line(bench, words, told):
    assert told in refused(bench(*words))


def test_nothing_is_measured_when_its_file_has_no_place(bench, tmp_path):
    done = bench("--frames", 3, "--json", tmp_path / "no-folder" / "b.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupt_leaves_nothing(installed, tiny_bundle, stills, tmp_path):
    where = ("--bundle", tiny_bundle.path, "--source", stills, "--roi", BOX, "--spacing-mm", "0.1")
    files = ("--json", tmp_path / "b.json", "--html", tmp_path / "b.html")
    words = ("bench", *where, *files, "--frames", "100000", "--fps", "25")
    program = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *map(str, words)],
        env=os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        # A shell has its background jobs ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  we have no threads
    )
    time.sleep(3)  # well within the run, or before it: it is the same to who waits
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (130, b"")
    assert err.splitlines()[-1].endswith(b"interrupted: nothing was written")
    assert list(tmp_path.iterdir()) == []
