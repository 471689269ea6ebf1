"""An MCUboot image as `imgtool sign` makes it: bytes -> what it says of itself. No I/O, no trust.

    header (32 bytes or more) | firmware | protected TLVs | TLVs          the hash is over the first three

The board is in the protected UUID TLVs that `imgtool sign --vid VENDOR --cid BOARD` writes, because MCUboot itself
refuses an image by them (MCUBOOT_UUID_VID, MCUBOOT_UUID_CID): what host and device compare are the same bytes. The
layout is that of the MCUboot design, "Image format".
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.errors import FirmwareImageError

HEADER = struct.Struct("<IIHHIIBBHII")  # magic, load address, sizes of header, protected TLVs, firmware; flags; version
INFO = struct.Struct("<HH")  # before each TLV area: magic, its size with this; before each TLV: type, length
MAGIC, PROTECTED_MAGIC, TLV_MAGIC = 0x96F3B83D, 0x6908, 0x6907
CANNOT_CHECK = 0x04 | 0x08 | 0x10 | 0x200 | 0x400 | 0x800  # flags: encrypted, not bootable, compressed
SECURITY_COUNTER, VENDOR, BOARD = 0x50, 0x74, 0x75
HASH, KEY_HASH, SIGNATURE = 0x10, 0x01, 0x24
PROTECTED = {SECURITY_COUNTER: 4, VENDOR: 16, BOARD: 16}  # bytes; others may be there, and are covered by the hash
OPEN = {HASH: 32, KEY_HASH: 32, SIGNATURE: 64}  # no others may be: what is not hashed must not say anything
NAMES = {
    SECURITY_COUNTER: "security counter (imgtool sign --security-counter)",
    VENDOR: "vendor (imgtool sign --vid)",
    BOARD: "board (imgtool sign --cid)",
    HASH: "SHA-256",
    KEY_HASH: "key (imgtool sign --key)",
    SIGNATURE: "Ed25519 signature (imgtool sign --key)",
}
LARGEST = 16 << 20  # bytes: no microcontroller's flash is larger
DAMAGED = "get the file anew"


@dataclass(frozen=True, order=True)
class Version:
    """As in `imgtool sign --version 1.2.3+4`."""

    major: int  # 0..255
    minor: int  # 0..255
    revision: int  # 0..65535
    build: int  # 0..2**32 - 1

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.revision}" + (f"+{self.build}" if self.build else "")


@dataclass(frozen=True)
class Image:
    """What an image says of itself; its hash was found to be that of its bytes, its signature was not looked at."""

    version: Version
    size: int  # bytes, header to last TLV
    firmware_at: int  # bytes from its start: the size of its header
    security_counter: int  # 0..2**32 - 1: never goes down on a device
    vendor: uuid.UUID
    board: uuid.UUID
    hash: bytes  # SHA-256; by it the device knows the image
    key_hash: bytes  # SHA-256 of the public key, DER
    signature: bytes  # Ed25519, 64 bytes, of `hash`

    def is_for(self, board: str) -> bool:
        """Whether `--cid` named this board, under the vendor that the image has."""
        return uuid.uuid5(self.vendor, board) == self.board


def load(path: Path) -> tuple[Image, bytes]:
    """The image in a file, and the file's bytes.

    Raises:
        FirmwareImageError: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise FirmwareImageError(f"{path}: cannot be read: {error.strerror or error}: name a signed image") from error
    return whole(data, str(path)), data


def whole(data: bytes, where: str) -> Image:
    """The image that `data` is, from its first to its last byte.

    Raises:
        FirmwareImageError: as `first`, or there is more in `data` than an image.
    """
    image = first(data, where)
    if len(data) != image.size:
        more = len(data) - image.size
        raise FirmwareImageError(f"{where}: {more} bytes follow the image: sign it without --pad, or get it anew")
    return image


def first(data: bytes, where: str) -> Image:
    """The image at the start of `data`, as in a slot of a device.

    Raises:
        FirmwareImageError: there is none, it is cut, its hash is another, or it lacks something that it must say.
    """
    if len(data) < HEADER.size:
        raise FirmwareImageError(f"{where}: {len(data)} bytes are no firmware image: name one that imgtool signed")
    magic, _, header_size, protected_size, size, flags, *version, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise FirmwareImageError(f"{where}: is no MCUboot image: name one that imgtool signed")
    if header_size < HEADER.size or flags & CANNOT_CHECK:
        raise FirmwareImageError(f"{where}: is encrypted, compressed, not bootable or damaged: sign a plain image")
    protected, hashed = _tlvs(data, header_size + size, PROTECTED_MAGIC, PROTECTED, where)
    if hashed - (header_size + size) != protected_size:
        raise FirmwareImageError(f"{where}: its protected part has another size than its header says: {DAMAGED}")
    open_, end = _tlvs(data, hashed, TLV_MAGIC, OPEN, where)
    if hashlib.sha256(data[:hashed]).digest() != open_[HASH]:
        raise FirmwareImageError(f"{where}: its hash is not that of its bytes, so that it is damaged: {DAMAGED}")
    return Image(
        version=Version(*version),
        size=end,
        firmware_at=header_size,
        security_counter=int.from_bytes(protected[SECURITY_COUNTER], "little"),
        vendor=uuid.UUID(bytes=protected[VENDOR]),
        board=uuid.UUID(bytes=protected[BOARD]),
        hash=open_[HASH],
        key_hash=open_[KEY_HASH],
        signature=open_[SIGNATURE],
    )


def _tlvs(data: bytes, at: int, magic: int, wanted: dict[int, int], where: str) -> tuple[dict[int, bytes], int]:
    """The wanted TLVs of the area at `at`, each once and of its length; and where the area ends."""
    if at + INFO.size > len(data):
        raise FirmwareImageError(f"{where}: ends within the image: {DAMAGED}")
    found_magic, size = INFO.unpack_from(data, at)
    end = at + size
    if found_magic != magic or size < INFO.size or end > len(data):
        raise FirmwareImageError(f"{where}: what it says of itself is not where it should be: {DAMAGED}")
    found: dict[int, bytes] = {}
    at += INFO.size
    while at < end:
        kind, length = INFO.unpack_from(data, at) if at + INFO.size <= end else (0, end)
        value = data[at + INFO.size : at + INFO.size + length]
        at += INFO.size + length
        if at > end or kind in found or (kind not in wanted and wanted is OPEN):
            raise FirmwareImageError(
                f"{where}: holds 0x{kind:02x} beside its SHA-256, key hash and Ed25519 signature, or twice: "
                "sign it so, or get it anew"
            )
        if kind in wanted:
            found[kind] = value
    for kind, length in wanted.items():
        if len(found.get(kind, b"")) != length:
            raise FirmwareImageError(f"{where}: does not give its {NAMES[kind]}: sign it again with it")
    return found, end
