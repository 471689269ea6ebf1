"""`v4l2:/dev/video0`: the newest frame of a capture device, whatever happens to its cable.

    v4l2:/dev/video0                    a node
    v4l2:usb-1-1.3                      a USB grabber by the socket that it is plugged into
    v4l2:/dev/video0?wait=1             not there yet, or busy: waited for, where otherwise that is an error
    v4l2:/dev/video0?link=LINK          offer the modes that this link carries, each time it is opened
    v4l2:usb-1-1.3?format=MJPG&size=1280x720    what to ask a grabber for that does not tell what it receives
    v4l2:/dev/video0?fps=30             and so many frames a second; what the driver makes of it is told as an event

While there is no signal the source gives frames without pixels, ten a second, that say so.
"""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from urllib.parse import parse_qsl

from edge.frame import Frame, SourceEvent
from firmware_bridge.capture import Capture, Wishes
from firmware_bridge.edid_offer import offer
from firmware_bridge.errors import CaptureError
from firmware_bridge.frame_rates import frame_rate
from firmware_bridge.link_capacity import LINKS, PIXEL_BITS
from firmware_bridge.link_state import State
from firmware_bridge.pixel_formats import FOURCCS
from firmware_bridge.usb_path import node_of, nodes
from firmware_bridge.v4l2 import Device

TELL_EVERY_S = 0.1  # that there is no frame
OPTIONS = {
    "wait": "0|1",
    "link": "|".join(map(re.escape, LINKS)),
    "format": "|".join(FOURCCS),
    "size": r"[1-9]\d{1,4}x[1-9]\d{1,4}",
    "fps": r"([3-9]|[1-9]\d{1,2})(\.\d{1,3})?",  # fewer than 3 a second are a stall
}
EXAMPLES = {"size": "1280x720", "fps": "30"}


def open_v4l2(rest: str) -> V4l2Source:
    """The source `v4l2:<rest>`.

    Raises:
        CaptureError: there is no such device, it is busy or denied or none that captures, or its rate cannot be set,
            and it is not to be waited for; or an option is none.
    """
    place, _, query = rest.partition("?")
    options = _options(query, f"v4l2:{rest}")
    if not place:
        have = ", ".join(map(str, nodes())) or "none here"
        raise CaptureError(f"v4l2: name the device, like v4l2:/dev/video0; there is {have}")
    wishes = _wishes(options)
    if options.get("wait") != "1":
        with _opened(place) as device:
            if wishes.fps is not None:
                frame_rate(device)
    return V4l2Source(Capture(partial(_opened, place), wishes))


def _options(query: str, uri: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name not in OPTIONS:
            raise CaptureError(f"{uri}: there is no option {name!r}, only {', '.join(OPTIONS)}")
        if not re.fullmatch(OPTIONS[name], value):
            may_be = EXAMPLES.get(name) or OPTIONS[name].replace("\\", "").replace("|", ", ")
            raise CaptureError(f"{uri}: {name}={value}: give one like {may_be}")
    return options


def _wishes(options: dict[str, str]) -> Wishes:
    width, _, height = options.get("size", "").partition("x")
    fourcc = options.get("format")
    edid = None
    if "link" in options:
        edid = offer(LINKS[options["link"]], fourcc if fourcc in PIXEL_BITS else "UYVY")
    fps = Fraction(options["fps"]) if "fps" in options else None
    return Wishes(fourcc, (int(width), int(height)) if width else None, edid, fps)


def _opened(place: str) -> Device:
    return Device.open(node_of(place))


class V4l2Source:
    """A LiveSource: one thread captures, the one that iterates gets the newest frame."""

    stream = True

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        capture.start()
        # One that is forgotten must not keep the device: nobody else could stream.
        self._stop = weakref.finalize(self, capture.stop)

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # a source of unknown length is not an empty one

    def __iter__(self) -> Iterator[Frame]:
        while not self._capture.frames.closed:
            frame = self._capture.frames.take(TELL_EVERY_S)
            if frame is not None:
                yield frame
            elif self._capture.rules.state is not State.LIVE and not self._capture.frames.closed:
                yield self._no_frame()

    def _no_frame(self) -> Frame:
        last = self._capture.rules.transitions[-1]
        why = f"{last.state.value}: {last.why}"
        return Frame(None, time.monotonic_ns(), self._capture.next_index(), fault=why, no_signal=True)

    def events(self) -> tuple[SourceEvent, ...]:
        """What befell the device so far, the newest thousand at most."""
        told = tuple(self._capture.rules.transitions)
        return tuple(SourceEvent(each.at_ns, each.state.value, each.why) for each in told)

    @property
    def dropped(self) -> int:
        """Frames that the driver had no buffer for, and those that a newer one overtook."""
        return self._capture.dropped + self._capture.frames.overtaken

    def close(self) -> None:
        """Ends the capture and lets go of the device."""
        self._stop()
