"""Decoding ahead: the same frames, one early at most, and the errors of the recording where they belong."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from edge.errors import SourceError
from edge.frame import Frame
from edge.sources.ahead import Ahead
from edge.sources.opened import OpenedSource
from edge.sources.video import open_video
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import write_video


class TestAheadContract(SourceContract):
    frames = 8
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        path = tmp_path / "clip.avi"
        write_video(path, "MJPG", self.frames)
        return lambda: Ahead(open_video(str(path)))


def counted(decoded: list[int], count: int = 5, error: str = "") -> OpenedSource:
    def frames():
        for index in range(count):
            decoded.append(index)
            yield Frame(None, time.monotonic_ns(), index)
        if error:
            raise SourceError(error)

    return OpenedSource(frames(), count=count, stream=True)


def test_one_frame_is_decoded_ahead_and_no_more():
    decoded: list[int] = []
    source = Ahead(counted(decoded))
    next(source)
    deadline = time.monotonic() + 10
    while len(decoded) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)
    assert decoded == [0, 1]
    source.close()


def test_a_frame_has_no_age_when_it_is_handed_over():
    source = Ahead(counted([]))
    next(source)
    time.sleep(0.1)
    asked = time.monotonic_ns()
    assert next(source).timestamp_ns >= asked
    source.close()


def test_the_recordings_error_comes_after_its_last_frame_and_again():
    source, seen = Ahead(counted([], 3, error="cut short")), []
    with pytest.raises(SourceError, match="cut short"):
        seen.extend(source)
    with pytest.raises(SourceError, match="cut short"):
        next(source)
    source.close()


def test_closing_ends_the_thread_and_the_iteration():
    source = Ahead(counted([]))
    next(source)
    source.close()
    source.close()
    assert list(source) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode ahead")]
