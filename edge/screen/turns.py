"""Whose turn it is of what is looked at only now and then: no two costly looks on one frame, where they can wait."""

from __future__ import annotations

from typing import Literal, TypeAlias

Look: TypeAlias = Literal["marks", "colour"]

RESTS_NS: dict[Look, int] = {"marks": 1_000_000_000, "colour": 200_000_000}  # from look to look
PUT_OFF_NS = 150_000_000  # and so long more, at most, while other things are looked at


class Turns:
    """The turns of one stream, on its frames' clock."""

    def __init__(self) -> None:
        self._taken_ns: dict[Look, int] = {}
        self._now_ns = 0
        self._busy = False

    def begin(self, now_ns: int, *taken: Look) -> None:
        """All are due, but those just `taken`."""
        self._taken_ns = dict.fromkeys(taken, now_ns)

    def at(self, now_ns: int, *, busy: bool) -> None:
        """The next frame has come; `busy`: something costly is looked at on it already."""
        self._now_ns, self._busy = now_ns, busy

    def take(self, look: Look) -> bool:
        """Whether it is this look's turn; it is where the clock was set back."""
        since_ns = self._now_ns - self._taken_ns.get(look, self._now_ns + 1)
        if 0 <= since_ns < RESTS_NS[look] + PUT_OFF_NS * self._busy:
            return False
        self._taken_ns[look], self._busy = self._now_ns, True
        return True
