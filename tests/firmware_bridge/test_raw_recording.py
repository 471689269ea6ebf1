"""Raw recordings: each frame comes back as it went in, and what was cut or damaged never comes back as a picture."""

from __future__ import annotations

import resource
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli import DONE, main
from edge.commands.demo import demo_clip
from edge.errors import OutputError, SourceError
from edge.findings import Reason
from edge.frame import Frame, Pixels, Roi, Spacing
from edge.report import decode
from edge.sources import open_source
from firmware_bridge.errors import RecordingError
from firmware_bridge.raw_recording import RawRecorder, open_raw, read_frames, read_header
from tests.contracts.source_contract import Open, SourceContract

ROOT = Path(__file__).resolve().parents[2]
FILE_HEAD = 16  # bytes


def noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def uyvy(index: int, height: int = 6, width: int = 8) -> Frame:
    """A frame as it is captured: luma and chroma are views of one buffer, with gaps."""
    buffer = noise(index, height, 2 * width)
    chroma = buffer.reshape(height, width // 2, 4)[..., 0::2]
    return Frame(buffer[:, 1::2], 1_000_000_000 + 16_683_333 * index, index, chroma=chroma)


def grey(index: int) -> Frame:
    return Frame(noise(index, 5, 7), 40_000_000 * index, index)


def colour(index: int) -> Frame:
    return Frame(noise(index, 5, 7, 3)[..., ::-1], 40_000_000 * index, index)


def written(path: Path, *frames: Frame, stream: bool = True) -> Path:
    with RawRecorder(path, stream=stream) as recorder:
        for frame in frames:
            recorder.write(frame)
    assert recorder.frames == len(frames)
    return path


def assert_same(read: Frame, wrote: Frame) -> None:
    for back, went in ((read.pixels, wrote.pixels), (read.chroma, wrote.chroma)):
        assert (back is None) == (went is None)
        if back is not None and went is not None:
            assert back.dtype == np.uint8 and back.flags.c_contiguous
            np.testing.assert_array_equal(back, went)
    assert read.taken_ns == wrote.shown_ns
    for field in ("index", "spacing", "region", "fault", "no_signal"):
        assert getattr(read, field) == getattr(wrote, field)


class TestLumaAndChromaContract(SourceContract):
    frames = 5
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        return partial(open_raw, str(written(tmp_path / "sweep.raw", *map(uyvy, range(5)))))


class TestStillsContract(SourceContract):
    frames = 3
    stream = False

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        return partial(open_raw, str(written(tmp_path / "stills.raw", *map(colour, range(3)), stream=False)))


FRAMES = [
    grey(0),
    colour(1),
    uyvy(2),
    Frame(noise(3, 6, 8), 3, 7, chroma=noise(4, 3, 4, 2)),  # NV12, after a gap
    Frame(noise(5, 9, 9), 8, 8, spacing=Spacing(0.043, "ruler", 0.005), region=Roi(1, 2, 3, 4), taken_ns=-17),
    Frame(None, 9, 9, fault="no signal: the cable is out", no_signal=True),
    Frame(None, 10, 10, fault="bad\udcff.png: cannot be read"),
    Frame(noise(6, 1, 1), 2**62, 11),
]


def test_every_frame_comes_back_as_it_went_in(tmp_path: Path) -> None:
    back = list(open_raw(str(written(tmp_path / "all.raw", *FRAMES))))
    assert len(back) == len(FRAMES)
    for read, wrote in zip(back, FRAMES, strict=True):
        if "\udcff" in wrote.fault:
            assert read.fault == "bad?.png: cannot be read"
        else:
            assert_same(read, wrote)


def test_a_recording_that_grows_is_read_up_to_its_last_whole_frame(tmp_path: Path) -> None:
    path = tmp_path / "grows.raw"
    with RawRecorder(path) as recorder:
        for index in range(3):
            assert len(list(open_raw(str(path)))) == index
            recorder.write(uyvy(index))
    recorder.close()


def test_what_was_written_before_a_kill_is_there(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from firmware_bridge.raw_recording import RawRecorder\n"
        "from tests.firmware_bridge.test_raw_recording import uyvy\n"
        "recorder = RawRecorder(Path(sys.argv[1]))\n"
        "for index in range(10**9):\n"
        "    recorder.write(uyvy(index)); print(index, flush=True)\n"
    )
    path = tmp_path / "killed.raw"
    writer = subprocess.Popen([sys.executable, "-c", program, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 20:
            break
    writer.kill()
    told = 20 + len(writer.communicate(timeout=60)[0].splitlines())
    back = list(open_raw(str(path)))
    if back[-1].fault:
        assert back.pop().fault.endswith("amid another: the recording was cut off")
    assert len(back) > told
    for index, frame in enumerate(back):
        assert_same(frame, uyvy(index))


class TestCreation:
    def test_never_over_a_file_that_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "exam.raw"
        path.write_bytes(b"an earlier one")
        with pytest.raises(OutputError, match=r"exam\.raw: is there already: name a new file"):
            RawRecorder(path)
        assert path.read_bytes() == b"an earlier one"

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="cannot be made: No such file or directory"):
            RawRecorder(tmp_path / "none" / "a.raw")

    def test_a_file_whose_header_finds_no_room_is_not_left_behind(self, tmp_path: Path) -> None:
        with room_for(10), pytest.raises(OutputError, match="cannot be written after 0 frames"):
            RawRecorder(tmp_path / "a.raw")
        assert not list(tmp_path.iterdir())


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files of at most `size` bytes: the system then says what it says of a full disk, in another word."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("side", [8, 200])  # smaller and larger than what a file object holds back
def test_a_full_disk_is_one_error_and_the_frames_before_it_stay(tmp_path: Path, side: int) -> None:
    path = tmp_path / "full.raw"
    frames = [Frame(noise(index, side, side), index, index) for index in range(5)]
    room = written(tmp_path / "three.raw", *frames[:3]).stat().st_size + side
    with room_for(room):
        recorder = RawRecorder(path)
        with pytest.raises(OutputError, match=r"full\.raw: cannot be written after 3 frames: .*free space") as raised:
            for frame in frames:
                recorder.write(frame)
        assert "\n" not in str(raised.value)
        recorder.close()
    back = list(open_raw(str(path)))
    assert len(back) == recorder.frames == 3
    for read, wrote in zip(back, frames, strict=False):
        assert_same(read, wrote)


def read_to_the_end(data: bytes) -> tuple[list[Frame], str]:
    """The frames of a recording's bytes, and the line of the error that ended it, if one did."""
    frames: list[Frame] = []
    file = BytesIO(data)
    try:
        read_header(file, "a.raw")
        for frame in read_frames(file, "a.raw"):
            frames.append(frame)  # kept up to the error
    except RecordingError as error:
        return frames, str(error)
    return frames, ""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[int]]:
    """The bytes of a recording of `FRAMES`, and where each of its records ends."""
    path = tmp_path_factory.mktemp("raw") / "whole.raw"
    ends = []
    with RawRecorder(path) as recorder:
        for frame in FRAMES:
            recorder.write(frame)
            ends.append(path.stat().st_size)
    return path.read_bytes(), ends


def test_cut_anywhere_it_gives_the_frames_before_the_cut(whole: tuple[bytes, list[int]]) -> None:
    data, ends = whole
    for cut in range(len(data)):
        frames, error = read_to_the_end(data[:cut])
        assert bool(error) == (cut < FILE_HEAD)
        if not error and cut not in (FILE_HEAD, *ends):
            last = frames.pop()
            assert last.fault == f"a.raw: ends after {len(frames)} frames, amid another: the recording was cut off"
            assert last.pixels is None and not last.no_signal
            assert last.index > max((frame.index for frame in frames), default=-1)
        assert len(frames) == sum(end <= cut for end in ends)


def test_a_cut_is_told_on_stderr_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "power lost.raw", *map(uyvy, range(3)))
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):  # as in a replay over and over
        frames = list(open_raw(str(path)))
        assert [frame.pixels is None for frame in frames] == [False, False, True]
    line = "power lost.raw: ends after 2 frames, amid another: the recording was cut off"
    assert frames[-1].fault == line and frames[-1].taken_ns == frames[-2].taken_ns
    assert capsys.readouterr().err == f"sonoedge: warning: {line}\n"


