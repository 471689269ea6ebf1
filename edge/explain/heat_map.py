"""The heat map over the frame: red where a place speaks for the answer, blue where it speaks against it.

Drawn over `edge.overlay`'s picture, which shows the scan alone: nothing of the screen round it.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge import overlay
from edge.explain.explanation import Explained, Explanation
from edge.explain.sight import CTS, SEGMENTER
from edge.explain.support import FloatMap, hottest, lifted
from edge.frame import Pixels
from edge.pipeline import Observation
from edge.stages.placement import Box

FOR, AGAINST = (40, 40, 255), (255, 130, 30)  # BGR
EDGE = (255, 255, 255)  # round the hottest tenth, and the box that the model saw
OPACITY = 0.75  # of the strongest colour; where nothing changed the scan is as it was
LEGEND_PX, BAR_PX, MARGIN_PX = 190, 22, 14
_GREY = 96  # of the bar, for a scan to be seen through
_LINE_PX = 20


def draw(seen: Observation, explained: Explained) -> Pixels:
    """The annotated scan with the heat map and its legend, BGR.

    Raises:
        ValueError: the frame has no scan.
    """
    picture = overlay.draw(seen)
    if picture is None or seen.scan is None:
        raise ValueError("no scan to draw on")
    zoom = (picture.shape[0] - overlay.PANEL_PX) / seen.scan.pixels.shape[0]
    source = explained.placement.source
    box = Box(*(round(zoom * edge) for edge in (source.left, source.top, source.right, source.bottom)))
    part = box.of(picture)
    found = lifted(explained.support.pixels, explained.placement)
    support = np.asarray(cv2.resize(found, part.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.float64)
    peak = float(np.nanmax(np.abs(support)))
    part[:] = _tinted(part, np.nan_to_num(support) / (peak or 1.0))
    contours, _ = cv2.findContours(hottest(support).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(part, contours, -1, EDGE, 1, cv2.LINE_AA)
    cv2.rectangle(picture, (box.left, box.top), (box.right - 1, box.bottom - 1), EDGE)
    return np.hstack([picture, _legend(picture.shape[0], explained.record, peak)])


def _tinted(picture: Pixels, strength: FloatMap) -> Pixels:
    """`picture` (H, W, 3) coloured by `strength` (H, W), -1..1."""
    opacity = OPACITY * np.abs(strength)[:, :, None]
    colour = np.where(strength[:, :, None] > 0, np.array(FOR, np.float64), np.array(AGAINST, np.float64))
    tinted: Pixels = np.rint(picture * (1 - opacity) + colour * opacity).astype(np.uint8)
    return tinted


def _legend(height: int, explanation: Explanation, peak: float) -> Pixels:
    panel = np.zeros((height, LEGEND_PX, 3), np.uint8)
    above = [explanation.method, f"of {_answer(explanation)} = {explanation.baseline:.3f}", "lost when hidden:"]
    on_nerve = explanation.hottest_on_nerve
    below = [
        "white: hottest tenth",
        "nothing changed it" if on_nerve is None else f"on the nerve: {on_nerve:.0%}",
        f"tried {explanation.tried} of {explanation.planned}",
    ]
    for number, text in enumerate(above):
        _text(panel, text, MARGIN_PX, _LINE_PX * (number + 1))
    for number, text in enumerate(below):
        _text(panel, text, MARGIN_PX, height - _LINE_PX * (len(below) - number))
    top, bottom = _LINE_PX * (len(above) + 1), height - _LINE_PX * (len(below) + 2)
    ramp = np.repeat(np.linspace(1.0, -1.0, max(2, bottom - top))[:, None], BAR_PX, axis=1)
    bar = _tinted(np.full((*ramp.shape, 3), _GREY, np.uint8), ramp)
    panel[top : top + len(bar), MARGIN_PX : MARGIN_PX + BAR_PX] = bar[: height - top]
    for share, value in ((0.0, peak), (0.25, peak / 2), (0.5, 0.0), (0.75, -peak / 2), (1.0, -peak)):
        _text(panel, f"{value + 0.0:+.3g}", 2 * MARGIN_PX + BAR_PX, round(top + share * len(bar)) + 5)
    return panel


def _answer(explanation: Explanation) -> str:
    return {CTS: "P(CTS)", SEGMENTER: "P(nerve)"}.get(explanation.of, f"P({explanation.of})")


def _text(panel: Pixels, text: str, x: int, baseline: int) -> None:
    cv2.putText(panel, text, (x, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.45, overlay.TEXT, 1, cv2.LINE_AA)
