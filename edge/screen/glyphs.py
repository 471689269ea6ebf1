"""What drawn text says: strips of a screen -> glyphs, by a small all-integer INT8 network of ours (`convert/glyphs`).

A strip is a line of text at one height, `HEIGHT` rows, its ink bright on black. Strips are laid behind one another on a
tape, and the network reads the tape window by window, one answer every two columns: no segmentation into glyphs, which
fails where they touch. Its classes are those of `ALPHABET`; class 0 is "no glyph here", the last is a glyph of no
class of ours (another script, a mirrored letter).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from threading import Lock

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels
from edge.interpreter import Model, open_model

HEIGHT = 20  # rows of a strip
INK_ROWS = 14  # of the tight box of the ink within it, in the middle
MARGIN = (HEIGHT - INK_ROWS) / 2
INK_LEVEL = 200  # grey level of the ink in a strip: what is brighter than the ink stays visible up to 255
STEP = 2  # columns of the tape to one answer
OTHER = "\ufffd"
ALPHABET = "\0" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,:/-%+()*=<>#'_ " + OTHER
NO_GLYPH = "\0 "
NARROW = ".,:'Iijl1"
ZERO = re.compile(
    r"(?<=\d)[Oo]|(?<=\d[.,:/-])[Oo]|(?<![A-Za-z])[Oo](?=[\d.,])"
)  # drawn alike; what stands beside it tells
GAP = 16  # columns of black between strips on the tape: more than the network sees to one side
ASSET = "glyphs.tflite"


@dataclass(frozen=True)
class Word:
    """What one strip says. `certain` and `seen` are probabilities, 0..1, of each glyph but the spaces: that it is the
    one in `text`, and that there is a glyph at all. A lone O is surely a glyph, and perhaps a zero."""

    text: str
    certain: tuple[float, ...]
    seen: tuple[float, ...]


def cut_strip(grey: Pixels, box: tuple[int, int, int, int], *, ink: float, paper: float) -> Pixels:
    """The strip (HEIGHT, W) of the text whose ink is tight in `box`, x, y, width, height; `ink` and `paper` are its
    grey levels."""
    x, y, width, height = box
    scale = INK_ROWS / height
    wide = max(2, round(width * scale + 2 * MARGIN))
    move = np.array(
        [[1 / scale, 0, x - 0.5 + (0.5 - MARGIN) / scale], [0, 1 / scale, y - 0.5 + (0.5 - MARGIN) / scale]]
    )
    source, move = _shrunk(grey, box, move, scale)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    strip = cv2.warpAffine(source, move, (wide, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    gain = INK_LEVEL / (ink - paper if abs(ink - paper) >= 1 else 1)
    return cv2.addWeighted(strip, gain, strip, 0, -paper * gain)  # type: ignore[return-value]  # saturates


def _shrunk(
    grey: Pixels, box: tuple[int, int, int, int], move: npt.NDArray[np.float64], scale: float
) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """The part round a large line made small by a whole number, averaging: sampling alone would lose thin strokes."""
    factor = int(1 / scale)
    if factor < 2:
        return grey, move
    x, y, width, height = box
    pad = height // 2
    left, top = max(0, x - pad), max(0, y - pad)
    part = grey[top : y + height + pad, left : x + width + pad]
    size = max(1, part.shape[1] // factor), max(1, part.shape[0] // factor)
    small: Pixels = cv2.resize(  # type: ignore[assignment]
        part[: size[1] * factor, : size[0] * factor], size, interpolation=cv2.INTER_AREA
    )
    moved = move.copy()
    moved[0, 2], moved[1, 2] = move[0, 2] - left + 0.5, move[1, 2] - top + 0.5
    moved /= factor
    moved[:, 2] -= 0.5
    return small, moved


_ONE_AT_A_TIME = Lock()  # a layout may be read beside the frames while another one is read for a frame


def read_strips(strips: Sequence[Pixels], model: Model | None = None) -> list[Word]:
    """What each strip (HEIGHT, W) says, in their order."""
    if not strips:
        return []
    starts = np.cumsum([GAP] + [_even(strip.shape[1]) + GAP for strip in strips])
    tape: Pixels = np.zeros((HEIGHT, int(starts[-1])), np.uint8)
    for start, strip in zip(starts, strips, strict=False):
        tape[:, start : start + strip.shape[1]] = strip
    answers = _answers(tape, model or reader())
    return [
        _word(answers[start // STEP : -(-(start + strip.shape[1]) // STEP)])
        for start, strip in zip(starts.tolist(), strips, strict=False)
    ]


@functools.cache
def reader() -> Model:
    """The packaged network, the one of the whole process."""
    return open_model((resources.files("edge") / "assets" / ASSET).read_bytes())


def _answers(tape: Pixels, model: Model) -> npt.NDArray[np.float32]:
    """Logits (columns / STEP, classes). Windows overlap by a gap at each side, where the network sees past the end."""
    window = model.input_shape[2]
    useful = window - 2 * GAP
    scale, zero = model.output_quantization
    count = max(1, -(-(tape.shape[1] - 2 * GAP) // useful))
    padded = np.zeros((HEIGHT, count * useful + 2 * GAP), np.uint8)
    padded[:, : tape.shape[1]] = tape
    whole = np.empty((padded.shape[1] // STEP, len(ALPHABET)), np.int8)
    inner = slice(GAP // STEP, (window - GAP) // STEP)
    for start in range(0, count * useful, useful):
        with _ONE_AT_A_TIME:
            model.write_input(np.ascontiguousarray(padded[:, start : start + window]))
            model.invoke()
            answer = model.output().reshape(-1, len(ALPHABET))
        whole[(start + GAP) // STEP : (start + window - GAP) // STEP] = answer[inner]
    logits: npt.NDArray[np.float32] = (whole.astype(np.float32) - zero) * np.float32(scale)
    return logits


def _word(logits: npt.NDArray[np.float32]) -> Word:
    """Best class a column; neighbours of one class are one glyph, "no glyph" between them makes two of them.

    Two classes in two neighbouring columns, STEP apart, are two readings of one glyph: the better one counts, as
    certain as it is against the other. Only the narrowest glyphs stand so close.
    """
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    classes = odds.argmax(axis=1)
    begins = np.flatnonzero(np.diff(classes, prepend=0))
    text, last = "", -2
    certain: list[float] = []
    seen: list[float] = []
    for begin, run in zip(begins.tolist(), np.split(odds, begins)[1:], strict=True):
        glyph = ALPHABET[classes[begin]]
        if glyph in NO_GLYPH:
            text += glyph
            continue
        best, there = float(run.max()), float(1 - run[:, 0].min())
        at = begin + int(run[:, classes[begin]].argmax())
        if at == last + 1 and not (glyph in NARROW and text[-1] in NARROW):
            text = text[:-1] + (glyph if best > certain[-1] else text[-1])
            certain[-1] = max(best, certain[-1]) / (best + certain[-1])
        else:
            text += glyph
            certain.append(best)
            seen.append(there)
        last = at
    text = ZERO.sub("0", " ".join(text.replace("\0", "").split()))
    return Word(text, tuple(certain), tuple(seen))


def _even(width: int) -> int:
    return width + width % STEP