def test_what_is_whole_of_a_cut_recording_is_graded(tmp_path: Path) -> None:
    screens = list(islice(open_source(str(demo_clip("transverse").path)), 3))
    path = written(tmp_path / "cut.raw", *screens)
    path.write_bytes(path.read_bytes()[:-100])
    assert main(["run", "--source", f"raw:{path}", "--report", str(tmp_path / "r.json")]) == DONE
    report = decode((tmp_path / "r.json").read_bytes(), "r.json")
    assert [frame.reason for frame in report.frames] == [None, None, Reason.UNREADABLE]


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5])
def test_ctrl_c_amid_a_frame_leaves_none_of_it(tmp_path: Path, parts: int) -> None:
    """`parts` of a record are written when it comes."""
    path = tmp_path / "stopped.raw"
    with RawRecorder(path) as recorder:
        recorder.write(uyvy(0))
        file = recorder._file
        recorder._file = Interrupted(file, parts)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            recorder.write(uyvy(1))
        recorder._file = file
    assert [frame.fault for frame in open_raw(str(path))] == [""]


class Interrupted:
    """A file whose writer is stopped after so many writes."""

    def __init__(self, file: BinaryIO, writes: int) -> None:
        self._file, self._left = file, writes

    def write(self, data: bytes) -> int:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._file.write(data)


