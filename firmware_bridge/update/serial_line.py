"""SMP's serial line to a place: a port, or the USB socket whose port has another name after each reset."""

from __future__ import annotations

from collections.abc import Callable

from edge.errors import MissingExtraError

try:
    from smpclient.transport import SMPTransport
    from smpclient.transport.serial.encoded import SMPSerialTransport

    from firmware_bridge.link.serial_link import open_port
except ImportError as error:
    raise MissingExtraError("firmware update", "update") from error

from firmware_bridge.usb_path import port_of


def serial_line(baud: int) -> Callable[[], SMPTransport]:
    """What makes a line of that speed; over USB the speed means nothing."""
    return lambda: SerialLine(baud)


class SerialLine(SMPSerialTransport):
    """Opened by place, for us alone."""

    def __init__(self, baud: int) -> None:
        super().__init__(baudrate=baud, exclusive=True)
        self._baud = baud

    async def connect(self, address: str, timeout_s: float) -> None:
        """Opens the port at the place `address`.

        Raises:
            PortError: there is none, or why it cannot be opened.
        """
        node = port_of(address)
        try:
            await super().connect(str(node), timeout_s)
        except TimeoutError:
            open_port(address, self._baud).close()  # it says why
            raise
