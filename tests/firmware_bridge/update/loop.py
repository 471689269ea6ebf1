"""The real smpclient on the simulated device without a port between them: a cut of its power is a cut of the line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from smpclient.transport import SMPTransport, SMPTransportDisconnected

from firmware_bridge.update.conversation import Conversation, Patience
from firmware_bridge.update.image import whole
from firmware_bridge.update.simulator.flash import PowerCut
from firmware_bridge.update.simulator.mcuboot import Board
from firmware_bridge.update.simulator.smp_server import Server
from firmware_bridge.update.updater import Result, Updater

HURRY = Patience(
    answer_s=0.2, tries=3, first_s=0.2, back_s=0.2, reboot_s=0.5, again_s=0.05, self_test_s=0.2, pause_s=0.0
)


class Device:
    """A board with or without power; each power-up is a new `server`.

    The power goes after so many operations of the flash as `cuts` says, one cut after the other.
    """

    def __init__(
        self, board: Board, cuts: Iterable[int] = (), *, probe_group: bool = True, buffer_size: int = 384
    ) -> None:
        self.board = board
        self.server: Server | None = None
        self.ran: list[bytes] = []  # hash of what ran, at each power-up
        self._cuts = iter(cuts)
        self._next_cut()
        self._how = {"probe_group": probe_group, "buffer_size": buffer_size}

    def _next_cut(self) -> None:
        flash, after = self.board.primary.flash, next(self._cuts, None)
        flash.cut_at = None if after is None else flash.operations + after

    def power(self) -> Server:
        while self.server is None:
            try:
                self.server = Server(self.board, **self._how)
                self.ran.append(self.server.running.hash)
            except PowerCut:
                self._next_cut()
        return self.server

    def handle(self, frame: bytes) -> bytes | None:
        server = self.power()
        try:
            answer = server.handle(frame)
        except PowerCut:
            self._next_cut()
            self.server = None
            raise SMPTransportDisconnected("the power went") from None
        if server.resetting or server.hangs:  # a watchdog resets what hangs
            self.server = None
        return answer


class Loop(SMPTransport):
    def __init__(self, device: Device) -> None:
        self._device = device
        self._answer: bytes | None = None

    async def connect(self, address: str, timeout_s: float) -> None:
        self._device.power()

    async def disconnect(self) -> None:
        self._answer = None

    async def send(self, data: bytes) -> None:
        self._answer = self._device.handle(data)

    async def receive(self) -> bytes:
        if self._answer is None:
            raise SMPTransportDisconnected("nothing came")
        return self._answer

    async def send_and_receive(self, data: bytes) -> bytes:
        await self.send(data)
        return await self.receive()

    @property
    def mtu(self) -> int:
        return 384


def updater(device: Device, image: bytes, patience: Patience = HURRY) -> Updater:
    where = "image.bin"
    return Updater(Conversation("loop", lambda: Loop(device), patience), whole(image, where), image, where)


def update(device: Device, image: bytes, *, confirm: bool = True) -> Result:
    return asyncio.run(updater(device, image).run(confirm=confirm))
