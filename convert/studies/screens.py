"""What the reading of screens finds on real ones, against what people drew and measured on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from convert.errors import DataError
from convert.studies.study import table
from edge.frame import Frame, Roi
from edge.progress import counter
from edge.screen.colour import to_grey
from edge.screen.layout import Layout, read_layout
from edge.screen.read import ScreenReader
from edge.screen.text import text_boxes
from edge.sources import open_source

Entry = TypeVar("Entry")

WITHIN = 0.02  # share: a spacing that is farther from the truth is wrong
OVER = 0.5  # share of a line's width that is covered where it counts as found


class Drawn(msgspec.Struct, frozen=True):
    """The pictures on one frame of a file, drawn by hand: x, y, width, height in pixels."""

    path: str  # in the data folder
    frame: int
    boxes: tuple[tuple[int, int, int, int], ...]
    family: str
    none_ok: bool  # there is hardly a picture: none is a right answer too


class Scale(msgspec.Struct, frozen=True):
    path: str
    mm_per_px: float | None


class Line(msgspec.Struct, frozen=True):
    """One line of text on a frame, its box x, y, width, height."""

    path: str
    frame: int
    box: tuple[int, int, int, int]


@dataclass
class Family:
    """What was found on the screens of one kind."""

    frames: int = 0
    none: int = 0
    overlaps: list[float] = field(default_factory=list)  # IoU, one a picture that was drawn and found
    answers: Counter[str] = field(default_factory=Counter)  # of the product, frame by frame
    errors: list[float] = field(default_factory=list)  # share, one a frame whose scale is known and was read
    outside: int = 0  # of these, how many lie farther from the truth than their own uncertainty, or `WITHIN`
    unscaled: int = 0  # frames whose scale is known and was not read
    lines: int = 0
    lines_found: int = 0


def screens(data: Path, truth: Path) -> str:
    """The table, one row a family of screens.

    Raises:
        DataError: a folder or a file of the truth is absent.
    """
    drawn = _read(truth / "boxes.json", Drawn)
    scales = {scale.path: scale.mm_per_px for scale in _read(truth / "spacing.json", Scale)}
    lines: dict[tuple[str, int], list[Line]] = defaultdict(list)
    for line in _read(truth / "text.json", Line):
        lines[line.path, line.frame].append(line)
    families: dict[str, Family] = defaultdict(Family)
    with counter("screens", len(drawn)) as bar:
        for entry, frame in _frames(data, drawn):
            _add(families[entry.family], entry, frame, scales.get(entry.path), lines[entry.path, entry.frame])
            bar.update()
    return _page(families)


def _read(path: Path, kind: type[Entry]) -> list[Entry]:
    if not path.is_file():
        raise DataError(f"{path}: no such file: give --truth the repository's tests/edge/screen_truth")
    return msgspec.json.decode(path.read_bytes(), type=list[kind])  # type: ignore[valid-type]


def _frames(data: Path, drawn: Sequence[Drawn]) -> Iterator[tuple[Drawn, Frame]]:
    """Each entry with its frame; every file is opened once."""
    by_path: dict[str, dict[int, Drawn]] = defaultdict(dict)
    for entry in drawn:
        by_path[entry.path][entry.frame] = entry
    for path, entries in by_path.items():
        if not (data / path).is_file():
            raise DataError(f"{data / path}: no such file: give --data the folder of public screens")
        source = open_source(str(data / path))
        try:
            for number, frame in enumerate(source):
                if number in entries:
                    yield entries[number], frame
                if number >= max(entries):
                    break
        finally:
            source.close()


def _add(family: Family, entry: Drawn, frame: Frame, mm_per_px: float | None, lines: Sequence[Line]) -> None:
    assert frame.pixels is not None  # noqa: S101  the truth was drawn on it
    grey = to_grey(frame.pixels)
    family.frames += 1
    overlaps = _overlaps(read_layout([grey], within=frame.region), entry)
    family.overlaps += overlaps
    family.none += not overlaps
    reading = ScreenReader(stream=False)(frame)
    family.answers[str(reading.reason.value) if reading.reason else "scan"] += 1
    said = reading.scan.spacing if reading.scan else None
    if mm_per_px is not None and (said is None or said.mm_per_px is None):
        family.unscaled += 1
    elif mm_per_px is not None and said is not None and said.mm_per_px is not None:
        error = abs(said.mm_per_px / mm_per_px - 1)
        family.errors.append(error)
        family.outside += error > max(WITHIN, said.uncertainty)
    if lines:
        found = text_boxes(grey)
        family.lines += len(lines)
        family.lines_found += sum(_covered(Roi(*line.box), found) >= OVER for line in lines)


def _overlaps(layout: Layout, entry: Drawn) -> list[float]:
    """IoU of each drawn picture with the one found that fits it best; of a single one, with the first found."""
    found = [] if layout.picture is None else [layout.picture.roi, *(other.roi for other in layout.others)]
    if len(entry.boxes) == 1:
        found = found[:1]
    return [max(_iou(Roi(*box), roi) for roi in found) for box in entry.boxes] if found else []


def _iou(one: Roi, other: Roi) -> float:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0, wide) * max(0, high)
    return both / (one.width * one.height + other.width * other.height - both)


def _covered(line: Roi, boxes: Sequence[Roi]) -> float:
    """The share of a line's columns over which boxes at its height lie."""
    columns = np.zeros(line.width, bool)
    for box in boxes:
        high = min(line.y + line.height, box.y + box.height) - max(line.y, box.y)
        if high > 0.4 * min(line.height, box.height):
            columns[max(0, box.x - line.x) : max(0, box.x + box.width - line.x)] = True
    return float(columns.mean())


