"""Results are whole or absent: a full disk, a missing folder, an interrupt leave the old file and nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import OutputError
from edge.output import check_place, replacing, write_atomically

ROOT = Path(__file__).resolve().parents[2]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "report.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert names_in(tmp_path) == ["report.json"]


def test_result_obeys_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "r", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o640


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 250 + ".json")
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_atomically(tmp_path / "link.json", b"new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"


def test_temporary_is_beside_and_of_the_same_suffix_and_the_old_file_stays_until_the_end(tmp_path):
    path = tmp_path / "clip.avi"
    path.write_bytes(b"old")
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".avi"
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == ["clip.avi"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError, GeneratorExit])
def test_whatever_breaks_off_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "clip.avi"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["clip.avi"]


def test_a_missing_folder_is_one_line_that_names_it(tmp_path):
    path = tmp_path / "no" / "such" / "report.json"
    with pytest.raises(OutputError, match="make it first") as caught:
        write_atomically(path, b"x")
    assert str(path.parent) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == []


def test_a_folder_of_that_name_is_refused(tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / "report.json", b"x")
    with pytest.raises(OutputError, match="name a file"), replacing(tmp_path / "report.json"):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == ["report.json"]


def test_a_file_for_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="make it first"):
        write_atomically(tmp_path / "file" / "report.json", b"x")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_a_folder_that_takes_no_files_is_refused():
    # /proc refuses root too, which a folder without write permission would not.
    with pytest.raises(OutputError, match=r"/proc/self/report\.json: cannot be written"):
        write_atomically(Path("/proc/self/report.json"), b"x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            write_atomically(tmp_path / "report.json", b"x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
def test_a_full_device_is_an_error_and_stays_a_device():
    with pytest.raises(OutputError, match="No space left"):
        write_atomically(Path("/dev/full"), b"x")
    assert Path("/dev/full").is_char_device()


def test_a_pipe_is_written_to_not_replaced(tmp_path):
    reader, writer = os.pipe()
    try:
        write_atomically(Path(f"/dev/fd/{writer}"), b"through")
        assert os.read(reader, 100) == b"through"
        with pytest.raises(OutputError, match="name a file"), replacing(Path(f"/dev/fd/{writer}")):
            pytest.fail("the block must not run")
    finally:
        os.close(reader)
        os.close(writer)


FULL = """
import sys
from pathlib import Path
from edge.errors import OutputError
from edge.output import write_atomically
try:
    write_atomically(Path(sys.argv[1]), b"x" * 2_000_000)
except OutputError as error:
    sys.exit(f"one line: {error}")
"""


def _write_two_megabytes(path: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + FULL, str(path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_a_file_that_outgrows_its_limit_leaves_nothing(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    limit = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
    )
    done = _write_two_megabytes(path, limit)
    assert done.stderr.startswith(f"one line: {path}: cannot be written: File too large")
    assert done.stderr.count("\n") == 1
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["report.json"]


def test_a_full_disk_leaves_nothing(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a small disk here")
    try:
        (tmp_path / "report.json").write_bytes(b"old")
        done = _write_two_megabytes(tmp_path / "report.json")
        assert "cannot be written: No space left on device" in done.stderr
        assert (tmp_path / "report.json").read_bytes() == b"old"
        assert names_in(tmp_path) == ["report.json"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_place_is_tried_before_the_work_and_left_as_it_was(tmp_path):
    path = tmp_path / "r.json"
    check_place(path)
    assert names_in(tmp_path) == []
    path.write_bytes(b"old")
    check_place(path)
    assert path.read_bytes() == b"old" and names_in(tmp_path) == ["r.json"]
    check_place(Path("/dev/null"))
    for bad, why in ((tmp_path, "folder or a device"), (tmp_path / "none" / "r.json", "no folder")):
        with pytest.raises(OutputError, match=why):
            check_place(bad)
