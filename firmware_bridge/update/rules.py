"""What the device has and what the file is -> what is to be done next, or why it must not be. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from firmware_bridge.errors import UpdateRefusedError
from firmware_bridge.update.image import Image


@dataclass(frozen=True)
class Slot:
    """One image on the device, as SMP's list of images tells it."""

    version: str
    hash: bytes | None
    confirmed: bool  # of the running image: it stays; otherwise the next reset brings the other back
    pending: bool  # of the other image: the next reset tries it


@dataclass(frozen=True)
class Told:
    """What a device says of itself; None: it does not say."""

    running: Slot
    other: Slot | None
    board: str | None
    counter: int | None  # the lowest security counter that its boot loader accepts

    def runs(self, image: Image) -> bool:
        return self.running.hash == image.hash

    def tries_next(self, image: Image) -> bool:
        """Whether its next reset tries this image."""
        return self.other is not None and self.other.pending and self.other.hash == image.hash


class Step(Enum):
    """What is to be done next: an update that was cut goes on where it stands."""

    UPLOAD = "upload"
    RESET = "reset"
    SELF_TEST = "self-test"
    NOTHING = "nothing"  # it runs, and stays


def next_step(image: Image, told: Told, where: str) -> Step:
    """What brings `image` nearer to running on that device; `where` names the image.

    Raises:
        UpdateRefusedError: the image is for another board, its security counter is an older one, or the device is in
            the midst of another update.
    """
    if told.board is not None and not image.is_for(told.board):
        raise UpdateRefusedError(f"{where}: is not for this board, {told.board}: get the image for it")
    if told.runs(image):
        return Step.NOTHING if told.running.confirmed else Step.SELF_TEST
    if told.tries_next(image):
        return Step.RESET
    if told.counter is not None and image.security_counter < told.counter:
        raise UpdateRefusedError(
            f"{where}: its security counter is {image.security_counter}, and the device has seen {told.counter}: "
            "take a newer version"
        )
    if not told.running.confirmed:
        raise UpdateRefusedError(
            f"{where}: the device is on trial with {told.running.version}: switch it off and on, then try again"
        )
    if told.other is not None and told.other.pending:
        raise UpdateRefusedError(
            f"{where}: the device is about to try {told.other.version}: switch it off and on, then try again"
        )
    return Step.UPLOAD
