"""The simulated device behind a true serial port: a pty, under a name of its own that goes and comes as USB's do."""

from __future__ import annotations

import os
import random
import select
import struct
import time
import tty
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from smp import packet
from smp.exceptions import SMPException

from firmware_bridge.update.simulator.flash import PowerCut
from firmware_bridge.update.simulator.mcuboot import Board
from firmware_bridge.update.simulator.smp_server import Server

TICK_S = 0.02


class PtyDevice:
    """Runs `board` until `stop`; `port` is a link to its pty while it is up.

    Args:
        port: a path that is free
        loss: share of the bytes that are lost on the way in, 0..1
        down_s: from a reset or a power cut until it is up again
        watchdog_s: firmware that hangs is reset after so long
    """

    def __init__(
        self, board: Board, port: Path, *, loss: float = 0.0, down_s: float = 0.05, watchdog_s: float = 0.5
    ) -> None:
        self.board, self.port = board, port
        self.starts: list[Server] = []  # each since the beginning
        self.stalled = Event()  # while set, it does not answer
        self._loss, self._down_s, self._watchdog_s = loss, down_s, watchdog_s
        self._chance = random.Random(0)  # noqa: S311  the same bytes are lost each time
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="device", daemon=True)

    def __enter__(self) -> PtyDevice:
        self._thread.start()
        while not self.port.exists() and self._thread.is_alive():
            time.sleep(TICK_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(PowerCut):
                server = Server(self.board)
                self.starts.append(server)
                self._up(server)
            self._stopping.wait(self._down_s)

    def _up(self, server: Server) -> None:
        """From its boot to its reset."""
        master, slave = os.openpty()
        tty.setraw(slave)
        self.port.symlink_to(os.ttyname(slave))
        try:
            self._serve(server, master)
        finally:
            self.port.unlink()
            os.close(slave)
            os.close(master)

    def _serve(self, server: Server, master: int) -> None:
        hangs_until = time.monotonic() + self._watchdog_s if server.hangs else None
        frames = Frames()
        while not (self._stopping.is_set() or server.resetting):
            if hangs_until is not None and time.monotonic() > hangs_until:
                return
            if not select.select([master], [], [], TICK_S)[0]:
                continue
            came = bytes(byte for byte in os.read(master, 4096) if self._chance.random() >= self._loss)
            for frame in frames.feed(came):
                answer = None if self.stalled.is_set() else server.handle(frame)
                for line in packet.encode(answer) if answer is not None else ():
                    os.write(master, line)


class Frames:
    """SMP's frames out of a serial line's bytes; what is none is dropped."""

    def __init__(self) -> None:
        self._rest = b""  # of a line that has not ended
        self._decoder: Generator[None, bytes, bytes] | None = None  # of a frame that has not ended

    def feed(self, came: bytes) -> Iterator[bytes]:
        """The frames that end in these bytes."""
        *lines, self._rest = (self._rest + came).split(packet.END_DELIMITER)
        for line in lines:
            frame = self._line(line + packet.END_DELIMITER)
            if frame is not None:
                yield frame

    def _line(self, line: bytes) -> bytes | None:
        if line.startswith(packet.START_DELIMITER):
            self._decoder = packet.decode()
            next(self._decoder)
        if self._decoder is None:
            return None
        try:
            self._decoder.send(line)
        except StopIteration as ended:
            self._decoder = None
            frame: bytes = ended.value
            return frame
        except (SMPException, ValueError, struct.error):
            self._decoder = None
        return None
