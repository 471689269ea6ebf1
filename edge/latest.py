"""A slot for one thing: the newest wins, and what it overtakes is counted. Nothing queues."""

from __future__ import annotations

from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Between one thread that puts and one that takes."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._held: T | None = None
        self._closed = False
        self.overtaken = 0

    def put(self, thing: T) -> None:
        """Holds the thing in the place of whatever was not taken yet."""
        with self._changed:
            if self._closed:
                return
            # Let go of outside the lock: what it holds may be given back to a driver.
            overtaken, self._held = self._held, thing
            self.overtaken += overtaken is not None
            self._changed.notify()
        del overtaken

    def take(self, timeout_s: float) -> T | None:
        """The newest thing, waited for; None when the time ran out, or the slot is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._held is not None or self._closed, timeout_s)
            taken, self._held = self._held, None
            return None if self._closed else taken

    def close(self) -> None:
        """Nothing more comes; who waits is woken. Again it does nothing."""
        with self._changed:
            self._closed, self._held = True, None
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed
