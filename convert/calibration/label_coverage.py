"""What the frames of a calibration set cover by their `labels.csv`, column by column, and what to add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from convert.calibration.rules import Finding, SetFacts
from convert.data.dataset import Sample
from edge.findings import GRADES

MANY = 6  # values from which numbers are told as a range


@dataclass(frozen=True)
class Column:
    """A column of `labels.csv` and what a good set has in it."""

    name: str
    wanted: tuple[str, ...] = ()  # each of these values
    fewest: int = 1  # different values


COLUMNS = (
    Column("grade", wanted=GRADES),
    Column("machine", fewest=2),
    Column("depth_mm", fewest=2),
    Column("gain", fewest=2),
    Column("level"),
    Column("side", wanted=("left", "right")),
)


def coverage(facts: SetFacts) -> Iterator[Finding]:
    """One finding a column; a column that the table lacks is unknown, not failed."""
    for column in COLUMNS:
        yield _covered(column, facts)


def _covered(column: Column, facts: SetFacts) -> Finding:
    values = Counter(value for frame in facts.frames if (value := _value(frame.sample, column.name)))
    if not values:
        if column.name == "grade" and facts.task == "grade":
            return Finding("grade", "warning", "no frame has a grade", "add graded frames: a grader needs each grade")
        return Finding(column.name, "unknown", "labels.csv does not say", f"fill a column {column.name}")
    silent = len(facts.frames) - sum(values.values())
    detail = _listed(values) + (f"; none in {silent} of {len(facts.frames)} frames" if silent else "")
    missing = [value for value in column.wanted if value not in values]
    if missing:
        return Finding(column.name, "warning", detail, f"add frames with {column.name} {', '.join(missing)}")
    if len(values) < column.fewest:
        return Finding(column.name, "warning", f"{detail} alone", f"add frames with another {column.name}")
    return Finding(column.name, "ok", detail)


def _value(sample: Sample, column: str) -> str:
    return sample.grade or "" if column == "grade" else sample.settings.get(column, "").strip()


def _listed(values: Counter[str]) -> str:
    try:
        numbers = sorted(float(value) for value in values)
    except ValueError:
        return ", ".join(f"{value} {count}" for value, count in values.most_common(MANY)) + (
            f" and {len(values) - MANY} more" if len(values) > MANY else ""
        )
    return f"{numbers[0]:g} to {numbers[-1]:g}, {len(numbers)} values" if len(numbers) > 1 else f"{numbers[0]:g}"
