"""Videos: whole ones give all their frames, cut ones say so after the last whole frame and never deliver a torn one."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.frame import Frame
from edge.sources.video import is_cut_short, open_video
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import index_first, index_in, scene, shared, trimmed, write_video

KINDS = [(".avi", "MJPG"), (".avi", "XVID"), (".mp4", "mp4v"), (".mkv", "XVID"), (".webm", "VP80")]
FRAMES = 24


class TestVideoContract(SourceContract):
    frames = 8
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        path = tmp_path / "clip.avi"
        write_video(path, "MJPG", self.frames)
        return lambda: open_video(str(path))


def read_to_the_cut(path: Path) -> tuple[list[Frame], str]:
    """The frames before the error, and the error's line."""
    frames: list[Frame] = []
    with pytest.raises(SourceError) as raised:
        for frame in open_video(str(path)):
            frames.append(frame)  # kept up to the error
    return frames, str(raised.value)


@pytest.mark.parametrize(("suffix", "fourcc"), KINDS)
def test_a_whole_video_gives_every_frame(tmp_path: Path, suffix: str, fourcc: str) -> None:
    path = tmp_path / f"clip{suffix}"
    write_video(path, fourcc, FRAMES)
    source = open_video(str(path))
    assert len(source) == (FRAMES if suffix in {".avi", ".mp4"} else 0)
    frames = list(source)
    assert len(frames) == FRAMES
    for frame in frames:
        assert frame.name == ""
        assert frame.pixels is not None
        assert index_in(frame.pixels) == frame.index


@pytest.mark.parametrize(("suffix", "fourcc"), KINDS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_a_video_cut_short_says_so_after_its_last_whole_frame(
    tmp_path: Path, suffix: str, fourcc: str, share: float
) -> None:
    path = tmp_path / f"clip{suffix}"
    data = write_video(path, fourcc, FRAMES)
    if suffix == ".mp4":
        data = index_first(data)
        path.write_bytes(data)
    whole = list(open_video(str(path)))
    path.write_bytes(data[: int(share * len(data))])
    frames, line = read_to_the_cut(path)
    assert 0 < len(frames) < FRAMES
    for frame, original in zip(frames, whole, strict=False):
        np.testing.assert_array_equal(frame.pixels, original.pixels)
    of = "" if suffix in {".mkv", ".webm"} else f" of {FRAMES}"
    assert line == f"{path.name}: ends after {len(frames)}{of} frames: the file is cut short; copy it again"


def test_one_byte_missing_costs_the_frame_it_belonged_to(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(index_first(write_video(path, "mp4v", FRAMES))[:-1])
    frames, _ = read_to_the_cut(path)
    assert len(frames) == FRAMES - 1


def test_an_mp4_cut_before_its_index_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    data = write_video(path, "mp4v", FRAMES)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"clip\.mp4: cut short: copy it again"):
        open_video(str(path))


def test_a_trimmed_clip_is_not_called_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(trimmed(write_video(path, "mp4v", FRAMES)))
    assert len(list(open_video(str(path)))) == FRAMES // 2


@pytest.mark.parametrize("content", [b"", b"not a video", bytes(4096)])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.avi"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"^clip\.avi: no video that can be read"):
        open_video(str(path))


def test_a_name_is_a_name_and_not_a_pattern_or_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.avi", "MJPG", 3)
    for name in ("concat:clip.avi", "scan_%03d.avi"):
        (tmp_path / "clip.avi").rename(name)
        assert len(list(open_video(name))) == 3
        Path(name).rename("clip.avi")
    Path("scan_%03d.avi").write_text("not a video")
    Path("scan_000.avi").write_bytes(cv2.imencode(".png", scene(0))[1].tobytes())
    with pytest.raises(SourceError, match="no video"):
        open_video("scan_%03d.avi")


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_are_judged_without_an_error(data: bytes, size: int) -> None:
    is_cut_short(BytesIO(data), size)


@pytest.mark.parametrize("prefix", [b"RIFF", b"\0\0\0\x08ftyp", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67"])
@given(data=st.binary(max_size=60))
def test_box_like_bytes_are_judged_without_an_error(prefix: bytes, data: bytes) -> None:
    is_cut_short(BytesIO(prefix + data), len(prefix + data))


def test_an_open_ended_recording_is_not_called_cut_short(tmp_path: Path) -> None:
    matroska = bytearray(write_video(tmp_path / "clip.mkv", "XVID", 3))
    at = matroska.index(b"\x18\x53\x80\x67") + 4
    matroska[at : at + 8] = b"\x01" + b"\xff" * 7
    riff = b"RIFF\xff\xff\xff\xffAVI " + bytes(20)
    for data in (bytes(matroska), riff):
        assert not is_cut_short(BytesIO(data), len(data))


def test_a_cut_video_says_nothing_on_stderr_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    data = index_first(write_video(path, "mp4v", FRAMES))
    path.write_bytes(data[: len(data) // 2])
    code = (
        "import sys; from edge.errors import SourceError; from edge.sources.video import open_video\n"
        "try: list(open_video(sys.argv[1]))\n"
        "except SourceError as error: print(error)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code, path], cwd=root, capture_output=True, text=True, check=True)
    assert "cut short" in done.stdout
    assert done.stderr == ""


def test_a_real_clip() -> None:
    source = open_video(str(shared("screens/itkpocus/butterfly-ocular-phantom.mp4")))
    first = next(iter(source))
    assert len(source) == 369
    assert first.pixels is not None
    assert first.pixels.shape == (1080, 776, 3)
    source.close()


def test_a_real_h264_clip_cut_short(tmp_path: Path) -> None:
    data = index_first(shared("screens/itkpocus/butterfly-ocular-phantom.mp4").read_bytes())
    path = tmp_path / "clip.mp4"
    path.write_bytes(data[: len(data) // 10])
    frames, line = read_to_the_cut(path)
    assert f"ends after {len(frames)} of 369 frames" in line
