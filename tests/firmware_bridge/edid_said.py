"""What a text of `edid-decode` says of an EDID, read into plain values, to hold our parser against."""

from __future__ import annotations

import re
from typing import Any

_TIMING = re.compile(r"(\d+)x(\d+)(i?) +([\d.]+) Hz +\d+:\d+ +([\d.]+) kHz +([\d.]+) MHz")
_SIZE = re.compile(r"(\d+) mm x (\d+) mm\)$")
_PORCHES = re.compile(r"Hfront +(-?\d+) Hsync +(-?\d+) Hback +(-?\d+) Hpol (\w)")
_LINES = re.compile(r"Vfront +(-?\d+) Vsync +(-?\d+) Vback +(-?\d+)(?: Vpol (\w))?")


def blocks(text: str) -> list[list[str]]:
    """The lines of each block from its heading on, without the remarks at the end."""
    found: list[list[str]] = []
    for part in re.split(r"^(?=Block \d+, )", text, flags=re.M)[1:]:
        if part.startswith(f"Block {len(found)}, "):  # the remarks name blocks again
            found.append(part.split("\n----------------")[0].splitlines())
    return found


def invalid(text: str) -> bool:
    """Whether the text says that the EDID is not whole."""
    counts = re.search(r"specified (\d+) extension block\(s\), but found (\d+)", text)
    short = counts is not None and int(counts[2]) < int(counts[1])
    return short or bool(re.search(r"\(should be 0x|No header found|Invalid checksum", text))


def under(lines: list[str], heading: str) -> list[str]:
    """The lines that are indented below each line that begins with `heading`."""
    found: list[str] = []
    depth: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if depth is not None and indent > depth:
            found.append(line.strip())
            continue
        depth = indent if line.strip().startswith(heading) else None
    return found


def value(lines: list[str], pattern: str) -> str | None:
    """The first group of the first match in the lines."""
    match = re.search(pattern, "\n".join(lines), flags=re.M)
    return match[1] if match else None


def modes(lines: list[str]) -> list[tuple[int, int, bool, float, float]]:
    """The timing of each line that has one. A formula for 1.4 stands beside its twin for 1.3 and is left out."""
    return [said for line in lines if "EDID 1.4 source" not in line and (said := timing(line))]


def vics(lines: list[str]) -> list[dict[str, Any]]:
    """Each VIC line: code, native, and its timing where the text knows the code."""
    found = []
    for line in lines:
        if code := re.search(r"\bVIC +(\d+)", line):
            found.append({"code": int(code[1]), "native": "native" in line, "timing": timing(line)})
    return found


def timing(line: str) -> tuple[int, int, bool, float, float] | None:
    """Width, height, interlaced, refresh in Hz and clock in MHz."""
    m = _TIMING.search(line)
    return (int(m[1]), int(m[2]), m[3] == "i", float(m[4]), float(m[6])) if m else None


def detailed(lines: list[str]) -> list[dict[str, Any]]:
    """Each detailed timing with its porches; no back porches where there are borders, which are counted differently."""
    found = []
    for at, line in enumerate(lines):
        if not re.match(r" +DTD +\d+:", line) or not (said := timing(line)):
            continue
        size, horizontal, vertical = _SIZE.search(line), _PORCHES.search(lines[at + 1]), _LINES.search(lines[at + 2])
        assert horizontal is not None
        assert vertical is not None
        found.append(
            {
                "timing": said,
                "size_mm": (int(size[1]), int(size[2])) if size else (0, 0),
                "h": tuple(int(part) for part in horizontal.groups()[:2]),
                "v": tuple(int(part) for part in vertical.groups()[:2]),
                "back": None if "order" in lines[at + 1] + lines[at + 2] else (int(horizontal[3]), int(vertical[3])),
                "positive": (horizontal[4] == "P", vertical[4] == "P"),
            }
        )
    return found
