"""OpenCV made quiet: what goes wrong in a file is told once, in our own line, not in a codec's chatter on stderr."""

from __future__ import annotations

import os
from functools import cache

import cv2


@cache
def quiet_opencv() -> None:
    """Silence OpenCV and its FFmpeg for this process; call it before the first file is opened.

    OPENCV_FFMPEG_LOGLEVEL is read when FFmpeg is first used (-8 is its "quiet"), and a value that the user set stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # OpenCV 5 moved the setter; both majors are in use.
    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    set_level(0)
