"""What every source of frames promises (`edge.frame.FrameSource`), checked once, inherited by each backend's test."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from edge.frame import Frame, FrameSource

Open = Callable[[], FrameSource]


class SourceContract:
    """Subclass it as `TestSomething`, override `opened`, and say what comes: `frames` of them, on one screen or not."""

    frames: int
    stream: bool

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        """A function that opens a fresh source of `frames` whole frames, at least two, made under `tmp_path`."""
        raise NotImplementedError

    def test_is_a_frame_source(self, opened: Open) -> None:
        source = opened()
        assert isinstance(source, FrameSource)
        assert source.stream is self.stream
        source.close()

    def test_gives_each_frame_once_in_order(self, opened: Open) -> None:
        source = opened()
        assert [frame.index for frame in source] == list(range(self.frames))
        assert list(source) == []

    def test_length_is_right_or_unknown(self, opened: Open) -> None:
        source = opened()
        assert len(source) in {0, self.frames}
        assert bool(source)
        source.close()

    def test_pixels_are_8_bit_grey_or_bgr(self, opened: Open) -> None:
        for frame in opened():
            pixels = frame.pixels
            assert pixels is not None, frame.fault
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 2 or pixels.shape[2:] == (3,)
            assert min(pixels.strides) > 0  # a view into a larger memory may have gaps
            assert not frame.fault

    def test_a_frame_that_is_kept_keeps_its_pixels(self, opened: Open) -> None:
        kept: list[Frame] = []
        copies = []
        for frame in opened():
            assert frame.pixels is not None
            kept.append(frame)
            copies.append(frame.pixels.copy())
        for frame, copy in zip(kept, copies, strict=True):
            np.testing.assert_array_equal(frame.pixels, copy)

    def test_time_stamps_are_of_the_monotonic_clock_at_delivery(self, opened: Open) -> None:
        source = opened()
        for frame in source:
            asked = time.monotonic_ns()
            assert frame.timestamp_ns <= asked
            break
        for frame in source:
            assert asked <= frame.timestamp_ns <= time.monotonic_ns()
            asked = time.monotonic_ns()

    @pytest.mark.parametrize("taken", [0, 1, 2])
    def test_after_close_nothing_comes(self, opened: Open, taken: int) -> None:
        source = opened()
        frames = iter(source)
        for _ in range(taken):
            next(frames)
        source.close()
        source.close()
        assert list(frames) == []
        assert list(source) == []

    @pytest.mark.parametrize("taken", [0, 1])
    def test_close_lets_go_of_the_file(self, opened: Open, tmp_path: Path, taken: int) -> None:
        source = opened()
        for _, _frame in zip(range(taken), source, strict=False):
            pass
        source.close()
        held = [str(link.resolve()) for link in Path("/proc/self/fd").iterdir()]
        assert not [path for path in held if path.startswith(str(tmp_path))]

    def test_one_thread_may_close_while_another_reads(self, opened: Open) -> None:
        source = opened()
        seen: list[int] = []
        errors: list[Exception] = []

        def read() -> None:
            try:
                seen.extend(frame.index for frame in source)
            except Exception as error:  # whatever it is, the assertion below shows it
                errors.append(error)

        reader = Thread(target=read)
        reader.start()
        source.close()
        reader.join(timeout=10)
        assert not reader.is_alive()
        assert not errors
        assert seen == list(range(len(seen)))
