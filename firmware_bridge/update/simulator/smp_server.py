"""The SMP server of the running firmware, after Zephyr's MCUmgr: a request's bytes -> an answer's bytes. No I/O.

What it keeps of an upload it keeps in memory, as Zephyr does: a host that was killed goes on where it stood, a device
that lost its power begins anew.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2
from smp.error import MGMT_ERR
from smp.image_management import IMG_MGMT_ERR

from firmware_bridge.errors import FirmwareImageError
from firmware_bridge.update.image import HEADER, MAGIC, Image, first
from firmware_bridge.update.probe_group import COMMAND, GROUP, PASSED
from firmware_bridge.update.simulator import slot
from firmware_bridge.update.simulator.mcuboot import Board

SMP_HEADER = struct.Struct(">BBHHBB")  # operation and version, flags, length, group, sequence, command
READ, WRITE = 0, 2
VERSION_2 = 1 << 3
OS, IMAGES = 0, 1
FAILS = b"FAILS ITS TEST"  # firmware that begins with this says so of itself
HANGS = b"HANGS"  # firmware that begins with this never answers

Body = dict[str, Any]  # CBOR's own types


class RefusedError(Exception):
    """The server answers with this code of a group's."""

    def __init__(self, code: MGMT_ERR | IMG_MGMT_ERR) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass
class Upload:
    """An image on its way into the secondary slot."""

    size: int
    sha: bytes
    offset: int = 0
    rest: bytes = b""  # less than a block, not written yet


class Server:
    """One start of the device, from its boot to its reset.

    `resetting` is set when a reset was asked for; `pieces` are the offset and size of each piece of an image taken.
    """

    def __init__(self, board: Board, *, buffer_size: int = 384, probe_group: bool = True) -> None:
        self.running = board.boot()
        self.resetting = False
        self.pieces: list[tuple[int, int]] = []
        self._board, self._buffer_size = board, buffer_size
        self._upload: Upload | None = None
        self._commands: dict[tuple[int, int, int], Callable[[Body], Body]] = {
            (OS, 0, WRITE): lambda body: {"r": body["d"]},
            (OS, 5, WRITE): self._reset,
            (OS, 6, READ): lambda _: {"buf_size": self._buffer_size, "buf_count": 4},
            (OS, 7, READ): lambda _: {"output": board.name},
            (IMAGES, 0, READ): lambda _: self._states(),
            (IMAGES, 0, WRITE): self._set_state,
            (IMAGES, 1, WRITE): self._piece,
        }
        if probe_group:
            self._commands[GROUP, COMMAND, READ] = lambda _: self._probe()

    @property
    def hangs(self) -> bool:
        return self._begins_with(HANGS)

    def handle(self, frame: bytes) -> bytes | None:
        """The answer to a request; None: it is none that can be answered.

        Raises:
            PowerCut: the power went meanwhile.
        """
        if len(frame) < SMP_HEADER.size or self.hangs:
            return None
        operation, flags, _, group, sequence, command = SMP_HEADER.unpack_from(frame)
        try:
            body = cbor2.loads(frame[SMP_HEADER.size :])
            answer = self._commands[group, command, operation & 7](body)
        except RefusedError as error:
            answer = {"err": {"group": group, "rc": int(error.code)}}
        except (KeyError, TypeError, cbor2.CBORDecodeError):
            answer = {"rc": int(MGMT_ERR.ENOTSUP)}
        data = cbor2.dumps(answer)
        return SMP_HEADER.pack((operation & 7) + 1 | VERSION_2, flags, len(data), group, sequence, command) + data

    def _reset(self, _: Body) -> Body:
        self.resetting = True
        return {}

    def _probe(self) -> Body:
        return {"counter": self._board.counter, "test": "no echo" if self._begins_with(FAILS) else PASSED}

    def _begins_with(self, mark: bytes) -> bool:
        return self._board.primary.read(self.running.firmware_at, len(mark)) == mark

    def _states(self) -> Body:
        board = self._board
        wanted = slot.swap_wanted(board.primary, board.secondary)
        pending = wanted in (slot.SwapType.TEST, slot.SwapType.PERMANENT)
        images = [_state(0, self.running, active=True, confirmed=not board.on_trial)]
        other = self._other()
        if other is not None:
            images.append(_state(1, other, pending=pending, confirmed=board.on_trial))
        return {"images": images}

    def _other(self) -> Image | None:
        try:
            return first(self._board.secondary.contents(), "slot 1")
        except FirmwareImageError:
            return None

    def _set_state(self, body: Body) -> Body:
        if body.get("confirm"):
            slot.confirm(self._board.primary)
            return self._states()
        other = self._other()
        if other is None or body.get("hash") != other.hash:
            raise RefusedError(IMG_MGMT_ERR.NO_IMAGE)
        if self._board.on_trial:
            raise RefusedError(IMG_MGMT_ERR.IMAGE_ALREADY_PENDING)
        if not slot.mark_for_test(self._board.secondary):
            raise RefusedError(IMG_MGMT_ERR.FLASH_WRITE_FAILED)
        return self._states()

    def _piece(self, body: Body) -> Body:
        offset, data = body["off"], body["data"]
        if offset == 0 and not (self._upload and self._upload.sha == body.get("sha")):
            self._upload = self._begin(body)
        upload = self._upload
        if upload is None:
            raise RefusedError(IMG_MGMT_ERR.INVALID_OFFSET)
        if offset != upload.offset:
            return {"off": upload.offset}  # what is asked for next
        if offset + len(data) > upload.size:
            raise RefusedError(IMG_MGMT_ERR.INVALID_IMAGE_DATA_OVERRUN)
        self.pieces.append((offset, len(data)))
        return self._take(upload, data)

    def _begin(self, body: Body) -> Upload:
        board, data = self._board, body["data"]
        if len(data) < HEADER.size:
            raise RefusedError(IMG_MGMT_ERR.INVALID_IMAGE_HEADER)
        if HEADER.unpack_from(data)[0] != MAGIC:
            raise RefusedError(IMG_MGMT_ERR.INVALID_IMAGE_HEADER_MAGIC)
        if body["len"] > board.secondary.largest_image:
            raise RefusedError(IMG_MGMT_ERR.INVALID_IMAGE_TOO_LARGE)
        if slot.swap_wanted(board.primary, board.secondary) is not slot.SwapType.NONE:
            raise RefusedError(IMG_MGMT_ERR.NO_FREE_SLOT)
        board.secondary.erase_all()
        return Upload(body["len"], body.get("sha", b""))

    def _take(self, upload: Upload, data: bytes) -> Body:
        align = self._board.secondary.flash.align
        at, data = upload.offset - len(upload.rest), upload.rest + data
        upload.offset = at + len(data)
        ended = upload.offset == upload.size
        whole = len(data) if ended else len(data) - len(data) % align
        self._board.secondary.write(at, data[:whole])
        upload.rest = data[whole:]
        if not ended:
            return {"off": upload.offset}
        self._upload = None
        same = hashlib.sha256(self._board.secondary.read(0, upload.size)).digest() == upload.sha
        return {"off": upload.offset, "match": same}


def _state(number: int, image: Image, **flags: bool) -> Body:
    version = str(image.version).replace("+", ".")
    return {"slot": number, "version": version, "hash": image.hash, "bootable": True, **flags}
