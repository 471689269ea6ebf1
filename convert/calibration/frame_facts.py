"""What one frame of a calibration set shows: the measures that the lint's rules judge by. Here files are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from convert.calibration.frames import CalibrationSet
from convert.calibration.near_duplicates import Thumbnail, thumbnail
from convert.data.dataset import Sample
from convert.data.picture_file import Raw, fault_of, grey_of, read_raw, scale_of
from convert.errors import DataError
from edge.frame import Pixels, Roi
from edge.screen.roi import find_roi

BLACK, WHITE = 16, 240  # grey levels: below, and from there on
COARSE = 16  # px: the size a picture is shrunk to, to see what it holds beside speckle and noise
GREY_DIFFERENCE = 2.0  # grey levels on average: channels closer than this are grey, saved in colour


@dataclass(frozen=True)
class Seen:
    """A frame that can be read, (H, W) or (H, W, 3) uint8. All but `levels` and `rgb` are of its ultrasound picture."""

    digest: str  # sha256 of its grey pixels and their layout
    levels: npt.NDArray[np.int64]  # (256,): how many pixels have each grey level
    rgb: tuple[float, float, float] | None  # mean of red, green, blue; None for grey
    black: float  # share of pixels, 0..1
    white: float  # share of pixels, 0..1
    coarse: float  # share of the variance, 0..1, that is left at 16 x 16 px: 0.003 in white noise, above 0.38 in B-mode
    thumbnail: Thumbnail


@dataclass(frozen=True)
class Fed:
    """The same frame as the device feeds it to the model: sums over its pixels."""

    pixels: int
    total: float
    total_of_squares: float


@dataclass(frozen=True)
class FrameFacts:
    """All that the rules know of one frame."""

    sample: Sample
    scale: tuple[float, float]  # smallest and largest value as stored; NaN where nothing could be read
    fault: str  # what keeps it from being a frame; empty when nothing does
    seen: Seen | None  # None where there is a fault
    fed: Fed | None  # None where there is a fault, or no model to feed
    unfed: str  # why it could not be fed; empty when it was, or was not tried


def frame_facts(sample: Sample, calibration: CalibrationSet | None) -> FrameFacts:
    """Read one frame and measure it; what is wrong with it is told, not raised."""
    try:
        raw = read_raw(sample.image_path)
    except DataError as error:
        return FrameFacts(sample, (float("nan"),) * 2, str(error), None, None, "")
    if fault := fault_of(raw):
        return FrameFacts(sample, scale_of(raw), fault, None, None, "")
    fed, unfed = None, ""
    if calibration is not None:
        try:
            fed = _fed(calibration.picture(sample))
        except DataError as error:
            unfed = str(error)
    return FrameFacts(sample, scale_of(raw), "", _seen(raw), fed, unfed)


def digest_of(grey: Pixels) -> str:
    """The picture's sha256: the same for a grey picture and its copy saved in colour."""
    return hashlib.sha256(f"{grey.shape}".encode() + grey.tobytes()).hexdigest()


def _seen(raw: Raw) -> Seen:
    grey = grey_of(raw)
    picture = (find_roi(grey) or Roi(0, 0, grey.shape[1], grey.shape[0])).of(grey)
    small: Pixels = cv2.resize(picture, (COARSE, COARSE), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    variance = _mean_and_variance(picture)[1]
    return Seen(
        digest=digest_of(grey),
        levels=cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.int64),
        rgb=_rgb(raw),
        black=np.count_nonzero(picture < BLACK) / picture.size,
        white=np.count_nonzero(picture >= WHITE) / picture.size,
        coarse=_mean_and_variance(small)[1] / variance if variance > 0 else 0.0,
        thumbnail=thumbnail(picture),
    )


def _rgb(raw: Raw) -> tuple[float, float, float] | None:
    if raw.ndim == 2:
        return None
    channels = cv2.split(raw)
    apart = max(cv2.mean(cv2.absdiff(channels[1], other))[0] for other in (channels[0], channels[2]))
    if apart <= GREY_DIFFERENCE:
        return None
    red, green, blue = (cv2.mean(channel)[0] for channel in channels)
    return red, green, blue


def _fed(picture: Pixels) -> Fed:
    mean, variance = _mean_and_variance(picture)
    return Fed(picture.size, mean * picture.size, (variance + mean**2) * picture.size)


def _mean_and_variance(picture: Pixels) -> tuple[float, float]:
    """Over all channels together."""
    mean, deviation = cv2.meanStdDev(picture.reshape(picture.shape[0], -1))
    return float(mean[0, 0]), float(deviation[0, 0]) ** 2
