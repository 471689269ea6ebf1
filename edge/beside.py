"""A watcher beside the frames: in a thread of its own, one frame at a time; what comes meanwhile it does not see."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from edge.examine import Watcher
from edge.pipeline import Observation


class Beside:
    """For a live source: a slow disk costs pictures, never a frame's age."""

    def __init__(self, watch: Watcher) -> None:
        self.missed = 0  # frames that went by while one was watched
        self._watch = watch
        self._thread = ThreadPoolExecutor(1, "beside")
        self._last: Future[None] | None = None

    def __call__(self, seen: Observation) -> None:
        """Raises what the watcher raised at the frame before."""
        if self._last is not None:
            if not self._last.done():
                self.missed += 1
                return
            self._last.result()
        self._last = self._thread.submit(self._watch, seen.kept())

    def close(self) -> None:
        """Waits for the last frame; raises what the watcher raised at it."""
        self._thread.shutdown()
        last, self._last = self._last, None
        if last is not None:
            last.result()
