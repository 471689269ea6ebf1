"""The boot loader: goes on with a swap that was cut, does the one that is asked for, and boots what may be booted.

The rules are those of the MCUboot design: "High-Level Operation", "Image Swapping", "Integrity Check", "Downgrade
Prevention". An image that is refused is erased. The security counter rises when an image boots that stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from firmware_bridge.errors import FirmwareImageError
from firmware_bridge.update import signing
from firmware_bridge.update.image import Image, first
from firmware_bridge.update.simulator import swap_move
from firmware_bridge.update.simulator.slot import Slot, SwapType, swap_wanted


class NothingBootsError(Exception):
    """No image that may be booted is there: the device is lost."""


@dataclass
class Board:
    """What the boot loader is built with, and what it remembers outside the slots."""

    name: str
    key: Ed25519PublicKey
    primary: Slot
    secondary: Slot
    counter: int = 0  # kept where only the boot loader writes, in one piece

    def image_in(self, slot: Slot) -> Image | None:
        """The image that may be booted from there: whole, signed, for this board, and not older than the counter."""
        try:
            image = first(slot.contents(), "slot")
            signing.check(image, self.key, "slot")
        except FirmwareImageError:
            return None
        fits = image.size <= slot.largest_image and image.security_counter >= self.counter
        return image if fits and image.is_for(self.name) else None

    def boot(self) -> Image:
        """A start of the device; the image that runs then.

        Raises:
            NothingBootsError: none may.
            PowerCut: the power went meanwhile.
        """
        kind = self._resume() if swap_move.status_of(self.primary, self.secondary).records else self._start()
        image = self.image_in(self.primary)
        if image is None:
            raise NothingBootsError(f"after {kind.name}")
        if kind is SwapType.NONE:
            self.counter = max(self.counter, image.security_counter)
        return image

    def _resume(self) -> SwapType:
        kind = self.primary.swap_type
        self._swap(kind, self.primary.swap_size)
        return kind

    def _start(self) -> SwapType:
        begun = swap_move.status_of(self.primary, self.secondary).begun
        kind = self.primary.swap_type if begun else SwapType.NONE
        kind = swap_wanted(self.primary, self.secondary) if kind is SwapType.NONE else kind
        if kind is SwapType.NONE:
            return kind
        new = self.image_in(self.secondary)
        if new is None:
            self.secondary.erase_all()
            self.primary.set_flag(self.primary.image_ok_at)
            return SwapType.NONE
        old = self.image_in(self.primary)
        self._swap(kind, max(new.size, old.size if old else 0))
        return kind

    def _swap(self, kind: SwapType, size: int) -> None:
        swap_move.run(self.primary, self.secondary, kind, size)
        if kind in (SwapType.REVERT, SwapType.PERMANENT):
            self.primary.set_flag(self.primary.image_ok_at)
        self.primary.set_flag(self.primary.copy_done_at)

    @property
    def on_trial(self) -> bool:
        """Whether the next start takes the running image back."""
        return swap_wanted(self.primary, self.secondary) is SwapType.REVERT


def install(board: Board, data: bytes) -> None:
    """A factory's image: in the primary slot, with no trailer to speak of."""
    board.primary.erase_all()
    board.secondary.erase_all()
    board.primary.write(0, data)
