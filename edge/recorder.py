"""The calibration recorder: of all frames of a source, the few that are good, unlike one another and nobody's.

    ScreenReader   the picture alone, de-identified, with its spacing
    judge_picture  fit to look at, by a bundle's thresholds
    Spread         far from what is kept: N stay of however many come, in constant memory
    checked        no text left in the very pixels that are written; if in doubt, the frame is not

What stays is a data folder: `images/`, `labels.csv`, and `recording.json`, which says where each recording came from,
and how many frames were refused, and why. A second recording into the same folder adds to it.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import OutputError, RedactionError, UsageError
from edge.frame import Frame, FrameSource, Pixels, Scan
from edge.manifest import Thresholds
from edge.output import write_atomically
from edge.report import CODE, public_source
from edge.screen.read import ScreenReader
from edge.screen.redact import checked
from edge.stages.quality import judge_picture

COLUMNS = ("file", "subject", "grade", "view", "spacing_mm", "side", "level", "machine", "depth_mm", "gain")
THUMBNAIL = 32  # px a side, as `sonoedge calibration lint` looks for copies
ALIKE = 0.98  # correlation of two thumbnails from which one is a copy of the other
TEXT_LEFT, COPY, OUTDONE = "text may be left in it", "like one that is kept", "others differ more"

Thumbnail = npt.NDArray[np.float32]  # (THUMBNAIL ** 2,), mean 0, length 1; all 0 for a flat picture


@dataclass(frozen=True)
class Settings:
    """What the operator knows of the frames; an empty text is not known."""

    subject: str  # a code, never a name
    view: str = ""
    side: str = ""
    level: str = ""
    machine: str = ""
    gain: str = ""

    def __post_init__(self) -> None:
        for name in ("subject", "level", "machine", "gain"):
            value = getattr(self, name)
            if value and CODE.fullmatch(value) is None:
                raise UsageError(
                    f"--{name} {value!r}: give a code of letters, digits, . _ + - (at most 32), never a name"
                )
        if not self.subject:
            raise UsageError("--subject is empty: give each person a code, never a name")


def thumbnail(grey: Pixels) -> Thumbnail:
    """A small picture of a (H, W) one that gain and offset do not change."""
    small = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / np.float32(length) if length > 0 else small


class Spread:
    """Keeps at most `count` pictures that lie far apart, of a stream of any length.

    While there is room, whatever is no copy is kept. Then a picture takes the place of one of the two that are most
    alike, if it is less like any of the kept than those two are like each other.
    """

    def __init__(self, count: int) -> None:
        self._kept = np.zeros((count, THUMBNAIL**2), np.float32)
        self._alike = np.full((count, count), -np.inf, np.float32)  # correlations; none with itself
        self._used = 0

    def place_for(self, small: Thumbnail) -> int | str:
        """The place 0 .. count - 1 that this picture takes, or why it takes none."""
        likeness = self._kept[: self._used] @ small
        nearest = float(likeness.max()) if self._used else -1.0
        if nearest >= ALIKE:
            return COPY
        if self._used < len(self._kept):
            return self._used
        one, other = np.unravel_index(int(self._alike.argmax()), self._alike.shape)
        if nearest >= self._alike[one, other]:
            return OUTDONE
        return int(max((one, other), key=lambda place: np.sort(self._alike[place])[-2:].sum()))

    def put(self, place: int, small: Thumbnail) -> None:
        """The picture takes that place."""
        self._used = max(self._used, place + 1)
        self._kept[place] = small
        self._alike[place, : self._used] = self._alike[: self._used, place] = self._kept[: self._used] @ small
        self._alike[place, place] = -np.inf


@dataclass
class Recording:
    """One recording under way. Each picture is on the disk, whole, as soon as it is kept; `close` writes the table."""

    folder: Path
    settings: Settings
    count: int
    source: str
    refused: Counter[str] = field(default_factory=Counter)
    seen: int = 0

    def __post_init__(self) -> None:
        """Open the folder, new or with earlier recordings.

        Raises:
            UsageError: it holds something else.
            OutputError: it cannot be made.
        """
        self._earlier = _earlier(self.folder)
        self._spread = Spread(self.count)
        self._rows: dict[int, dict[str, str]] = {}
        try:
            (self.folder / "images").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot make this folder ({error.strerror})") from error

    def __len__(self) -> int:
        return len(self._rows)

    def offer(self, frame: Frame, scan: Scan) -> None:
        """Keep the picture of a frame, or count why not.

        Raises:
            OutputError: it cannot be written.
        """
        small = thumbnail(scan.pixels)
        place = self._spread.place_for(small)
        if isinstance(place, str):
            self.refused[place] += 1
            return
        try:
            picture = checked(scan.pixels)
        except RedactionError:
            self.refused[TEXT_LEFT] += 1
            return
        name = f"{self.settings.subject}-{len(self._earlier) + 1:03d}-{frame.index:06d}.png"
        write_atomically(self.folder / "images" / name, cv2.imencode(".png", picture)[1].tobytes())
        replaced = self._rows.get(place)
        self._spread.put(place, small)
        self._rows[place] = self._row(name, scan)
        if replaced is not None:
            self.refused[OUTDONE] += 1
            with suppress(OSError):  # not in the table: it does no harm
                (self.folder / "images" / replaced["file"]).unlink()

    def close(self) -> None:
        """Write the table and where the frames came from.

        Raises:
            OutputError: they cannot be written.
        """
        rows = sorted(self._rows.values(), key=lambda row: row["file"])
        before = _table(self.folder)
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*before, *rows])
        write_atomically(self.folder / "labels.csv", text.getvalue().encode("utf-8"))
        recordings = {"version": 1, "recordings": [*self._earlier, self._provenance()]}
        write_atomically(self.folder / "recording.json", (json.dumps(recordings, indent=2) + "\n").encode("utf-8"))

    def _row(self, name: str, scan: Scan) -> dict[str, str]:
        settings, mm_per_px = self.settings, scan.spacing.mm_per_px
        return {
            "file": name,
            "subject": settings.subject,
            "grade": "",
            "view": settings.view,
            "spacing_mm": "" if mm_per_px is None else f"{mm_per_px:.6g}",
            "side": settings.side,
            "level": settings.level,
            "machine": settings.machine,
            "depth_mm": "" if mm_per_px is None else f"{mm_per_px * scan.pixels.shape[0]:.1f}",
            "gain": settings.gain,
        }

    def _provenance(self) -> dict[str, Any]:
        return {
            "source": public_source(self.source),
            "subject": self.settings.subject,
            "frames_seen": self.seen,
            "frames_kept": len(self),
            "asked_for": self.count,
            "refused": dict(self.refused.most_common()),
        }


def record(
    source: FrameSource,
    reader: ScreenReader,
    thresholds: Thresholds,
    recording: Recording,
    *,
    limit: int | None = None,
    step: Callable[[], object] = lambda: None,
) -> None:
    """Offer the good frames of a source, or of its first `limit`, to a recording; `step` is called after each.

    Raises:
        UsageError: the user's ROI or spacing contradicts a frame.
        OutputError: a picture cannot be written.
    """
    for frame in source:
        recording.seen += 1
        reading = reader(frame)
        if reading.scan is None:
            recording.refused[reading.reason.value if reading.reason else "no picture"] += 1
        else:
            unfit = judge_picture(reading.scan, thresholds)
            if unfit is not None:
                recording.refused[unfit.reason.value] += 1
            else:
                recording.offer(frame, reading.scan)
        step()
        if limit is not None and recording.seen >= limit:
            return


def new_code() -> str:
    """A code for a subject of whom nothing is said: one recording, one person."""
    return f"R-{secrets.token_hex(3)}"


def _earlier(folder: Path) -> list[dict[str, Any]]:
    """The recordings that a folder holds; none in a new one."""
    try:
        held = list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{folder}: is no folder that can be read ({error.strerror}): name another") from error
    if not held:
        return []
    try:
        plain = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
        recordings: list[dict[str, Any]] = plain["recordings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder}: holds files that are no recording of this command: name a new folder") from error
    return recordings


def _table(folder: Path) -> list[dict[str, str]]:
    """The rows of the earlier recordings, whatever was since filled in."""
    try:
        with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as table:
            return [{column: row.get(column) or "" for column in COLUMNS} for row in csv.DictReader(table)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OutputError(
            f"{folder / 'labels.csv'}: cannot be read again ({error}): mend it or name a new folder"
        ) from error
