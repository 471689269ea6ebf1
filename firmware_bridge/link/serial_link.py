"""A serial port as a wire, by its path or by the USB socket that it is plugged into, found anew each time it is opened.

pyserial opens and sets the port. Reading and writing go by the descriptor: pyserial's own `write` that is not to wait
spins for as long as the port takes nothing.
"""

from __future__ import annotations

import errno
import termios
from contextlib import suppress
from functools import partial

import serial

from firmware_bridge.errors import PortError
from firmware_bridge.link.messages import Hello
from firmware_bridge.link.running import Link, Listen
from firmware_bridge.link.wire import Wire
from firmware_bridge.usb_path import port_of

BAUD = 921_600  # USB does not mind
WHY = {
    "there is no such port: is the probe plugged in?": (errno.ENOENT, errno.ENXIO, errno.ENODEV),
    "this user may not open it: add the user to the group dialout, and log in anew": (errno.EACCES, errno.EPERM),
    "another program has it: close that one": (errno.EBUSY, errno.EAGAIN),
    "it is no serial port: name one like /dev/ttyACM0": (errno.ENOTTY, errno.EISDIR),
}


class SerialLink(Link):
    """A link over a serial port that goes on when the probe is plugged in again: in the same USB socket where `place`
    names one, whatever number the port then has, else at the same path."""

    def __init__(self, place: str, hello: Hello, listen: Listen, *, baud: int = BAUD, wait: bool = False) -> None:
        """`place`: /dev/ttyACM0, usb-1-1.3, or usb-1-1.3:1.2 where a device has several ports.

        Raises:
            PortError: it cannot be opened, and is not to be waited for; or `baud` is no rate that a UART offers.
        """
        if baud not in serial.Serial.BAUDRATES:
            raise PortError(f"{place}: no serial port has {baud} baud: give a standard rate like 115200 or {BAUD}")
        super().__init__(partial(open_port, place, baud), hello, listen, asks_time=True, wait=wait)


def open_port(place: str, baud: int = BAUD) -> Wire:
    """The port at `place`, for us alone.

    Raises:
        PortError: there is none, or it cannot be opened.
    """
    node = port_of(place)
    try:
        port = serial.Serial(str(node), baud, timeout=0, write_timeout=0, exclusive=True)
    except (OSError, termios.error, OverflowError, ValueError) as error:
        raise PortError(f"{place}: {_why(error, baud)}") from error
    name = place if place == str(node) else f"{place} ({node})"
    return Wire(port.fileno(), name, partial(_close, port))


def _why(error: Exception, baud: int) -> str:
    """pyserial says some of termios' errors in words alone."""
    first = error if isinstance(error, OSError) and error.errno else error.__context__ or error
    number = first.args[0] if first.args else None
    other = f"it cannot be opened as a serial port of {baud} baud ({error})"
    return next((why for why, numbers in WHY.items() if number in numbers), other)


def _close(port: serial.Serial) -> None:
    with suppress(OSError, termios.error):  # of a port that is gone
        termios.tcflush(port.fileno(), termios.TCOFLUSH)  # closing would wait for a probe that reads nothing
    with suppress(OSError):
        port.close()
