"""The plots of the bench's page: inline SVG, drawn here; its colours are names that the page's style gives."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from edge.bench.result import Timeline

# In units of the drawing, in which letters are 11 high: as wide as a page is, so that they can be read on a phone.
_WIDTH, _FIELD = 480, 200  # of a plot, and height of its field
_LEFT, _RIGHT, _TOP, _BELOW = 46, 10, 12, 38  # margins about the field
_LINE, _NAMES = 18, 3  # of a legend: height of a line, names in it
_LABEL = 90  # width of a label beside a point
_MARKS = ((0.5, 4), (0.95, 9), (0.99, -2))  # share, and how far down its label: the upper two lie close

# What a frame's age is made of: part for the reader -> the stages in it.
PARTS: Mapping[str, tuple[str, ...]] = {
    "read the screen": ("read_screen", "judge_picture"),
    "segment": ("segment",),
    "measure": ("measure", "judge_nerve"),
    "grade": ("crop", "grade", "judge_grade"),
}
_WAIT, _REST = "wait", "record"

STYLE = """
:root { --s0: #8c959f; --s1: #56b4e9; --s2: #0072b2; --s3: #009e73; --s4: #e69f00; --s5: #cc79a7; --a: #0072b2;
  --b: #c2410c; --limit: #b3261e; }
@media screen and (prefers-color-scheme: dark) { :root { --s0: #7d8590; --s2: #388bfd; --s3: #2ea07c; --a: #58a6ff;
  --b: #f0883e; --limit: #ff7b72; } }
figure { max-width: 42rem; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
svg .quiet { fill: var(--quiet); }
svg .grid { stroke: var(--faint); } svg .limit { stroke: var(--limit); stroke-dasharray: 5 3; stroke-width: 1.5; }
svg text.limit { fill: var(--limit); stroke: none; }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg path, svg rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
"""


class Axis(NamedTuple):
    """Values from `low` to `high` on points from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, kept on the axis."""
        low, high, value = (math.log(max(each, 1e-9)) if self.log else each for each in (self.low, self.high, value))
        return self.start + (self.end - self.start) * min(1.0, max(0.0, (value - low) / (high - low)))

    def ticks(self) -> list[float]:
        """Round values on it: 1, 2, 5 times a power of ten."""
        if self.log and self.high >= 10 * self.low:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (digit * 10.0**power for power in powers for digit in (1, 2, 5))
            return [value for value in steps if self.low <= value <= self.high]
        rough = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = unit * next(times for times in (1, 2, 5, 10) if times * unit >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [step * count for count in range(first, last + 1)]


def cdf(
    curves: Mapping[str, Sequence[float]], budget_ms: float | None, marks: Mapping[str, float] | None = None
) -> str:
    """Share of frames over age, ms, to the logarithm; one curve of sorted ages, or two to compare.

    `marks` are ages to mark on the first curve, by what they are called.
    """
    values = [*(age for ages in curves.values() for age in (ages[0], ages[-1])), *([budget_ms] if budget_ms else [])]
    several = len(curves) > 1
    top = _TOP + _LINE * len(curves) * several
    x = _across(max(1e-3, min(values) / 1.25), max(values) * 1.25, log=True)
    y = Axis(0.0, 1.0, top + _FIELD, top)
    parts = [*_legend(dict(zip(curves, "ab", strict=False)), 1)] if several else []
    parts += _field(x, y, "age of the frame at its record, ms", [f"{share:.0%}" for share in y.ticks()])
    if budget_ms is not None:
        parts += [_limit(x.at(budget_ms), x.at(budget_ms), y.start, y.end)]
        side = 1 if x.at(budget_ms) + _LABEL < x.end else -1
        parts += [_beside(x.at(budget_ms), y.start - 6, f"budget {_number(budget_ms)} ms", side, "limit")]
    for colour, ages in zip("ab", curves.values(), strict=False):
        last = max(1, len(ages) - 1)
        points = [(x.at(age), y.at(rank / last)) for rank, age in enumerate(ages)]
        parts.append(f'<path class="curve" style="stroke: var(--{colour})" d="{_steps(points)}"/>')
    for (name, age), (share, down) in zip((marks or {}).items(), _MARKS, strict=False):
        parts.append(f'<circle cx="{x.at(age):.1f}" cy="{y.at(share):.1f}" r="3.5" style="fill: var(--a)"/>')
        side = -1 if x.at(age) - _LABEL > x.start else 1  # above a rising curve there is room
        parts.append(_beside(x.at(age), y.at(share) + down, f"{name} {_number(age)} ms", side))
    return _svg(parts, y.start + _BELOW, "cumulative distribution of frame ages")


def ages(of: Timeline, budget_ms: float | None) -> str:
    """Ages over the run, each column a frame, made of its wait, its stages and its record."""
    columns = _columns(of)
    tops = [sum(column) for column in zip(*columns.values(), strict=True)]
    top = _TOP + _LINE * math.ceil(len(columns) / _NAMES)
    x = _across(0.0, max(of.at_s[-1], 1e-3))
    y = Axis(0.0, max(tops) * 1.15, top + _FIELD, top)
    colours = {name: f"s{index}" for index, name in enumerate(columns)}
    parts = [
        *_legend(colours, _NAMES),
        *_field(x, y, "time since the run began, s", list(map(_number, y.ticks())), "ms"),
    ]
    edges = [x.at(at) for at in of.at_s]
    edges.append(x.end)
    below = [0.0] * len(tops)
    for index, values in enumerate(columns.values()):
        above = [low + value for low, value in zip(below, values, strict=True)]
        outline = [*_columns_along(edges, above, y), *reversed(_columns_along(edges, below, y))]
        parts.append(f'<path style="fill: var(--s{index})" d="M{" L".join(outline)} Z"/>')
        below = above
    if budget_ms is not None and budget_ms <= y.high:
        parts.append(_limit(x.start, x.end, y.at(budget_ms), y.at(budget_ms)))
    return _svg(parts, y.start + _BELOW, "frame ages over the run")


def course(at_s: Sequence[float], values: Sequence[float | None], unit: str) -> str:
    """One reading of the device over the run; empty where it was read less than twice."""
    points = [(at, value) for at, value in zip(at_s, values, strict=True) if value is not None]
    if len(points) < 2:
        return ""
    low, high = min(value for _, value in points), max(value for _, value in points)
    room = max((high - low) * 0.2, 1.0)
    x = _across(0.0, max(at_s[-1], 1e-3))
    y = Axis(low - room, high + room, _TOP + _FIELD / 2, _TOP)
    line = " L".join(f"{x.at(at):.1f},{y.at(value):.1f}" for at, value in points)
    field = _field(x, y, "time since the run began, s", list(map(_number, y.ticks())), unit)
    return _svg(
        [*field, f'<path class="curve" style="stroke: var(--a)" d="M{line}"/>'],
        y.start + _BELOW,
        f"{unit} over the run",
    )


def _columns(of: Timeline) -> dict[str, list[float]]:
    """Part -> ms of each column."""
    columns = {_WAIT: [max(0.0, value) for value in of.wait_ms]}
    for part, stages in PARTS.items():
        taken = [of.stages_ms[stage] for stage in stages if stage in of.stages_ms]
        columns[part] = [sum(column) for column in zip(*taken, strict=True)] or [0.0] * len(of.at_s)
    return columns | {_REST: [max(0.0, value) for value in of.rest_ms]}


def _columns_along(edges: Sequence[float], values: Sequence[float], y: Axis) -> list[str]:
    """The upper edge of columns: each from its own time to the next one's."""
    corners: list[str] = []
    for left, right, value in zip(edges, edges[1:], values, strict=False):
        corners += (f"{left:.1f},{y.at(value):.1f}", f"{right:.1f},{y.at(value):.1f}")
    return corners


def _legend(colours: Mapping[str, str], in_a_line: int) -> Iterator[str]:
    """Names with their colours above a plot."""
    for index, (name, colour) in enumerate(colours.items()):
        left, top = _LEFT + 140 * (index % in_a_line), 6 + _LINE * (index // in_a_line)
        yield f'<rect x="{left}" y="{top}" width="10" height="10" style="fill: var(--{colour})"/>'
        yield _text(left + 15, top + 9, name)


def _across(low: float, high: float, *, log: bool = False) -> Axis:
    return Axis(low, high, _LEFT, _WIDTH - _RIGHT, log)


def _field(x: Axis, y: Axis, title: str, labels: Sequence[str], unit: str = "") -> Iterator[str]:
    """Grid and numbers."""
    for value in x.ticks():
        left = f"{x.at(value):.1f}"
        yield f'<line class="grid" x1="{left}" x2="{left}" y1="{y.start}" y2="{y.end}"/>'
        yield _text(x.at(value), y.start + 15, _number(value), "middle", "quiet")
    for value, label in zip(y.ticks(), labels, strict=True):
        down = f"{y.at(value):.1f}"
        yield f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{down}" y2="{down}"/>'
        yield _text(x.start - 5, y.at(value) + 4, label, "end", "quiet")
    yield _text((x.start + x.end) / 2, y.start + 32, title, "middle", "quiet")
    if unit:
        yield _text(x.start + 4, y.end + 9, unit, "", "quiet")


def _limit(left: float, right: float, top: float, bottom: float) -> str:
    return f'<line class="limit" x1="{left:.1f}" x2="{right:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def _steps(points: Sequence[tuple[float, float]]) -> str:
    """A path that is level until the next point."""
    (left, down), *others = points
    return f"M{left:.1f},{down:.1f}" + "".join(f" H{across:.1f} V{to:.1f}" for across, to in others)


def _text(x: float, y: float, words: str, anchor: str = "", name: str = "") -> str:
    attributes = (f' text-anchor="{anchor}"' if anchor else "") + (f' class="{name}"' if name else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{html.escape(words)}</text>'


def _beside(x: float, y: float, words: str, side: int, name: str = "") -> str:
    """A label to the right (1) or to the left (-1)."""
    return _text(x + 7 * side, y, words, "end" if side < 0 else "", name)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _svg(parts: Iterable[str], height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img">'
        f"<title>{html.escape(title)}</title>{''.join(parts)}</svg>"
    )
