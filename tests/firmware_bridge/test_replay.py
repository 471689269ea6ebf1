"""A recording that stands for a device: its own pace, the newest frame, and an account of what was not taken."""

from __future__ import annotations

import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.frame import Frame, LiveSource
from edge.sources import open_source
from firmware_bridge.errors import RecordingError
from firmware_bridge.raw_recording import RawRecorder, open_raw
from firmware_bridge.replay import LONGEST_GAP_NS, Pace, Replay, open_replay
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import shared, write_video

MS = 1_000_000


def frame(index: int, taken_ms: int, **fields: object) -> Frame:
    return Frame(np.full((4, 6), index, np.uint8), 0, index, taken_ns=taken_ms * MS, **fields)  # type: ignore[arg-type]


def recorded(path: Path, *frames: Frame) -> Path:
    with RawRecorder(path) as recorder:
        for each in frames:
            recorder.write(each)
    return path


def replayed(path: Path, *, fps: float | None = None, loop: bool = False) -> Replay:
    return Replay(partial(open_raw, str(path)), fps=fps, loop=loop)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Fifty frames, 10 ms apart."""
    return recorded(tmp_path / "sweep.raw", *(frame(index, 10 * index) for index in range(50)))


class TestReplayContract(SourceContract):
    frames = 4
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        path = recorded(tmp_path / "sweep.raw", *(frame(index, 120 * index) for index in range(4)))
        return partial(replayed, path)


class TestReplayOfAVideoContract(SourceContract):
    frames = 4
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        write_video(tmp_path / "clip.avi", "MJPG", self.frames)
        return partial(open_replay, f"{tmp_path}/clip.avi?fps=8")


class TestPace:
    def test_it_is_that_of_the_time_stamps(self) -> None:
        pace, taken_ms = Pace(None), (500, 540, 545, 900)
        due = [pace.due_ns(frame(0, at), now_ns=77) for at in taken_ms]
        assert due == [77 + (at - 500) * MS for at in taken_ms]

    def test_it_is_thirty_a_second_without_them(self) -> None:
        pace = Pace(None)
        due = [pace.due_ns(Frame(None, 5, index), now_ns=100) for index in range(3)]
        assert due == [100, 100 + 33_333_333, 100 + 66_666_666]

    def test_fps_has_the_last_word(self) -> None:
        pace = Pace(50.0)
        assert [pace.due_ns(frame(0, at), now_ns=0) for at in (0, 1, 900)] == [0, 20 * MS, 40 * MS]

    def test_another_round_begins_a_frame_later(self) -> None:
        pace = Pace(None)
        pace.due_ns(frame(0, 0), now_ns=0)
        pace.due_ns(frame(1, 500), now_ns=0)
        pace.rewind()
        assert pace.due_ns(frame(0, 0), now_ns=0) == 500 * MS + 33_333_333

    @given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63)), min_size=1, max_size=20))
    def test_no_time_stamp_stops_it_or_turns_it_back(self, stamps: list[int | None]) -> None:
        pace = Pace(None)
        due = [pace.due_ns(Frame(None, 0, 0, taken_ns=stamp), now_ns=0) for stamp in stamps]
        assert all(0 <= later - sooner <= LONGEST_GAP_NS for sooner, later in pairwise(due))


def test_frames_come_when_they_are_due_on_the_clock_of_now(tmp_path: Path) -> None:
    taken_ms = (1000, 1050, 1350, 1400)
    path = recorded(tmp_path / "a.raw", *(frame(index, at) for index, at in enumerate(taken_ms)))
    begun_ns = time.monotonic_ns()
    seen = list(replayed(path))
    assert [each.index for each in seen] == [0, 1, 2, 3]
    for each, at in zip(seen, taken_ms, strict=True):
        after_ns = each.timestamp_ns - begun_ns
        assert (at - 1000) * MS <= after_ns < (at - 1000) * MS + 2_000 * MS  # never early; late on a busy machine
        assert each.taken_ns is None and each.shown_ns == each.timestamp_ns


def test_a_slow_reader_gets_the_newest_and_each_drop_is_counted(sweep: Path) -> None:
    source = replayed(sweep)
    seen, ages_ms = [], []
    for each in source:
        ages_ms.append((time.monotonic_ns() - each.timestamp_ns) / MS)
        seen.append(each.index)
        time.sleep(0.1)
    assert seen == sorted(set(seen))
    assert len(seen) <= 8  # of half a second, one in each tenth
    assert seen[-1] == 49
    assert np.median(ages_ms) < 50  # ten frames were put while the reader slept: had they queued, it were 100 and more
    assert source.dropped == 50 - len(seen)


def test_the_last_frame_waits_for_a_reader_who_comes_late(sweep: Path) -> None:
    source = replayed(sweep)
    frames = iter(source)
    next(frames)
    time.sleep(0.8)
    assert [each.index for each in frames] == [49]


def test_it_begins_when_somebody_looks(sweep: Path) -> None:
    source = replayed(sweep)
    time.sleep(0.2)
    assert source.dropped == 0 and source.events() == ()
    assert next(iter(source)).index <= 2
    source.close()


def test_what_is_kept_stays_as_it_was(sweep: Path) -> None:
    kept = list(replayed(sweep, fps=200))
    for each in kept:
        assert each.pixels is not None and (each.pixels == each.index).all()


def test_it_tells_what_befell_it(tmp_path: Path) -> None:
    out = Frame(None, 0, 1, fault="no signal: the cable is out", no_signal=True, taken_ns=MS)
    source = replayed(recorded(tmp_path / "a.raw", frame(0, 0), out, frame(2, 2), frame(3, 3)))
    assert isinstance(source, LiveSource)
    list(source)
    told = source.events()
    assert [event.state for event in told] == ["live", "no signal", "live", "absent"]
    assert [event.why for event in told][1::2] == ["no signal: the cable is out", "the recording is over"]
    assert [event.timestamp_ns for event in told] == sorted(event.timestamp_ns for event in told)


def test_what_the_recording_left_out_is_left_out_again(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.raw", frame(3, 0), frame(5, 120))
    source = replayed(path, loop=True)
    frames = iter(source)
    assert [next(frames).index for _ in range(4)] == [3, 5, 9, 11]
    source.close()


def test_a_damaged_recording_ends_with_its_own_error(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.raw", *(frame(index, 100 * index) for index in range(3)))
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    source, seen = replayed(path), []
    with pytest.raises(RecordingError, match=r"a\.raw: damaged after 2 frames"):
        for each in source:
            seen.append(each.index)  # kept up to the error
    assert seen == [0, 1]
    assert source.events()[-1].why == "the recording cannot be read on"
    assert list(source) == []


def test_an_empty_recording_ends_even_over_and_over(tmp_path: Path) -> None:
    assert list(replayed(recorded(tmp_path / "a.raw"), loop=True)) == []


def test_over_and_over_until_it_is_closed(tmp_path: Path) -> None:
    source = replayed(recorded(tmp_path / "a.raw", frame(0, 0), frame(1, 5)), loop=True)
    seen = [each.index for _, each in zip(range(10), source, strict=False)]
    assert seen == sorted(set(seen)) and seen[-1] >= 9
    assert [event.state for event in source.events()] == ["live"]
    source.close()


def test_close_does_not_wait_for_the_next_frame(tmp_path: Path) -> None:
    source = replayed(recorded(tmp_path / "a.raw", frame(0, 0), frame(1, 9_000)))
    frames = iter(source)
    next(frames)
    threading.Timer(0.1, source.close).start()
    begun = time.monotonic()
    assert list(frames) == []
    assert time.monotonic() - begun < 5
    source.close()
    assert "replay" not in {thread.name for thread in threading.enumerate()}


class TestOptions:
    def test_a_name_may_hold_a_question_mark(self, tmp_path: Path) -> None:
        write_video(tmp_path / "what?fps=x.avi", "MJPG", 2)
        source = open_replay(f"{tmp_path}/what?fps=x.avi")
        assert len(list(source)) == 2

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            ("fps=0", "fps is a number of 0.01 to 1000"),
            ("fps=nan", "fps is a number"),
            ("fps=inf", "fps is a number"),
            ("fps=fast", "fps is a number"),
            ("fps", "fps is a number"),
            ("loop=2", "there is no such option"),
            ("speed=2", "there is no such option"),
            ("fps=30&speed=2", "there is no such option"),
        ],
    )
    def test_one_that_is_none_is_one_line(self, sweep: Path, words: str, what: str) -> None:
        with pytest.raises(SourceError, match=r"^replay:.*sweep\.raw") as raised:
            open_replay(f"{sweep}?{words}")
        assert what in str(raised.value) and "\n" not in str(raised.value)

    def test_nothing_named(self) -> None:
        for rest in ("", "?loop=1"):
            with pytest.raises(SourceError, match="name the recording"):
                open_replay(rest)

    def test_what_is_not_there(self) -> None:
        with pytest.raises(SourceError, match=r"none\.mp4: no such file"):
            open_replay("none.mp4?loop=1")

    def test_a_device_is_no_recording(self, sweep: Path) -> None:
        with pytest.raises(SourceError, match="a device and no recording"):
            Replay(partial(replayed, sweep))


def test_by_its_address(sweep: Path) -> None:
    source = open_source(f"replay:raw:{sweep}?fps=200&loop=1")
    frames = iter(source)
    seen = [next(frames).index for _ in range(3)]
    source.close()
    assert seen == sorted(set(seen))


def test_a_frame_grabber_s_recording_stands_for_a_device() -> None:
    path = shared("framegrabber/USTC_FrameGrabber_TemplateTranslationData.igs.mha")
    stored = {each.index: each for _, each in zip(range(20), open_source(str(path)), strict=False)}
    source = open_replay(str(path))
    seen = [each for _, each in zip(range(10), source, strict=False)]
    source.close()
    assert len(seen) == 10
    for each in seen:
        np.testing.assert_array_equal(each.pixels, stored[each.index].pixels)
    then_s = (stored[seen[-1].index].shown_ns - stored[seen[0].index].shown_ns) / 1e9
    now_s = (seen[-1].timestamp_ns - seen[0].timestamp_ns) / 1e9
    assert then_s > 0.5 and abs(now_s - then_s) < 0.5