@given(flips=st.dictionaries(st.integers(0, 2000), st.integers(1, 255), min_size=1, max_size=3))
def test_damaged_anywhere_it_gives_the_frames_before_and_an_error(
    whole: tuple[bytes, list[int]], flips: dict[int, int]
) -> None:
    data, ends = whole
    damaged = bytearray(data)
    for at, change in flips.items():
        damaged[at % len(data)] ^= change
    if damaged == data:  # two flips of one byte
        return
    first = next(at for at, (old, new) in enumerate(zip(data, damaged, strict=True)) if old != new)
    frames, error = read_to_the_end(bytes(damaged))
    assert error.startswith("a.raw: ") and "\n" not in error
    assert len(frames) == sum(end <= first for end in ends)
    for read, wrote in zip(frames, FRAMES, strict=False):
        np.testing.assert_array_equal(read.pixels, wrote.pixels)


def sealed(head: bytes, samples: bytes) -> bytes:
    """A record whose checksums are right, whatever it says."""
    lengths = struct.pack("<4sIQ", b"FRAM", len(head), len(samples))
    crcs = (struct.pack("<I", zlib.crc32(part)) for part in (lengths, head + samples))
    return lengths + next(crcs) + head + samples + next(crcs)


SIDES = st.lists(st.one_of(st.integers(-2, 4), st.integers()), max_size=4)
ANYTHING = st.one_of(st.none(), st.integers(-(2**63), 2**64 - 1), st.text(max_size=5), st.floats(), SIDES)
FIELDS = ("index", "shown_ns", "shape", "chroma_shape", "spacing", "region", "fault", "no_signal", "of a later version")
SPACINGS = st.fixed_dictionaries({"mm_per_px": ANYTHING, "provenance": st.sampled_from(["ruler", "none", "guess"])})
HEADS = st.fixed_dictionaries(
    {"index": st.just(1), "shown_ns": st.just(2), "shape": SIDES, "chroma_shape": SIDES},
    optional={"spacing": SPACINGS, "fault": ANYTHING, "region": st.fixed_dictionaries({"x": ANYTHING})},
)


def packed(fields: dict[str, object]) -> bytes | None:
    try:
        return msgspec.msgpack.encode(fields)
    except OverflowError:  # no number that a file could hold
        return None


NONSENSE = st.builds(packed, st.dictionaries(st.sampled_from(FIELDS), ANYTHING))


@given(head=st.one_of(st.binary(max_size=40), st.builds(packed, HEADS), NONSENSE), samples=st.binary(max_size=60))
def test_a_record_that_speaks_nonsense_is_an_error_or_a_picture(
    whole: tuple[bytes, list[int]], head: bytes | None, samples: bytes
) -> None:
    if head is None:
        return
    frames, error = read_to_the_end(whole[0][:FILE_HEAD] + sealed(head, samples))
    assert len(frames) == (not error)
    for frame in frames:
        planes = [plane for plane in (frame.pixels, frame.chroma) if plane is not None]
        assert b"".join(plane.tobytes() for plane in planes) == samples
        assert frame.pixels is None or frame.pixels.ndim == 2 or frame.pixels.shape[2] == 3


def test_what_a_later_version_adds_to_a_frame_is_passed_over(whole: tuple[bytes, list[int]]) -> None:
    head = msgspec.msgpack.encode({"index": 4, "shown_ns": 5, "shape": (1, 2), "lens": "wide"})
    frames, error = read_to_the_end(whole[0][:FILE_HEAD] + sealed(head, b"\x07\x09"))
    assert not error and frames[0].index == 4
    np.testing.assert_array_equal(frames[0].pixels, [[7, 9]])


@given(st.binary(max_size=64))
def test_other_bytes_are_no_recording(data: bytes) -> None:
    with pytest.raises(RecordingError, match=r"^a\.raw: no raw recording"):
        read_header(BytesIO(data), "a.raw")


def test_lengths_beyond_the_file_take_no_memory(whole: tuple[bytes, list[int]]) -> None:
    lengths = struct.pack("<4sIQ", b"FRAM", 2**32 - 1, 2**64 - 1)
    torn = whole[0] + lengths + struct.pack("<I", zlib.crc32(lengths)) + bytes(100)
    frames, error = read_to_the_end(torn)
    assert len(frames) == len(FRAMES) + 1 and not error
    assert "cut off" in frames[-1].fault


def test_a_newer_version_says_so() -> None:
    head = struct.pack("<7sBB3x", b"SONORAW", 2, 1)
    with pytest.raises(RecordingError, match="version 2: it needs a newer sonoedge"):
        read_header(BytesIO(head + struct.pack("<I", zlib.crc32(head))), "a.raw")


def test_opening_what_is_not_there_or_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_raw(str(tmp_path / "none.raw"))
    with pytest.raises(SourceError, match="is a folder"):
        open_raw(str(tmp_path))
    (tmp_path / "a.raw").touch()
    with pytest.raises(RecordingError, match=r"a\.raw: no raw recording"):
        open_raw(str(tmp_path / "a.raw"))
