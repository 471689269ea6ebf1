"""What a bad cable does to frames: each is lost, changed, doubled or overtaken with a given chance."""

from __future__ import annotations

import random
from dataclasses import dataclass

MS = 1_000_000  # ns


@dataclass(frozen=True)
class Faults:
    """Chances of a frame, 0..1 each."""

    loss: float = 0.0
    corruption: float = 0.0  # bytes of it are changed, dropped or put in
    duplication: float = 0.0
    reorder: float = 0.0  # it comes later than those after it

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{name} is a chance, 0 to 1, not {share}")


@dataclass
class Cable:
    """One direction of a link: frames go in, and come out after a while, or not."""

    faults: Faults
    seed: int
    delay_ns: int = 1 * MS
    reordered_ns: int = 30 * MS  # on top

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  no secret

    def __call__(self, frame: bytes) -> list[tuple[int, bytes]]:
        """What comes out: each time with its delay in ns."""
        draw, faults = self._random.random, self.faults
        out = []
        for _ in range(2 if draw() < faults.duplication else 1):
            if draw() < faults.loss:
                continue
            late_ns = int(draw() * self.reordered_ns) if draw() < faults.reorder else 0
            out.append((self.delay_ns + late_ns, self._damaged(frame) if draw() < faults.corruption else frame))
        return out

    def _damaged(self, frame: bytes) -> bytes:
        """The frame with one to four bytes of it changed, dropped or put in."""
        bytes_ = bytearray(frame)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(bytes_))
            kind = self._random.randrange(3)
            if kind == 0:
                bytes_[at] ^= self._random.randint(1, 255)
            elif kind == 1 and len(bytes_) > 1:
                del bytes_[at]
            else:
                bytes_.insert(at, self._random.randrange(256))
        return bytes(bytes_)
