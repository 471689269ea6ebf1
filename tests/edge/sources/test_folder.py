"""Pictures: order, faults that do not stop a run, and no torn picture taken for a whole one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PictureError, SourceError
from edge.sources.folder import open_folder, open_picture, png_is_whole, read_picture
from edge.sources.paths import natural_key
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import scene, shared

PNG = cv2.imencode(".png", scene(3))[1].tobytes()
ENCODED = {suffix: cv2.imencode(suffix, scene(3))[1].tobytes() for suffix in (".png", ".jpg", ".bmp", ".tif", ".webp")}


class TestFolderContract(SourceContract):
    frames = 3
    stream = False

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        for index, suffix in enumerate((".png", ".bmp", ".tif")):
            (tmp_path / f"{index}{suffix}").write_bytes(ENCODED[suffix])
        return lambda: open_folder(str(tmp_path))


def test_order_is_natural_and_other_files_are_left_out(tmp_path: Path) -> None:
    for name in ("f10.png", "f2.PNG", "F1.png", "._f2.png", "labels.csv"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "folder.png").mkdir()
    source = open_folder(str(tmp_path))
    assert [frame.name for frame in source] == ["F1.png", "f2.PNG", "f10.png"]
    assert len(source) == 3


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_key_counts(numbers: list[int]) -> None:
    names = [f"scan {n}.png" for n in numbers]
    assert sorted(names, key=natural_key) == [f"scan {n}.png" for n in sorted(numbers)]


@given(st.lists(st.text(max_size=8)), st.randoms())
def test_natural_order_does_not_depend_on_how_the_disk_lists(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))
    assert sorted(names, key=natural_key) == sorted(shuffled, key=natural_key)


def test_a_bad_picture_is_a_fault_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(PNG[:-20])
    (tmp_path / "2.jpg").write_text("not a picture")
    (tmp_path / "3.png").write_bytes(b"")
    (tmp_path / "4.png").write_bytes(cv2.imencode(".png", np.zeros((4, 4), np.uint16))[1].tobytes())
    (tmp_path / "5.png").write_bytes(PNG)
    frames = list(open_folder(str(tmp_path)))
    assert [frame.pixels is None for frame in frames] == [True, True, True, True, False]
    assert "cut short" in frames[0].fault
    assert frames[3].fault == "4.png: 16-bit picture: export it as 8-bit"
    assert all("\n" not in frame.fault for frame in frames)


def test_a_single_file_that_is_no_picture_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_text("not a picture")
    with pytest.raises(PictureError, match=r"scan\.png: not a picture"):
        open_picture(str(path))


def test_no_folder_and_no_picture(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        open_folder(str(tmp_path / "none"))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceError, match="nothing to read"):
        open_folder(str(tmp_path))


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        (np.dstack([scene(0), np.full((96, 128), 9, np.uint8)]), scene(0)),
        (scene(0)[..., 0], scene(0)[..., 0]),
        (np.array([[7]], np.uint8), np.array([[7]], np.uint8)),
    ],
    ids=["alpha is dropped", "grey stays grey", "one pixel passes"],
)
def test_kinds_of_png(tmp_path: Path, stored: np.ndarray, seen: np.ndarray) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(cv2.imencode(".png", stored)[1].tobytes())
    np.testing.assert_array_equal(read_picture(path), seen)


@given(cut=st.integers(0, len(PNG) - 1))
def test_a_png_cut_anywhere_is_not_whole(cut: int) -> None:
    assert png_is_whole(PNG)
    assert not png_is_whole(PNG[:cut])


@given(at=st.integers(8, len(PNG) - 1), bit=st.integers(0, 7))
def test_a_png_with_a_flipped_bit_is_not_whole(at: int, bit: int) -> None:
    damaged = bytearray(PNG)
    damaged[at] ^= 1 << bit
    assert not png_is_whole(bytes(damaged))


@pytest.mark.parametrize("suffix", ENCODED)
def test_a_picture_cut_short_is_never_half_a_picture(tmp_path: Path, suffix: str) -> None:
    data = ENCODED[suffix]
    path = tmp_path / f"scan{suffix}"
    path.write_bytes(data)
    whole = read_picture(path)
    for share in np.linspace(0.0, 0.999, 40):
        path.write_bytes(data[: int(share * len(data))])
        try:
            pixels = read_picture(path)
        except PictureError:
            continue
        np.testing.assert_array_equal(pixels, whole)


def test_a_damaged_picture_says_nothing_on_stderr_by_itself(tmp_path: Path) -> None:
    for suffix, data in ENCODED.items():
        (tmp_path / f"scan{suffix}").write_bytes(data[: len(data) // 2])
    code = (
        "import sys; from edge.sources.folder import open_folder; print([f.pixels for f in open_folder(sys.argv[1])])"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([None] * len(ENCODED))
    assert done.stderr == ""


def test_real_screens() -> None:
    frames = list(open_folder(str(shared("screens/telemed_philips"))))
    assert [f.name for f in frames] == [
        *(f"GM_P_{n}.bmp" for n in (4, 8, 10, 14)),
        *(f"GM_T_{n}.png" for n in (1, 3, 7, 13)),
    ]
    assert not any(f.fault for f in frames)
