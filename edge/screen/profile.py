"""A screen profile: what a person taught of one machine's screen, in a TOML file, checked against the picture.

    name = "logiq-wrist"
    screen = [1920, 1080]             # width and height, px
    picture = [600, 84, 996, 636]     # x, y, width, height, px
    outline = [[0, 0], [995, 0]]      # corners within the picture, px; left out: the whole box
    mm_per_px = 0.0521                # left out: the profile knows no scale
    uncertainty = 0.01                # share; the truth lies within plus and minus it
    still = ["1e1e--2f", ...]         # brightness of the screen in cells, two hex digits each, -- where it may change
    [[ruler]]                         # what shows that the depth is still the one that mm_per_px belongs to
    place = [1610, 84, 40, 636]
    line = "0a0aff0a..."              # brightness along it, two hex digits for each 2 px

`still` and `ruler` are learned. A file written by hand may lack both: then the screen's size alone is checked. A cell
is larger than a letter, and a ruler's line is the mean across its strip: neither can be read back as text.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from edge.errors import ProfileError
from edge.findings import Outline
from edge.frame import BY_HAND, UNKNOWN_SPACING, Pixels, Roi, Spacing
from edge.output import write_atomically

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Box = tuple[int, int, int, int]
Levels = npt.NDArray[np.int16]  # grey levels 0..255, UNTOLD where nothing is said

ROWS = 24  # cells to a screen's height: 45 px at 1080p, about twice the height of a letter
LEAST_CELL = 16  # px: on small screens letters are as small as 8 px
STEP_PX = 2  # px of a ruler to one value: a tick is 1 to 3 px thick
UNTOLD = -1
RESTLESS = 6  # grey levels between two frames: a cell that changes by more is not still
NEAR = 12  # grey levels: a cell has the level it had; capture moves it by 2 to 4, another gain of the panel by more
SAME_SHARE = 0.75  # of the cells that show something: on its own screen, with another name on it, 0.9 and more
RULER_LIKENESS = (
    0.9  # correlation with the line that was learned: 0.97 and more at the same depth, below 0.6 at another
)
RULER_RELIEF = 4.0  # standard deviation in grey levels: a strip with less has no ticks on it


class Ruler(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A strip of the screen whose look changes with the depth, and its look when the scale was taught."""

    place: Box  # x, y, width, height, px
    line: str  # hex, two digits for each STEP_PX px along its longer side

    def holds(self, grey: Pixels) -> bool:
        """Whether a screen (H, W) still shows it."""
        learned, seen = _levels(self.line), _line(Roi(*self.place).of(grey))
        if learned.size != seen.size or min(learned.std(), seen.std()) < RULER_RELIEF:
            return False
        return bool(np.corrcoef(learned, seen)[0, 1] >= RULER_LIKENESS)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person taught of one machine's screen, in its pixels; those of `outline` are the picture's."""

    name: str
    screen: tuple[int, int]  # width, height
    picture: Box  # x, y, width, height
    machine: str = ""
    outline: tuple[tuple[float, float], ...] = ()
    mm_per_px: float | None = None
    uncertainty: float = BY_HAND  # share of mm_per_px
    still: tuple[str, ...] = ()
    ruler: tuple[Ruler, ...] = ()

    def __post_init__(self) -> None:
        width, height = self.screen
        _require(width >= 32 and height >= 32, "screen is [width, height], at least 32 px each")
        for key, box in (("picture", self.picture), *(("ruler.place", ruler.place) for ruler in self.ruler)):
            x, y, wide, high = box
            inside = x >= 0 and y >= 0 and wide > 0 and high > 0 and x + wide <= width and y + high <= height
            _require(inside, f"{key} is [x, y, width, height] within the screen of {width} x {height}")
        _require(not self.outline or len(self.outline) >= 3, "outline has three corners or more")
        wide, high = self.picture[2:]
        within = all(0 <= x <= wide and 0 <= y <= high for x, y in self.outline)
        _require(within, f"outline lies within the picture, 0 to {wide} across and 0 to {high} down")
        _require(self.mm_per_px is None or 0.001 <= self.mm_per_px <= 10.0, "mm_per_px is 0.001 to 10")
        _require(0.0 <= self.uncertainty < 1.0, "uncertainty is a share of mm_per_px, 0 to 1")
        for ruler in self.ruler:
            count = -(-max(ruler.place[2:]) // STEP_PX)
            _require(_is_hex(ruler.line, count), f"ruler.line is {2 * count} hex digits")
        if self.still:
            rows, columns = _cells(self.screen)
            whole = len(self.still) == rows and all(_is_hex(row, columns, gaps=True) for row in self.still)
            _require(whole, f"still is {rows} rows of {columns} cells, two hex digits or -- each: learn it anew")

    @property
    def roi(self) -> Roi:
        """The picture's box on the screen."""
        return Roi(*self.picture)

    @property
    def corners(self) -> Outline | None:
        """The picture's outline, in pixels of its box; None: the whole box."""
        return self.outline or None

    @property
    def size_alone(self) -> bool:
        """Whether nothing but the screen's size is checked."""
        return not self.still

    def fits(self, screen: Pixels) -> bool:
        """Whether a screen (H, W) or BGR (H, W, 3) is the one that was taught (if not: `Reason.NOT_THE_PROFILE`)."""
        if (screen.shape[1], screen.shape[0]) != self.screen:
            return False
        return self.size_alone or _alike(_read_cells(self.still), _thumbnail(screen))

    def spacing(self, screen: Pixels) -> Spacing:
        """The taught spacing, or none when the ruler is no longer the taught one: the depth was changed."""
        if not self.ruler or all(ruler.holds(_grey(screen)) for ruler in self.ruler):
            return self._claim()
        return UNKNOWN_SPACING

    def _claim(self) -> Spacing:
        if self.mm_per_px is None:
            return UNKNOWN_SPACING
        return Spacing(self.mm_per_px, "profile", self.uncertainty)


