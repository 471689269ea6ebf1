"""`sonoedge device record`: what is written is nobody's unless told, whole whatever ends it; bad use is one line."""

from __future__ import annotations

import argparse
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.commands.demo import demo_clip
from edge.errors import SonoEdgeError
from edge.frame import Frame, Pixels, Roi
from edge.recorder import TEXT_LEFT
from edge.screen.read import ScreenReader
from edge.sources import open_source
from firmware_bridge.commands.device_record import COMMAND
from firmware_bridge.raw_recording import RawRecorder, open_raw
from tests.edge.sources.files import mha_bytes, shared
from tests.edge.test_screen_marks import FONTS, ink, painted, tissue

ROOT = Path(__file__).resolve().parents[2]
DEMO = demo_clip("transverse").path


def record(file: Path, source: Path | str, *words: str) -> int:
    """The command, in this process."""
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.run(parser.parse_args([str(file), "--source", str(source), *words]))


def process(file: Path, source: str, *words: str, preexec: Callable[[], object] | None = None) -> subprocess.Popen[str]:
    """The command, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "device", "record", "--source", source, str(file), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=preexec,  # noqa: PLW1509
    )  # fmt: skip


def mha(path: Path, frames: list[Pixels]) -> Path:
    """A recording of grey frames, 40 ms apart."""
    size = f"{frames[0].shape[1]} {frames[0].shape[0]} {len(frames)}"
    path.write_bytes(mha_bytes(np.stack(frames), DimSize=size, Seq_Frame0000_Timestamp=None))
    return path


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A second of small noise."""
    rng = np.random.default_rng(1)
    return mha(tmp_path / "sweep.mha", [rng.integers(0, 256, (48, 64), dtype=np.uint8) for _ in range(25)])


def test_of_each_screen_the_picture_alone_with_its_spacing_and_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "demo.raw"
    assert record(file, DEMO, "--seconds", "0.5") == 0
    reader, screens = ScreenReader(stream=True), iter(open_source(str(DEMO)))
    back = list(open_raw(str(file)))
    assert [frame.index for frame in back] == [0, 1, 2, 3, 4, 5]  # of 12 a second
    for frame, screen in zip(back, screens, strict=False):
        scan = reader(screen).scan
        assert scan is not None and frame.pixels is not None and screen.pixels is not None
        np.testing.assert_array_equal(frame.pixels, scan.pixels)
        assert frame.pixels.size < 0.4 * screen.pixels[..., 0].size
        assert frame.spacing == scan.spacing and frame.spacing.provenance == "ruler"
        assert frame.region == Roi(0, 0, *frame.pixels.shape[::-1])
        assert frame.taken_ns == screen.taken_ns
    told = capsys.readouterr()
    assert told.out.startswith("frames       6 written of 6\nrecording    ") and "names" not in told.err


def test_the_picture_alone_is_read_again_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "demo.raw"
    record(file, DEMO, "--seconds", "0.3")
    again = ScreenReader(stream=True)
    for frame in open_raw(str(file)):
        scan = again(frame).scan
        assert scan is not None and frame.pixels is not None
        assert scan.pixels.shape == frame.pixels.shape and scan.spacing == frame.spacing
        assert np.abs(scan.pixels.astype(int) - frame.pixels).mean() < 1


def test_a_name_that_was_typed_into_the_picture_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [tissue(0, moved=index) for index in range(10)]
    name = ink((480, 640), "SMITH John", 18, (0.5, 0.5), FONTS[0])
    typed_at = 6
    source = mha(
        tmp_path / "a.mha", [painted(each, name, 230) if at >= typed_at else each for at, each in enumerate(frames)]
    )
    file = tmp_path / "a.raw"
    assert record(file, source, "--roi", "0,0,640,480") == 0
    back = list(open_raw(str(file)))
    assert {0, 1, 2, 3} <= {frame.index for frame in back}
    for frame in back:
        assert frame.pixels is not None
        assert frame.pixels[name > 100].mean() < 160
    told = capsys.readouterr().out
    assert f"{len(back)} written of 10; {10 - len(back)} {TEXT_LEFT}" in told and len(back) < 10


