"""`picamera2:N`: camera N of a Raspberry Pi, through the system's own `picamera2`.

The package comes with Raspberry Pi OS (`apt install python3-picamera2`, and a virtual environment made with
`--system-site-packages`); its parts libcamera and pykms are nowhere else, so it is imported when a camera is opened.
Written to its documented interface and tried with a stand-in only: no camera was at hand.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from edge.errors import MissingExtraError
from edge.frame import Frame
from firmware_bridge.errors import CaptureError

SIZE = (1280, 720)
LUMA_ROWS = SIZE[1]  # of YUV420, whose first H rows are the luma plane


def open_camera(rest: str) -> Picamera2Source:
    """The source `picamera2:<rest>`.

    Raises:
        CaptureError: `rest` is no camera number, or that camera cannot be opened.
        MissingExtraError: there is no picamera2 here.
    """
    if not rest.isdecimal():
        raise CaptureError(f"picamera2:{rest}: give the camera's number, like picamera2:0")
    try:
        module = importlib.import_module("picamera2")
    except ImportError as error:
        raise MissingExtraError(f"picamera2:{rest}", "picamera2") from error
    try:
        camera = module.Picamera2(int(rest))
        camera.configure(camera.create_video_configuration(main={"size": SIZE, "format": "YUV420"}))
        camera.start()
    except (RuntimeError, IndexError, OSError) as error:
        raise CaptureError(
            f"picamera2:{rest}: the camera cannot be opened ({error}): is it connected, and free?"
        ) from error
    return Picamera2Source(camera)


class Picamera2Source:
    """Frames of a running camera, grey (720, 1280); the sensor's own monotonic time stamps."""

    stream = True

    def __init__(self, camera: Any) -> None:
        self._camera = camera

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # a source of unknown length is not an empty one

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while self._camera is not None:
            request = self._camera.capture_request()
            try:
                luma = np.array(request.make_array("main")[:LUMA_ROWS, : SIZE[0]], np.uint8)
                timestamp_ns = int(request.get_metadata()["SensorTimestamp"])
            finally:
                request.release()
            yield Frame(luma, timestamp_ns, index)
            index += 1

    def close(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.close()