def load(path: Path) -> Profile:
    """Read a profile.

    Raises:
        ProfileError: it cannot be read, or a key is missing, misspelt or out of range.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}): check the path") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path}: is no TOML file ({_one_line(error)}): mend the line") from error
    try:
        return msgspec.convert(plain, Profile, strict=True)
    except msgspec.ValidationError as error:
        raise ProfileError(f"{path}: {_one_line(error)}: see docs/screen-profiles.md") from error


def write(profile: Profile, path: Path) -> None:
    """Write a profile, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    plain = msgspec.to_builtins(profile)
    tables = plain.pop("ruler", [])
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for table in tables:
        lines += ["", "[[ruler]]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    write_atomically(path, ("\n".join(lines) + "\n").encode("utf-8"))


def signature(screens: Sequence[Pixels], picture: Roi) -> tuple[str, ...]:
    """`Profile.still` of screens of one layout: what is at rest outside the picture, in cells larger than a letter.

    With one screen alone everything outside the picture is taken to be at rest.
    """
    thumbnails = np.stack([_thumbnail(screen) for screen in screens])
    rows, columns = thumbnails.shape[1:]
    height, width = screens[0].shape[:2]
    still = np.where(np.ptp(thumbnails, axis=0) <= RESTLESS, np.median(thumbnails, axis=0).astype(np.int16), UNTOLD)
    top, bottom = picture.y * rows // height, -(-(picture.y + picture.height) * rows // height)
    left, right = picture.x * columns // width, -(-(picture.x + picture.width) * columns // width)
    still[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = (
        UNTOLD  # and where the ruler is, which may change
    )
    return tuple("".join("--" if cell == UNTOLD else f"{cell:02x}" for cell in row) for row in still)


def ruler_at(screens: Sequence[Pixels], place: Roi) -> Ruler | None:
    """The strip of a ruler as screens of one depth show it; None when it has no relief, or is not at rest."""
    lines = [_line(place.of(_grey(screen))) for screen in screens]
    ruler = Ruler((place.x, place.y, place.width, place.height), "".join(f"{level:02x}" for level in lines[0]))
    return ruler if all(ruler.holds(_grey(screen)) for screen in screens) else None


def _alike(taught: Levels, seen: Levels) -> bool:
    """Whether the cells that show something, then or now, show the same."""
    told = taught != UNTOLD
    if not told.any():
        return True
    ground = np.bincount(taught[told]).argmax()
    shows = told & (np.maximum(np.abs(taught - ground), np.abs(seen - ground)) > NEAR)
    if not shows.any():
        return True
    return bool((np.abs(taught - seen)[shows] <= NEAR).mean() >= SAME_SHARE)


def _cells(screen: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells of a screen of this width and height."""
    side = max(LEAST_CELL, round(screen[1] / ROWS))
    return max(1, screen[1] // side), max(1, screen[0] // side)


def _thumbnail(screen: Pixels) -> Levels:
    rows, columns = _cells((screen.shape[1], screen.shape[0]))
    small = cv2.resize(screen, (columns, rows), interpolation=cv2.INTER_AREA)
    return _grey(small).astype(np.int16)  # type: ignore[arg-type]


def _line(strip: Pixels) -> Levels:
    """The mean across a strip (H, W), for each STEP_PX px along its longer side."""
    along = strip.mean(axis=1 if strip.shape[0] >= strip.shape[1] else 0)
    padded = np.pad(along, (0, -len(along) % STEP_PX), mode="edge")
    levels: Levels = np.round(padded.reshape(-1, STEP_PX).mean(axis=1)).astype(np.int16)
    return levels


def _grey(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _levels(text: str) -> Levels:
    return np.array([UNTOLD if pair == "--" else int(pair, 16) for pair in re.findall("..", text)], np.int16)


def _read_cells(rows: Sequence[str]) -> Levels:
    return np.stack([_levels(row) for row in rows])


def _is_hex(text: str, count: int, *, gaps: bool = False) -> bool:
    pair = "(?:[0-9a-f]{2}|--)" if gaps else "(?:[0-9a-f]{2})"
    return re.fullmatch(f"{pair}{{{count}}}", text) is not None


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _toml(value: object) -> str:
    """A TOML value; JSON's strings, numbers and arrays are TOML's, but for the character DEL."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        return "[\n" + "".join(f"    {_toml(item)},\n" for item in value) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
