"""Grades written as stages of nerve conduction: which grade a stage is.

P2 stages by distal motor latency (DML) and sensory nerve conduction velocity (SNCV): 1 both normal; 2 DML 4.5 ms or
more, SNCV normal; 3 SNCV below 40 m/s; 4 no sensory response; 5 neither. A data folder with a file `stages.csv`,
columns `stage,grade`, replaces the table for its own `labels.csv`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from convert.errors import DataError
from edge.findings import GRADES

Stages = dict[str, str]  # stage as written in the column `grade` -> grade

P2_STAGES: Stages = {"1": "normal", "2": "mild", "3": "moderate", "4": "severe", "5": "severe"}

FILE = "stages.csv"


def read_stages(folder: Path) -> Stages:
    """The folder's own table, or P2's where it has none.

    Raises:
        DataError: the file cannot be read, or has a row that is no stage and grade.
    """
    path = folder / FILE
    if not path.is_file():
        return P2_STAGES
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            rows = list(csv.DictReader(table))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a table of comma-separated UTF-8 text ({error})") from error
    stages: Stages = {}
    for line, row in enumerate(rows, start=2):
        stage, grade = ((row.get(column) or "").strip() for column in ("stage", "grade"))
        if not stage or grade not in GRADES or stage in stages:
            raise DataError(f"{path}:{line}: wants a new stage and its grade, one of {', '.join(GRADES)}")
        stages[stage] = grade
    if not stages:
        raise DataError(f"{path}: no row: the columns are stage,grade")
    return stages
