"""The source `v4l2:` over a cable that fails in every way: nothing invalid is handed out, and it comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from edge.frame import Frame
from edge.sources import open_source
from firmware_bridge.errors import CaptureError
from firmware_bridge.v4l2_source import V4l2Source
from tests.contracts.source_contract import SourceContract
from tests.vm.vivid import VIDEO, Source, held

WHITE = 200  # grey levels: the source sends white, a lost signal shows as noise
SEEN_WITHIN_S, BACK_WITHIN_S = 1.0, 5.0
FAULTS_IN_A_BOOT = 100


class Reader:
    """Takes the newest frame again and again, as an exam does, and notes what it was."""

    def __init__(self, source: V4l2Source) -> None:
        self.source = source
        self.usable: list[tuple[float, tuple[int, ...], float]] = []  # when, its size, its darkest sample
        self.told: list[tuple[float, str]] = []  # when, and the fault
        self.failed: BaseException | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for frame in self.source:
                self._note(frame)
        except BaseException as error:
            self.failed = error

    def _note(self, frame: Frame) -> None:
        if frame.pixels is None:
            assert frame.no_signal
            self.told.append((time.monotonic(), frame.fault))
        else:
            self.usable.append((time.monotonic(), frame.pixels.shape, float(frame.pixels[::16, ::16].min())))

    def waits_for_frame(self, since: float, within_s: float) -> float:
        """Seconds until one was handed out."""
        while time.monotonic() - since < within_s + 0.5:
            if self.usable and self.usable[-1][0] > since:
                return self.usable[-1][0] - since
            time.sleep(0.005)
        raise AssertionError(f"no frame within {within_s} s: {self.source.events()[-6:]}")

    def waits_for_fault(self, since: float) -> float:
        """Seconds until the source knew."""
        while time.monotonic() - since < SEEN_WITHIN_S + 1:
            for event in self.source.events():
                if event.timestamp_ns / 1e9 > since and event.state != "live":
                    return event.timestamp_ns / 1e9 - since
            time.sleep(0.005)
        raise AssertionError(f"not seen: {self.source.events()[-6:]}")

    def close(self) -> None:
        self.source.close()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert self.failed is None, self.failed


@pytest.fixture
def far_end(vivid: None) -> Iterator[Source]:
    source = Source()
    source.shows("white")
    yield source
    source.close()


def no_signal(far_end: Source) -> Callable[[], None]:
    far_end.signal("no signal")
    return lambda: far_end.sends("720p60")


def no_lock(far_end: Source) -> Callable[[], None]:
    far_end.signal("no lock")
    return lambda: far_end.sends("720p60")


def out_of_range(far_end: Source) -> Callable[[], None]:
    far_end.signal("out of range")
    return lambda: far_end.sends("720p60")


def another_mode(far_end: Source) -> Callable[[], None]:
    far_end.sends("640x480p60")
    return lambda: far_end.sends("720p60")


def stall(far_end: Source) -> Callable[[], None]:
    far_end.set("percentage_of_dropped_buffers", 100)
    return lambda: far_end.set("percentage_of_dropped_buffers", 0)


def broken_stream(far_end: Source) -> Callable[[], None]:
    far_end.set("inject_fatal_streaming_error")
    return lambda: None


def unplugged(far_end: Source) -> Callable[[], None]:
    far_end.set("disconnect")
    far_end.close()  # it is back when nobody holds it

    def back() -> None:
        deadline = time.monotonic() + BACK_WITHIN_S
        while time.monotonic() < deadline:
            with suppress(CaptureError):
                far_end.__init__()
                break
            time.sleep(0.05)
        far_end.shows("white")

    return back


FAULTS = (no_signal, no_lock, out_of_range, another_mode, stall, broken_stream, unplugged)


def test_a_hundred_faults_in_one_boot(far_end: Source) -> None:
    files, threads = held(), threading.active_count()
    source = open_source(f"v4l2:{VIDEO}")
    assert isinstance(source, V4l2Source)
    reader = Reader(source)
    reader.waits_for_frame(time.monotonic(), BACK_WITHIN_S)
    seen_s, back_s = [], []
    for number in range(FAULTS_IN_A_BOOT):
        began = time.monotonic()
        mend = FAULTS[number % len(FAULTS)](far_end)
        seen_s.append(reader.waits_for_fault(began))
        mend()
        back_s.append(reader.waits_for_frame(time.monotonic(), BACK_WITHIN_S))
    reader.close()
    far_end.close()
    print(f"seen within {max(seen_s):.2f} s, back within {max(back_s):.2f} s, {len(reader.usable)} frames")
    assert max(seen_s) <= SEEN_WITHIN_S
    assert max(back_s) <= BACK_WITHIN_S
    assert min(darkest for _, _, darkest in reader.usable) >= WHITE, "noise was handed out"
    assert {shape for _, shape, _ in reader.usable} <= {(720, 1280), (480, 640)}
    reader.usable.clear()
    assert threading.active_count() == threads
    assert held()[0] <= files[0] and held()[1] == 0


def test_a_damaged_frame_is_left_out_and_counted(far_end: Source) -> None:
    reader = Reader(open_source(f"v4l2:{VIDEO}"))
    reader.waits_for_frame(time.monotonic(), BACK_WITHIN_S)
    far_end.set("inject_v4l2_buf_flag_error")
    reader.waits_for_frame(time.monotonic() + 0.3, BACK_WITHIN_S)
    reader.close()
    assert [event.state for event in reader.source.events()][-1] == "live"


def test_what_the_kernel_says_is_told_meanwhile(far_end: Source) -> None:
    far_end.signal("no signal")
    source = open_source(f"v4l2:{VIDEO}")
    frames = iter(source)
    told = [next(frames) for _ in range(5)]
    assert all(frame.pixels is None and frame.no_signal for frame in told)
    assert "no signal" in told[-1].fault
    assert [frame.index for frame in told] == list(range(5))
    gap_s = np.diff([frame.timestamp_ns for frame in told]) / 1e9
    assert gap_s.max() < 0.5
    far_end.sends("720p60")
    deadline = time.monotonic() + BACK_WITHIN_S
    assert any(frame.pixels is not None for frame in frames if time.monotonic() < deadline)
    source.close()
    assert list(frames) == []


class TestV4l2Source(SourceContract):
    """What every source promises; a device has no last frame, so it is closed after some."""

    frames = 6
    stream = True

    @pytest.fixture
    def opened(self, far_end: Source) -> Callable[[], V4l2Source]:
        return lambda: Some(open_source(f"v4l2:{VIDEO}"), self.frames)

    def test_time_stamps_are_of_the_monotonic_clock_at_delivery(self, opened: Callable[[], V4l2Source]) -> None:
        """The driver's: when the frame was captured, so perhaps before it was asked for."""
        began_ns, source = time.monotonic_ns(), opened()
        stamps = [frame.timestamp_ns for frame in source]
        assert began_ns < stamps[0] and stamps[-1] <= time.monotonic_ns()
        assert stamps == sorted(set(stamps))


class Some:
    """The first whole frames of a device, as if it ended then; numbered as they are taken."""

    def __init__(self, source: V4l2Source, count: int) -> None:
        self._source, self._count, self._left = source, count, count
        self.stream, self.close = source.stream, source.close

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Frame]:
        deadline = time.monotonic() + 4 * BACK_WITHIN_S
        for frame in self._source:
            assert time.monotonic() < deadline, self._source.events()
            if frame.pixels is None:
                continue
            self._left -= 1
            yield replace(frame, index=self._count - self._left - 1)
            if not self._left:
                self.close()
