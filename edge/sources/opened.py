"""The one FrameSource of all that is read from files: a generator of frames, and how to let go of what it reads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from threading import Lock

from edge.frame import Frame


class OpenedSource:
    """A FrameSource over `frames`; a decoder is thus one generator function and no class.

    `release` frees what was opened before the generator first ran: closing a generator that never ran skips its
    `finally`. One thread may iterate while another closes: `close` waits for the frame under way.
    """

    def __init__(
        self,
        frames: Generator[Frame, None, None],
        *,
        count: int,  # 0 = not known
        stream: bool,
        release: Callable[[], object] = lambda: None,
    ) -> None:
        self._frames = frames
        self._count = count
        self._stream = stream
        self._release = release
        self._lock = Lock()

    @property
    def stream(self) -> bool:
        return self._stream

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return True  # a source of unknown length is not an empty one

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with self._lock:
            return next(self._frames)

    def close(self) -> None:
        with self._lock:
            self._frames.close()
            self._release()