HEAD = ["screens", "frames", "no picture", "IoU least", "IoU median", "answer", "spacing read", "worst error", "wrong"]
HEAD += ["text lines", "found"]


def _page(families: dict[str, Family]) -> str:
    rows = [_row(name, family) for name, family in families.items()]
    overlaps = [overlap for family in families.values() for overlap in family.overlaps]
    errors = [error for family in families.values() for error in family.errors]
    head = (
        "# Reading real screens\n\n"
        "Public screens and frame-grabber sequences, one still at a time, as the product reads them. *IoU*: of the "
        "box that was found with the box drawn by hand (`tests/edge/screen_truth/`). *Answer*: a scan, or the reason "
        f"why there is none. *Wrong*: spacings off by more than {WITHIN:.0%} and more than their own uncertainty. The "
        "`wires` are wires in water: nearly black, no picture is the right answer there; so it is for the "
        "`text_strip`. The rules were made while looking at these very screens: of other machines the table promises "
        "nothing.\n\n"
    )
    found, outside = len(overlaps), sum(family.outside for family in families.values())
    foot = (
        f"\nAll together: {found} pictures found, IoU least {min(overlaps):.3f}, median {np.median(overlaps):.3f}; "
        f"{len(errors)} spacings read, the worst {max(errors, default=0):.2%} off, {outside} wrong.\n"
    )
    return head + table(HEAD, rows) + foot


def _row(name: str, family: Family) -> list[str]:
    known = len(family.errors) + family.unscaled
    return [
        name,
        str(family.frames),
        str(family.none),
        f"{min(family.overlaps):.3f}" if family.overlaps else "",
        f"{np.median(family.overlaps):.3f}" if family.overlaps else "",
        ", ".join(f"{answer} {count}" for answer, count in family.answers.most_common()),
        f"{len(family.errors)} of {known}" if known else "",
        f"{max(family.errors):.2%}" if family.errors else "",
        str(family.outside) if family.errors else "",
        str(family.lines or ""),
        str(family.lines_found) if family.lines else "",
    ]
