"""A terminal of 80 columns, to see what a person sees there and a log does not: progress bars."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios


def open_terminal() -> tuple[int, int]:
    """Our end and the program's, each an open file descriptor."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return ours, theirs


def read(descriptor: int) -> bytes:
    """What was written by now, waited for; nothing at the end, of a terminal as of a pipe."""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how a terminal ends
        return b""
