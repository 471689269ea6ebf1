"""Small real files to read: each written by the library that owns the format, or byte by byte as its recorder does."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.frame import Pixels

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def shared(name: str) -> Path:
    """A file or folder of the shared data; skips the test where it is not at hand."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"shared data absent: {name}")
    return path


def scene(index: int, height: int = 96, width: int = 128) -> Pixels:
    """A BGR picture that tells its own index (a disc that moves), as speckled as ultrasound, so that it takes bytes."""
    pixels = np.random.default_rng(index).integers(0, 80, (height, width, 3), dtype=np.uint8)
    cv2.circle(pixels, (10 + 2 * index, height // 2), 8, (250, 120, 60), -1)
    return pixels


def index_in(picture: Pixels) -> int:
    """Which `scene` a picture shows, by the middle of its disc."""
    columns = np.nonzero(picture[..., 0] > 165)[1]
    return round((columns.mean() - 10) / 2)


def write_video(path: Path, fourcc: str, frames: int) -> bytes:
    """A clip of `scene`s; skips where OpenCV was built without that encoder. Returns the file's bytes."""
    code = cv2.VideoWriter.fourcc(*fourcc)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 25.0, (128, 96))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV cannot write {fourcc} into {path.suffix}")
    for index in range(frames):
        writer.write(scene(index))
    writer.release()
    return path.read_bytes()


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at : at + size]
        at += size


def index_first(mp4: bytes) -> bytes:
    """An MP4 with its index (`moov`) before its frames, as for streaming: the kind that still opens when cut short."""
    boxes = list(_boxes(mp4))
    moov = bytearray(next(box for kind, box in boxes if kind == b"moov"))
    table = moov.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", moov, table)
    for at in range(table + 4, table + 4 + 4 * count, 4):
        (offset,) = struct.unpack_from(">I", moov, at)
        struct.pack_into(">I", moov, at, offset + len(moov))
    rest = b"".join(box for kind, box in boxes[1:] if kind != b"moov")
    return boxes[0][1] + bytes(moov) + rest


def trimmed(mp4: bytes) -> bytes:
    """An MP4 whose edit list plays only the first half of its frames, as a phone's trim leaves it."""
    data = bytearray(mp4)
    at = data.index(b"elst") + 12
    (duration,) = struct.unpack_from(">I", data, at)
    struct.pack_into(">I", data, at, duration // 2)
    return bytes(data)


def mha_header(**fields: str | None) -> bytes:
    """A PlusLib header for 6 frames of 32 x 24, with `fields` added, replaced or (None) left out."""
    given: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "CompressedData": "True",
        "DimSize": "32 24 6              ",
        "Kinds": "domain domain list",
        "ElementNumberOfChannels": "1",
        "ElementSpacing": "1 1 1",
        "ElementType": "MET_UCHAR",
        "UltrasoundImageOrientation": "MF",
        "Seq_Frame0000_Timestamp": "232.542071",
        "Seq_Frame0000_ImageStatus": "OK",
        **fields,
        "ElementDataFile": fields.get("ElementDataFile", "LOCAL"),
    }
    last = given.pop("ElementDataFile")
    lines = [f"{key} = {value}" for key, value in given.items() if value is not None]
    return "\n".join([*lines, f"ElementDataFile = {last}", ""]).encode()


def mha_frames(frames: int = 6, channels: int = 1) -> npt.NDArray[np.uint8]:
    """(frames, 24, 32) or, with 3 channels, (frames, 24, 32, 3) RGB, noise."""
    shape = (frames, 24, 32) if channels == 1 else (frames, 24, 32, channels)
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def mha_bytes(pixels: npt.NDArray[np.uint8], *, compressed: bool = True, **fields: str | None) -> bytes:
    body = zlib.compress(pixels.tobytes()) if compressed else pixels.tobytes()
    return mha_header(CompressedData=str(compressed), **fields) + body
