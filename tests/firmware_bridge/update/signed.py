"""Images and keys by the real imgtool, and a simulated board that trusts the key."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import tempfile
from pathlib import Path

from imgtool.keys.ed25519 import Ed25519
from imgtool.main import sign

from firmware_bridge.update.simulator.flash import Flash
from firmware_bridge.update.simulator.mcuboot import Board, install
from firmware_bridge.update.simulator.slot import Slot

BOARD, VENDOR = "sonoedge_probe_a", "sonoedge.org"
SECTORS, SECTOR = 8, 256  # of one slot: an image of 1536 bytes at most


@functools.cache
def key(name: str) -> Ed25519:
    """A key of that name, the same throughout a session."""
    return Ed25519.generate()


def firmware(version: str, size: int = 300, begins: bytes = b"") -> bytes:
    """Bytes that differ with the version."""
    blocks = (hashlib.sha256(f"{version} {number}".encode()).digest() for number in range(size // 32 + 1))
    return (begins + b"".join(blocks))[:size]


@functools.cache
def signed(
    version: str = "1.1.0",
    *,
    counter: int | None = 3,
    board: str | None = BOARD,
    by: str | None = "ours",
    size: int = 300,
    begins: bytes = b"",
    more: tuple[str, ...] = (),
) -> bytes:
    """An image, signed by `imgtool sign`."""
    with tempfile.TemporaryDirectory() as folder:
        plain, image, pem = (str(Path(folder, each)) for each in ("plain.bin", "image.bin", "key.pem"))
        Path(plain).write_bytes(firmware(version, size, begins))
        words = ["--align", "8", "--version", version, "-H", "32", "--pad-header", "-S", str(SECTORS * SECTOR)]
        words += ["-M", str(SECTORS), *more]
        words += ["--security-counter", str(counter)] if counter is not None else []
        words += ["--vid", VENDOR, "--cid", board] if board is not None else []
        if by is not None:
            key(by).export_private(pem)
            words += ["--key", pem]
        with contextlib.redirect_stdout(io.StringIO()):
            sign.main([*words, plain, image], standalone_mode=False)
        return Path(image).read_bytes()


OLD = functools.partial(signed, "1.0.0", counter=2)
NEW = functools.partial(signed, "1.1.0", counter=3)


def a_board(data: bytes | None = None, *, sectors: int = SECTORS, sector_size: int = SECTOR) -> Board:
    """A board as it leaves the factory, with `data` on it."""
    flash = Flash(2 * sectors, sector_size)
    board = Board(BOARD, key("ours").key.public_key(), Slot(flash, 0, sectors), Slot(flash, sectors, sectors))
    install(board, data or OLD())
    board.boot()
    return board
