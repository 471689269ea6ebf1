"""Does the picture change while time passes? Told from the ultrasound picture, never from the clock beside it.

A frame is compared with the last one that showed life. It shows life where many pixels in many parts of the picture
changed by more than the capture itself changes what stands still, and how much that is is seen beside the picture:
text and rulers stand still. A digital capture repeats them to the bit, so there two grey levels of flickering speckle
are life; an analog one lets them tremble, and a compressing one smears them. A cursor, a caliper or a menu over a still
picture changes few of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels, Roi

if TYPE_CHECKING:
    from cv2.typing import MatLike

FROZEN_AFTER = 0.7  # s without a sign of life: blocks within 1 s, and a machine with 2 images a second is still live
RESTS = 0.2  # s after a sign of life without another look: a freeze is still told within 0.9 s of its beginning
SAMPLES = 9_216  # of the screen, and of the picture a part of them: what lives changes all over
OF_PICTURE = 4_096
CELLS = 8  # across and down: the parts of the picture
CONTENT = 10  # grey levels above the darkest of the screen; below it capture devices cut their noise off
WHITE = 245  # nor can what is white tremble
IN_CELL = 0.03  # of a cell is content, or it cannot show life; a cursor has hardly more
ALIVE_IN_CELL = 0.25  # of a cell's content changes: thin lines never are so much of it
ALIVE_CELLS = 0.3  # of the cells with content; real sequences have 0.38 and more within 0.8 s, a menu covers less
TREMBLE = 0.9  # of what stands still beside the picture sets the noise; the rest may be a clock
MARGIN = 2  # times that noise is life
ROUNDING = 1  # grey level is no life: text may repeat to the bit where gain, or JPEG, rounds speckle anew
UNKNOWN_NOISE = 12  # grey levels: taken where nothing is beside the picture, and at most; hand-held tissue has more
STILL_SAMPLES = 30  # of content beside the picture say how it trembles
DIGITAL_NS = 1_000_000_000  # so long a capture that repeated what stands still is taken to go on so


@dataclass(frozen=True)
class _Look:
    """Samples of one frame."""

    timestamp_ns: int
    frame_shape: tuple[int, ...]
    roi: Roi
    picture: Pixels  # within `roi`
    screen: Pixels  # all of it, coarser; of a digital capture perhaps that of the look before
    content_from: int  # grey level, above the dark of the screen
    roi_of_screen: Roi  # `roi` in samples of `screen`


class FreezeWatch:
    """Watches one stream, in which the picture's place may be read anew; another size of frame starts it anew.

    It holds one look, whatever the length of the stream. Frames may come at any pace: seen twice the same at least
    FROZEN_AFTER apart is frozen, so that of one frame in two seconds the second tells. Once frozen, life takes two
    frames, as a torn frame changes for one only; frames further than FROZEN_AFTER apart count alone.
    """

    def __init__(self) -> None:
        self._alive: _Look | None = None  # the last look that showed life
        self._seen_ns = 0
        self._frozen = False
        self._stirred = False  # the last frame showed life while frozen
        self._digital_until_ns = 0
        self.looked = False  # at the last frame: nothing is looked at while it rests

    def __call__(self, pixels: Pixels, roi: Roi, timestamp_ns: int) -> bool:
        """Whether the picture at `roi` in the frame `pixels`, (H, W) or (H, W, 3), is frozen at `timestamp_ns`."""
        gap, self._seen_ns = timestamp_ns - self._seen_ns, timestamp_ns
        then = self._alive
        if gap < 0:  # a clock set back
            self._digital_until_ns = 0
        rests = then and not self._frozen and gap >= 0 and timestamp_ns - then.timestamp_ns < RESTS * 1e9
        self.looked = not rests
        if rests:
            return False
        same_place = then is not None and (then.frame_shape, then.roi) == (pixels.shape, roi)
        digital = same_place and timestamp_ns < self._digital_until_ns
        look = _look(pixels, roi, timestamp_ns, then if digital else None)
        if then is None or then.frame_shape != look.frame_shape or gap < 0:
            self._revive(look)
        elif not self._differs(then, look if then.roi == roi else _look(pixels, then.roi, timestamp_ns, None)):
            self._alive = then if then.roi == roi else replace(look, timestamp_ns=then.timestamp_ns)
            self._stirred = False
            self._frozen |= timestamp_ns - then.timestamp_ns >= FROZEN_AFTER * 1e9
        elif not self._frozen or self._stirred or gap >= FROZEN_AFTER * 1e9:
            self._revive(look)
        else:
            self._stirred = True
        return self._frozen

    def _differs(self, then: _Look, now: _Look) -> bool:
        content = _Content.of(then, now)
        if not content.telling.any():
            return True  # a black picture cannot be told from a frozen one: other rooms speak of it
        if not content.changes(then.picture, now.picture, ROUNDING):
            return False
        if then.screen is now.screen:
            return True
        still = _beside(then, now)
        if _repeats(then.screen, now.screen, still):
            self._digital_until_ns = now.timestamp_ns + DIGITAL_NS
            return True
        gain, offset = _flicker(then.picture, now.picture, content.where)
        picture, screen = (cv2.convertScaleAbs(each, alpha=gain, beta=offset) for each in (then.picture, then.screen))
        return content.changes(picture, now.picture, _noise(screen, now.screen, still))

    def _revive(self, look: _Look) -> None:
        self._alive, self._frozen, self._stirred = look, False, False


def _look(pixels: Pixels, roi: Roi, timestamp_ns: int, with_screen_of: _Look | None) -> _Look:
    grey = pixels if pixels.ndim == 2 else pixels[..., 1]  # green: most of grey, and no pass over the frame
    part = roi.of(grey)
    fine, coarse = max(1, isqrt(part.size // OF_PICTURE)), max(1, isqrt(grey.size // SAMPLES))
    screen = with_screen_of.screen if with_screen_of else grey[::coarse, ::coarse].copy()
    return _Look(
        timestamp_ns,
        pixels.shape,
        roi,
        picture=_whole_cells(part[::fine, ::fine]).copy(),
        screen=screen,
        content_from=with_screen_of.content_from if with_screen_of else int(screen.min()) + CONTENT,
        roi_of_screen=Roi(roi.x // coarse, roi.y // coarse, roi.width // coarse + 1, roi.height // coarse + 1),
    )


def _whole_cells(samples: Pixels) -> Pixels:
    """Without the rows and columns that do not fill a cell: equal cells are counted several times faster."""
    height, width = (max(1, side // CELLS) * CELLS for side in samples.shape)
    return samples[:height, :width]


@dataclass(frozen=True)
class _Content:
    """Where either of two pictures is brighter than the dark of the screen."""

    where: MatLike  # 255, else 0
    in_cells: MatLike  # (CELLS, CELLS), the mean of each cell
    telling: npt.NDArray[np.bool_]  # (CELLS, CELLS), enough of it to show life

    @classmethod
    def of(cls, then: _Look, now: _Look) -> _Content:
        brighter = cv2.max(then.picture, now.picture)
        where = cv2.threshold(brighter, then.content_from, 255, cv2.THRESH_BINARY)[1]
        in_cells = _per_cell(where)
        return cls(where, in_cells, in_cells >= 255 * IN_CELL)

    def changes(self, before: MatLike, after: MatLike, noise: int) -> bool:
        """Whether much of it differs by more than `noise` grey levels, in many of the cells that it tells of."""
        changed = cv2.threshold(cv2.absdiff(before, after), noise, 255, cv2.THRESH_BINARY)[1]
        alive = _per_cell(cv2.bitwise_and(changed, self.where)) > ALIVE_IN_CELL * self.in_cells
        return bool(np.count_nonzero(alive & self.telling) >= ALIVE_CELLS * np.count_nonzero(self.telling))


def _beside(then: _Look, now: _Look) -> MatLike:
    """255 at the content of the screen beside the picture, which stands still."""
    still = cv2.inRange(then.screen, then.content_from, WHITE)
    now.roi_of_screen.of(still)[:] = 0  # type: ignore[arg-type]
    return still


def _per_cell(marks: MatLike) -> MatLike:
    """(CELLS, CELLS), the mean of each cell."""
    return cv2.resize(marks, (CELLS, CELLS), interpolation=cv2.INTER_AREA)


def _repeats(then: MatLike, now: MatLike, still: MatLike) -> bool:
    """Whether the capture repeats what stands still to the bit, read where `still` is set."""
    changed = cv2.countNonZero(cv2.bitwise_and(cv2.absdiff(then, now), still))
    return cv2.countNonZero(still) >= STILL_SAMPLES and changed <= (1 - TREMBLE) * cv2.countNonZero(still)


def _noise(then: MatLike, now: MatLike, still: MatLike) -> int:
    """How many grey levels the capture changes what stands still by."""
    at_most = np.cumsum(cv2.calcHist([cv2.absdiff(then, now)], [0], still, [256], [0, 256]))
    if at_most[-1] < STILL_SAMPLES:
        return UNKNOWN_NOISE
    trembles = MARGIN * int(np.searchsorted(at_most, TREMBLE * at_most[-1]))
    return min(max(trembles, ROUNDING), UNKNOWN_NOISE)


def _flicker(then: MatLike, now: MatLike, content: MatLike) -> tuple[float, float]:
    """Gain and offset that make one picture as bright, and as rich in contrast, as the other."""
    few = content[::4]
    (mean_then, spread_then), (mean_now, spread_now) = (cv2.meanStdDev(each[::4], mask=few) for each in (then, now))
    gain = spread_now.item() / max(spread_then.item(), 1.0)
    return gain, mean_now.item() - gain * mean_then.item()
