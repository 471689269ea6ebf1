"""`replay:PATH`: a recording played at its own pace, newest frame first, so that it can stand for a device.

    replay:clip.mp4           whatever a source reads, by its own time stamps; without them, 30 frames a second
    replay:raw:sweep.raw      as recorded from a device
    replay:folder?fps=10      so many frames a second, whatever the recording says
    replay:clip.mp4?loop=1    over and over

It begins when somebody first asks for a frame. As with a device, what is not taken in time is dropped and counted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from edge.errors import SonoEdgeError, SourceError
from edge.frame import Frame, FrameSource, LiveSource, SourceEvent
from edge.latest import Latest
from edge.sources import open_source
from edge.sources.paths import is_there

FPS = 30.0  # of a recording without time stamps
FPS_RANGE = 0.01, 1000.0
LONGEST_GAP_NS = 10_000_000_000  # what was left out of a recording for longer is not waited for
LOOK_EVERY_S = 0.1  # whether it is over
REMEMBERED = 1000  # events


def open_replay(rest: str) -> Replay:
    """The source `replay:<rest>`.

    Raises:
        SourceError: there is no such recording, it is a device, or an option is none.
    """
    whole = is_there(Path(rest))  # a name may hold a question mark
    uri, _, words = (rest, "", "") if whole else rest.partition("?")
    if not uri:
        raise SourceError("replay: name the recording, like replay:clip.mp4")
    fps, loop = _options(rest, words)
    return Replay(partial(open_source, uri), fps=fps, loop=loop)


def _options(rest: str, words: str) -> tuple[float | None, bool]:
    """Frames a second, None where not said, and whether it is played over and over."""
    given = dict(word.partition("=")[::2] for word in words.split("&") if word)
    try:
        fps = float(given.pop("fps")) if "fps" in given else None
    except ValueError:
        fps = 0.0
    loop = given.pop("loop", "0")
    if fps is not None and not FPS_RANGE[0] <= fps <= FPS_RANGE[1]:
        raise SourceError(f"replay:{rest}: fps is a number of {FPS_RANGE[0]:g} to {FPS_RANGE[1]:g}")
    if given or loop not in ("0", "1"):
        raise SourceError(f"replay:{rest}: there is no such option, only fps=30 and loop=1")
    return fps, loop == "1"


class Pace:
    """When each frame of a recording is due: as long after the one before as it was then, or as `fps` says."""

    def __init__(self, fps: float | None) -> None:
        self._by_stamps = fps is None
        self._step_ns = round(1e9 / (fps or FPS))
        self._due_ns: int | None = None
        self._taken_ns: int | None = None

    def due_ns(self, frame: Frame, now_ns: int) -> int:
        """When the next frame is due, time.monotonic_ns(); the first is so at once."""
        gap_ns = self._step_ns
        if self._by_stamps and frame.taken_ns is not None and self._taken_ns is not None:
            gap_ns = min(max(0, frame.taken_ns - self._taken_ns), LONGEST_GAP_NS)
        self._taken_ns = frame.taken_ns
        self._due_ns = now_ns if self._due_ns is None else self._due_ns + gap_ns
        return self._due_ns

    def rewind(self) -> None:
        """The recording begins again: its clock jumps back."""
        self._taken_ns = None


class Replay:
    """A LiveSource: one thread decodes a frame ahead and puts it into the slot when it is due."""

    stream = True

    def __init__(
        self, open_recording: Callable[[], FrameSource], *, fps: float | None = None, loop: bool = False
    ) -> None:
        """`open_recording` opens it at its beginning; `fps` takes the place of its own pace.

        Raises:
            SourceError: it cannot be opened, or is a device.
        """
        self._open, self._pace, self._loop = open_recording, Pace(fps), loop
        self._recording = open_recording()
        if isinstance(self._recording, LiveSource):
            self._recording.close()
            raise SourceError("replay: this is a device and no recording: leave out replay:")
        self._frames: Latest[Frame] = Latest()
        self._events: deque[SourceEvent] = deque(maxlen=REMEMBERED)
        self._error: SonoEdgeError | None = None
        self._next_index = 0
        self._stopping, self._over = Event(), Event()
        self._starting = Lock()
        self._thread = Thread(target=self._play, name="replay", daemon=True)

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # a source of unknown length is not an empty one

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame, each time it is asked for.

        Raises:
            SourceError: the recording's own, after the last of its frames.
        """
        with self._starting:
            if self._thread.ident is None and not self._stopping.is_set():
                self._thread.start()
        while not self._stopping.is_set():
            over = self._over.is_set()  # asked before the slot is: what was put last is still taken
            frame = self._frames.take(0.0 if over else LOOK_EVERY_S)
            if frame is not None:
                yield frame
            elif over:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                return

    def events(self) -> tuple[SourceEvent, ...]:
        """When it began, when a signal was lost and came back as recorded, and when it was over."""
        return tuple(self._events.copy())

    @property
    def dropped(self) -> int:
        """Frames that a newer one overtook."""
        return self._frames.overtaken

    def close(self) -> None:
        """Ends it, and lets go of the recording."""
        self._stopping.set()
        self._frames.close()
        with self._starting:
            started = self._thread.ident is not None
        if started:
            self._thread.join()
        self._recording.close()

    def _play(self) -> None:
        try:
            while self._play_once() and self._loop:
                self._recording.close()
                self._recording = self._open()
                self._pace.rewind()
        except SonoEdgeError as error:
            self._error = error
        finally:
            self._recording.close()
            if not self._stopping.is_set():
                why = "the recording is over" if self._error is None else "the recording cannot be read on"
                self._tell("absent", why)
            self._over.set()

    def _play_once(self) -> bool:
        """Whether it gave a frame, and is not to stop."""
        first = self._next_index
        for frame in self._recording:
            now_ns = time.monotonic_ns()
            due_ns = self._pace.due_ns(frame, now_ns)
            if self._stopping.wait(max(0, due_ns - now_ns) / 1e9):
                return False
            # What the recording left out is left out here as well.
            self._next_index = max(self._next_index, first + frame.index)
            self._put(replace(frame, timestamp_ns=time.monotonic_ns(), index=self._next_index, name="", taken_ns=None))
            self._next_index += 1
        return self._next_index > first

    def _put(self, frame: Frame) -> None:
        if frame.no_signal:
            self._tell("no signal", frame.fault)
        else:
            self._tell("live", "the recording plays")
        self._frames.put(frame)

    def _tell(self, state: str, why: str) -> None:
        """Notes a change of state."""
        if not self._events or self._events[-1].state != state:
            self._events.append(SourceEvent(time.monotonic_ns(), state, why))