def test_as_captured_is_the_whole_screen_and_a_warning(
    tmp_path: Path, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.raw"
    assert record(file, sweep, "--as-captured") == 0
    for frame, screen in zip(open_raw(str(file)), open_source(str(sweep)), strict=True):
        np.testing.assert_array_equal(frame.pixels, screen.pixels)
        assert (frame.taken_ns, frame.index) == (screen.taken_ns, screen.index)
    told = capsys.readouterr()
    assert told.err == f"sonoedge: warning: {file} will hold whole screens: names may be in it\n"
    assert "25 written of 25" in told.out


def test_no_signal_is_recorded_as_captured_and_left_out_otherwise(
    tmp_path: Path, sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = tmp_path / "lost.raw"
    with RawRecorder(lost) as recorder:
        recorder.write(Frame(None, 5, 0, fault="no signal: the cable is out", no_signal=True))
    assert record(tmp_path / "all.raw", f"raw:{lost}", "--as-captured") == 0
    (frame,) = open_raw(str(tmp_path / "all.raw"))
    assert frame.no_signal and frame.fault == "no signal: the cable is out"
    assert record(tmp_path / "none.raw", f"raw:{lost}") == 1
    assert "frames       0 written of 1; 1 no signal" in capsys.readouterr().out
    assert not (tmp_path / "none.raw").exists()


def test_what_a_device_dropped_is_told(tmp_path: Path, sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path / "all.raw", f"replay:{sweep}?fps=100", "--as-captured") == 0
    frames, dropped = capsys.readouterr().out.splitlines()[:2]
    assert int(frames.split()[1]) + int(dropped.removeprefix("dropped")) == 25


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--as-captured", "--roi", "0,0,8,8"), "--as-captured: the screen is not read"),
        (("--as-captured", "--spacing-mm", "0.1"), "--as-captured: the screen is not read"),
        (("--spacing-mm", "nan"), "--spacing-mm nan"),
        (("--roi", "0,0,999,999"), "lies outside"),
    ],
)
def test_bad_words_are_one_line_and_leave_no_file(
    tmp_path: Path, sweep: Path, words: tuple[str, ...], what: str
) -> None:
    with pytest.raises(SonoEdgeError, match=what) as raised:
        record(tmp_path / "a.raw", sweep, *words)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "a.raw").exists()


def refused(file: Path, source: str, *words: str, preexec: Callable[[], object] | None = None) -> str:
    """The one line of a refusal."""
    run = process(file, source, *words, preexec=preexec)
    out, told = run.communicate(timeout=60)
    assert run.returncode == 2, told
    assert not out and len(told.splitlines()) == 1
    return told


def test_bad_files_and_sources_are_one_line_and_exit_2(tmp_path: Path, sweep: Path) -> None:
    assert "no such file or folder" in refused(tmp_path / "a.raw", "none.mp4")
    assert "is not a number above 0" in refused(tmp_path / "a.raw", str(sweep), "--seconds", "0")
    assert "is there already" in refused(sweep, str(sweep), "--as-captured")
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.mha"]


def test_a_full_disk_is_one_line_and_what_was_written_stays(tmp_path: Path, sweep: Path) -> None:
    def room_for_some() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    run = process(tmp_path / "a.raw", str(sweep), "--as-captured", preexec=room_for_some)
    warning, line = run.communicate(timeout=60)[1].splitlines()
    assert run.returncode == 2 and "warning" in warning
    assert "a.raw: cannot be written after 6 frames" in line
    assert len(list(open_raw(str(tmp_path / "a.raw")))) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_ends_in_good_order(tmp_path: Path, sweep: Path, number: signal.Signals) -> None:
    file = tmp_path / "a.raw"
    run = process(
        file,
        f"replay:{sweep}?loop=1",
        "--as-captured",
        preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )
    deadline = time.monotonic() + 60
    while (not file.exists() or file.stat().st_size < 60_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(number)
    out, told = run.communicate(timeout=60)
    assert run.returncode == 0, told
    written = int(out.split()[1])
    back = list(open_raw(str(file)))
    assert 15 <= written <= len(back) <= written + 1
    assert not any(frame.fault for frame in back), "the last frame is whole"
    assert "Traceback" not in told


def test_a_real_recording(tmp_path: Path) -> None:
    clip = shared("framegrabber/BoneUltrasound_L14.igs.mha")
    file = tmp_path / "bone.raw"
    assert record(file, clip) == 0
    back, screens = list(open_raw(str(file))), list(open_source(str(clip)))
    assert 15 <= len(back) <= len(screens)
    for frame in back:
        screen = screens[frame.index]
        assert frame.pixels is not None and screen.pixels is not None
        assert frame.pixels.size < screen.pixels.size and frame.taken_ns == screen.taken_ns
