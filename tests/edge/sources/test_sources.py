"""Addresses and lists of files: which reader is taken, and what a mistake is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import PictureError, SourceError
from edge.frame import FrameSource
from edge.sources import BUILT_IN, open_source, open_stills
from edge.sources.suffixes import SCHEME_OF
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import mha_bytes, mha_frames, scene, write_video

PNG = cv2.imencode(".png", scene(1))[1].tobytes()


@pytest.fixture
def several(tmp_path: Path) -> list[Path]:
    """A picture, a clip of 3, a sequence of 6 and a folder of 2 pictures: 12 frames."""
    (tmp_path / "scan.png").write_bytes(PNG)
    write_video(tmp_path / "clip.avi", "MJPG", 3)
    (tmp_path / "sweep.igs.mha").write_bytes(mha_bytes(mha_frames()))
    (tmp_path / "more").mkdir()
    for name in ("10.png", "9.png"):
        (tmp_path / "more" / name).write_bytes(PNG)
    return [tmp_path / name for name in ("scan.png", "clip.avi", "sweep.igs.mha", "more")]


class TestStillsContract(SourceContract):
    frames = 12
    stream = False

    @pytest.fixture
    def opened(self, several: list[Path]) -> Open:
        return lambda: open_stills(several)


class TestSingleClipContract(SourceContract):
    frames = 6
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        path = tmp_path / "sweep.igs.mha"
        path.write_bytes(mha_bytes(mha_frames()))
        return lambda: open_stills([path])


def test_every_suffix_has_a_built_in_reader() -> None:
    assert set(SCHEME_OF.values()) <= set(BUILT_IN)


def test_names_and_numbers_run_through(several: list[Path]) -> None:
    frames = list(open_stills(several))
    assert [f.index for f in frames] == list(range(12))
    assert [f.name for f in frames] == [
        "scan.png",
        *["clip.avi"] * 3,
        *["sweep.igs.mha"] * 6,
        "9.png",
        "10.png",
    ]


@pytest.mark.parametrize("scheme", ["", "folder:"])
def test_a_folder_by_path_and_by_scheme(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "scan.png").write_bytes(PNG)
    assert len(open_source(f"{scheme}{tmp_path}")) == 1


def test_a_scheme_reads_a_file_whatever_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "recording.bin"
    path.write_bytes(mha_bytes(mha_frames()))
    assert len(list(open_source(f"mha:{path}"))) == 6


def test_a_path_that_is_there_wins_over_a_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("video:1.png").write_bytes(PNG)
    (frame,) = open_source("video:1.png")
    assert frame.name == "video:1.png"


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("nowhere/scan.png", "no such file or folder"),
        ("", "no source given"),
        ("a\0b", "no such file or folder"),
        ("x" * 5000, "no such file or folder"),
        ("probe:0", "no source called 'probe'; the sources are dicom, folder, mha, pic"),
        (r"C:\scans\1.png", "no such file, and no source called 'C'"),
        ("video:nowhere.mp4", "nowhere.mp4: no such file"),
        ("video:.", "is a folder"),
        ("folder:nowhere", "no such folder"),
    ],
)
def test_a_wrong_address_is_told_in_one_line(uri: str, what: str) -> None:
    with pytest.raises(SourceError) as raised:
        open_source(uri)
    assert what in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["notes.txt", "README"])
def test_a_file_without_a_reader(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    for opening in (lambda: open_source(str(tmp_path / name)), lambda: open_stills([tmp_path / name])):
        with pytest.raises(SourceError, match=rf"{name}: no reader for .* it takes \.png"):
            opening()


@pytest.mark.parametrize("opening", [open_source, lambda uri: open_stills([Path(uri)])])
def test_a_folder_of_folders_names_one_that_could_be_read(
    tmp_path: Path, opening: Callable[[str], FrameSource]
) -> None:
    for name in (".Trash", "10", "empty", "9"):
        (tmp_path / name).mkdir()
    with pytest.raises(SourceError, match=rf"{tmp_path}: nothing .*; its subfolders are not searched; it takes"):
        opening(str(tmp_path))
    for name in (".Trash", "10", "9"):
        (tmp_path / name / "a.PNG").write_bytes(PNG)
    with pytest.raises(SourceError, match=rf"not searched: name one of them, like {tmp_path}/9; it takes"):
        opening(str(tmp_path))
    (tmp_path / "b.png").write_bytes(PNG)
    assert len(opening(str(tmp_path))) == 1


def test_lists_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(PNG)
    (tmp_path / "empty").mkdir()
    wrong: list[Sequence[Path]] = [[], [tmp_path / "scan.png", tmp_path / "gone.png"], [tmp_path / "empty"]]
    for paths in wrong:
        with pytest.raises(SourceError):
            open_stills(paths)


def test_one_file_that_is_no_picture_is_refused_and_among_several_is_a_fault(tmp_path: Path) -> None:
    bad, good, clip = tmp_path / "bad.png", tmp_path / "good.png", tmp_path / "cut.mha"
    bad.write_text("no picture")
    good.write_bytes(PNG)
    clip.write_bytes(mha_bytes(mha_frames())[:-2000])
    with pytest.raises(PictureError, match=r"bad\.png"):
        open_stills([bad])
    frames = list(open_stills([bad, clip, good]))
    faults = [f for f in frames if f.pixels is None]
    assert [f.name for f in faults] == ["bad.png", "cut.mha"]
    assert "bad.png: not a picture" in faults[0].fault
    assert "cut.mha: ends after" in faults[1].fault
    assert [f.index for f in frames] == list(range(len(frames)))
    assert frames[-1].name == "good.png"
    np.testing.assert_array_equal(frames[-1].pixels, scene(1))


def test_a_package_adds_a_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "site"
    (made / "probe-1.0.dist-info").mkdir(parents=True)
    (made / "probe-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n")
    (made / "probe-1.0.dist-info" / "entry_points.txt").write_text(
        "[sonoedge.sources]\nprobe = probe_of_a_friend:open_probe\nbroken = nothing_there:open_probe\n"
    )
    (made / "probe_of_a_friend.py").write_text(
        "from edge.sources.folder import open_picture\ndef open_probe(rest):\n    return open_picture(rest)\n"
    )
    monkeypatch.syspath_prepend(made)
    path = tmp_path / "scan.png"
    path.write_bytes(PNG)
    source: FrameSource = open_source(f"probe:{path}")
    assert len(source) == 1
    with pytest.raises(SourceError, match="the source 'broken' cannot be loaded"):
        open_source("broken:0")


def test_interrupting_a_list_goes_through(several: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge.sources.folder.read_picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(open_stills(several))


def test_opening_by_address_imports_no_reader_until_it_is_used() -> None:
    code = "import sys, edge.sources; print([m for m in ('cv2', 'pydicom', 'numpy.linalg.lapack') if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
