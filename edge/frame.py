"""The nouns of capture: what a source gives (`Frame`) and what is left of it once the screen is read (`Scan`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from edge.probe import ProbeState

Pixels: TypeAlias = npt.NDArray[np.uint8]  # (H, W) grey, or (H, W, 3) in OpenCV's order, BGR; 0..255
Mask: TypeAlias = npt.NDArray[np.uint8]  # (H, W), 1 = nerve, 0 = not

Provenance = Literal["ruler", "dicom", "firmware", "profile", "manual", "none"]


@dataclass(frozen=True)
class Roi:
    """A box of whole pixels in a frame: the ultrasound picture within the machine's screen."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0 or self.width < 1 or self.height < 1:
            raise ValueError(f"not a box: {self}")

    def of(self, pixels: Pixels) -> Pixels:
        """The part of `pixels` inside the box: a view, not a copy."""
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]

    def fits(self, pixels: Pixels) -> bool:
        """Whether the box lies wholly inside `pixels`."""
        return bool(self.x + self.width <= pixels.shape[1] and self.y + self.height <= pixels.shape[0])


@dataclass(frozen=True)
class Spacing:
    """How many millimetres a pixel is, square pixels, and who says so; `None` when nobody does."""

    mm_per_px: float | None = None
    provenance: Provenance = "none"
    uncertainty: float = 0.0  # share of mm_per_px, 0..1: the truth lies within plus and minus it

    def __post_init__(self) -> None:
        if not 0.0 <= self.uncertainty < 1.0:
            raise ValueError(f"an uncertainty is a share, 0 to 1: {self}")
        if (self.mm_per_px is None) != (self.provenance == "none"):
            raise ValueError(f"a spacing has a provenance, and no spacing has none: {self}")
        if self.mm_per_px is not None and not 0.001 <= self.mm_per_px <= 10.0:
            raise ValueError(f"{self.mm_per_px} mm per px is no ultrasound spacing (0.001 to 10)")


UNKNOWN_SPACING = Spacing()
BY_HAND = 0.02  # uncertainty of a spacing that a person states: 100 px of a ruler are measured to 2 px


@dataclass(frozen=True)
class Frame:
    """One picture as captured.

    `pixels` is None when the source could not decode this one picture; `fault` then says why. A source that knows the
    ultrasound region or the spacing from its own header (DICOM) says so; the others leave both to ReadScreen.

    `pixels` may be a view into a larger memory, as the luma of a video format is; its colour is then in `chroma`.
    """

    pixels: Pixels | None
    timestamp_ns: int  # time.monotonic_ns() at capture
    index: int  # 0, 1, 2 ... in the order of the source; a gap is a frame that the source dropped
    name: str = ""  # file name for stills, "" for the frames of a stream
    spacing: Spacing = UNKNOWN_SPACING
    region: Roi | None = None
    fault: str = ""
    no_signal: bool = False  # the device itself knows that none arrives
    chroma: Pixels | None = None  # (h, w, 2), Cb and Cr about 128, a whole number of times smaller than grey `pixels`
    taken_ns: int | None = None  # on a recording's own clock, from any zero; None: it has none, or this is no recording
    probe: ProbeState | None = None  # what its firmware said as of the capture; None: there is none, or it is silent

    @property
    def shown_ns(self) -> int:
        """When the picture was on the screen, from any zero: what passes between two frames passed there."""
        return self.timestamp_ns if self.taken_ns is None else self.taken_ns


@runtime_checkable
class FrameSource(Protocol):
    """Where frames come from. Iterating gives each frame once; `close` may be called twice and at any time."""

    @property
    def stream(self) -> bool:
        """True when all frames show one screen (a video, a device), False for a set of stills."""

    def __len__(self) -> int:
        """How many frames will come; 0 when that is not known (a device)."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class SourceEvent:
    """What befell a live source: a cable out, another mode, a device that came back."""

    timestamp_ns: int  # time.monotonic_ns()
    state: str  # what the source is from then on: "absent", "no signal", "locking", "live"
    why: str


@runtime_checkable
class LiveSource(FrameSource, Protocol):
    """A source of frames that has a device behind it."""

    def events(self) -> tuple[SourceEvent, ...]:
        """What befell it so far, the newest thousand at most."""

    @property
    def dropped(self) -> int:
        """Frames that the device had and nobody got: its driver had no buffer, or a newer one overtook them."""


@dataclass(frozen=True)
class Scan:
    """The ultrasound picture alone: grey, nothing of the screen round it, with its spacing if that is known."""

    pixels: Pixels  # (H, W)
    spacing: Spacing
    roi: Roi  # where it lay in the frame
    colour_share: float = 0.0  # share of the picture's pixels that were coloured, 0..1
    marks: Mask | None = None  # (H, W), not 0 = text, a caliper or a mark that was painted over; None: there was none
