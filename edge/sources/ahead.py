"""A recording whose next frame is decoded while this one is looked at. None is dropped, and one at most is held."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock

from edge.frame import Frame, FrameSource


class Ahead:
    """A FrameSource over another one that is no device, read in a thread of its own.

    The first is decoded at once, beside whatever is opened next. Frames are stamped when they are handed over: a
    recording's have no age before that. One thread may iterate while another closes: `close` waits for the frame under
    way.
    """

    def __init__(self, recording: FrameSource) -> None:
        self._recording = recording
        self._frames = iter(recording)
        self._decoder = ThreadPoolExecutor(1, "decode ahead")
        self._following = self._decode()
        self._closed = False
        self._lock = Lock()

    @property
    def stream(self) -> bool:
        return self._recording.stream

    def __len__(self) -> int:
        return len(self._recording)

    def __bool__(self) -> bool:
        return True  # a source of unknown length is not an empty one

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with self._lock:
            frame = None if self._closed else self._following.result()
            if frame is None:
                raise StopIteration
            self._following = self._decode()
        return replace(frame, timestamp_ns=time.monotonic_ns())

    def close(self) -> None:
        """Ends the decoding and closes the recording."""
        with self._lock:
            self._closed = True
            self._decoder.shutdown()
        self._recording.close()

    def _decode(self) -> Future[Frame | None]:
        return self._decoder.submit(next, self._frames, None)
