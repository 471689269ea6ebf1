"""The main job by HDMI: a machine's screen goes out of one socket and into another, and is graded as its file is.

The processor is emulated, inference a hundred times slower than on a device: most frames are overtaken, and those that
are graded are compared.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.cli import main
from edge.commands.exam import examine
from edge.frame import Frame, Pixels
from edge.pipeline import Observation, Options
from edge.report import Exam, FrameReport
from edge.sources import open_source
from firmware_bridge.hdmi import Receiver
from firmware_bridge.raw_recording import RawRecorder
from firmware_bridge.v4l2_node import Node
from tests.vm.hdmi_output import hdmi_output
from tests.vm.sweep import FPS, SIZE, number_of, read_sweep
from tests.vm.vivid import INPUT_AND_OUTPUT, MODES, QUIET, SIGNALS, VIDEO

GRADED_IN_BOTH = 10
SEEN_BY_HDMI = 60  # of 16 numbers, in no order, whichever the machine has time for

pytestmark = pytest.mark.parametrize("vivid", [INPUT_AND_OUTPUT], indirect=True, scope="session")


@pytest.fixture(scope="session")
def sweep() -> list[Pixels]:
    return read_sweep()


def uyvy(grey: Pixels) -> Pixels:
    packed = np.full((*grey.shape, 2), 128, np.uint8)
    packed[..., 1] = grey
    return packed


@pytest.fixture
def played(vivid: None, sweep: list[Pixels]) -> Iterator[None]:
    """The sweep goes round and round through the cable."""
    with_input = Node(VIDEO)
    controls = with_input.controls()
    with_input.set_control(controls["osd_text_mode"], QUIET["osd_text_mode"])
    with_input.set_control(controls["dv_timings_signal_mode"], SIGNALS["selected"])
    with_input.set_control(controls["dv_timings"], MODES["720p60"])
    receiver = Receiver(with_input)
    timing = receiver.status().timing
    assert timing and (timing.width, timing.height) == SIZE
    receiver.set_timing(timing)
    stop = threading.Event()

    def play() -> None:
        frames = [uyvy(grey).tobytes() for grey in sweep]
        with hdmi_output(timing) as output:
            shown = 0
            while not stop.wait(1 / FPS):
                output.send(frames[shown % len(frames)])
                shown += 1

    player = threading.Thread(target=play)
    player.start()
    with_input.set_control(controls["loop_video"], 1)
    with_input.close()
    yield
    stop.set()
    player.join()


def graded(uri: str, frames: int) -> dict[int, FrameReport]:
    """Of each number that was shown, its record; frames without a picture are left out.

    A slow machine shows one number several times over, the second time frozen: the one that was graded counts.
    """
    shown: list[int | None] = []

    def note(seen: Observation) -> None:
        shown.append(None if seen.frame.pixels is None else number_of(seen.frame.pixels))

    bundle = Bundle.open(packaged_bundle("transverse"))
    report = examine(bundle, Options(), open_source(uri), uri, budget_ms=60_000, exam=Exam(), watch=note, limit=frames)
    numbered = [(number, frame) for number, frame in zip(shown, report.frames, strict=True) if number is not None]
    return dict(sorted(numbered, key=lambda each: each[1].reason is None))


def recorded(sweep: list[Pixels], path: Path) -> str:
    with RawRecorder(path, stream=True) as recorder:
        for number, grey in enumerate(sweep):
            packed = uyvy(grey)
            chroma = packed.reshape(SIZE[1], -1, 4)[..., 0::2]
            recorder.write(Frame(packed[..., 1], round(number / FPS * 1e9), number, chroma=chroma))
    return f"raw:{path}"


def test_a_screen_by_hdmi_is_graded_as_its_file_is(played: None, sweep: list[Pixels], tmp_path: Path) -> None:
    by_file = graded(recorded(sweep, tmp_path / "sweep.raw"), len(sweep))
    by_hdmi = graded(f"v4l2:{VIDEO}", SEEN_BY_HDMI)
    both = sorted(
        number
        for number in by_file.keys() & by_hdmi.keys()
        if by_file[number].reason is None and by_hdmi[number].reason is None
    )
    reasons = {number: (by_file[number].reason, by_hdmi[number].reason) for number in by_hdmi if number in by_file}
    assert len(both) >= GRADED_IN_BOTH, reasons
    for number in both:
        one, other = by_file[number], by_hdmi[number]
        assert (one.roi, one.spacing) == (other.roi, other.spacing)
        assert (one.grade, one.probabilities) == (other.grade, other.probabilities)
        assert one.nerve is not None and other.nerve is not None
        assert one.nerve.csa_mm2 == other.nerve.csa_mm2


def test_the_command_grades_what_comes_by_hdmi(played: None, tmp_path: Path, capsys) -> None:
    report = tmp_path / "r.json"
    words = ["run", "--source", f"v4l2:{VIDEO}", "--frames", "12", "--report", str(report)]
    assert main(words) == 0
    said = json.loads(report.read_text())
    assert [event["state"] for event in said["source"]["events"]][-1] == "live"
    assert said["source"]["dropped"] > 0
    assert any(frame["roi"] for frame in said["frames"])
    assert f"overtaken    {said['source']['dropped']} frames" in capsys.readouterr().out
