"""A stream of bytes both ways that never waits: the open descriptor of a port, a pseudo-terminal or a socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from firmware_bridge.errors import PortError

READ_BYTES = 4096  # at a time


@dataclass(frozen=True)
class Wire:
    """One end of it. Reading and writing raise `PortError` when it is gone; then it is to be closed."""

    fd: int  # does not block
    name: str  # as a user knows it
    close: Callable[[], None]

    def read(self) -> bytes:
        """What is there, once the descriptor is readable; b"" where it is not."""
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error.strerror) from error
        if not data:  # of a descriptor that is readable: a hang-up
            raise self._gone("it was hung up")
        return data

    def write(self, data: bytes | bytearray) -> int:
        """Writes what fits; how many bytes that were."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._gone(error.strerror) from error

    def _gone(self, why: str | None) -> PortError:
        return PortError(f"{self.name}: the port is gone ({why}): plug it in again")


def loopback() -> tuple[Wire, Wire]:
    """Both ends of a wire within this process."""
    one, other = socket.socketpair()
    return of_socket(one), of_socket(other)


def of_socket(end: socket.socket) -> Wire:
    """A connected socket as a wire."""
    end.setblocking(False)
    return Wire(end.fileno(), "loopback", end.close)
