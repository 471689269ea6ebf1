"""Progress bars: for a person at a terminal, after two seconds; a log gets what is told and no bar."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.program import ROOT
from tests.terminal import open_terminal, read

PROGRAM = """
import time
from tqdm import tqdm
from edge import progress
progress.DELAY_S = {delay}
with progress.counter("counted", 2, shown={shown}) as bar:
    for number in progress.tracked([1, 2], "tracked", shown={shown}):
        time.sleep(0.15)
        bar.update()
        if {told}:
            tqdm.write("lost: no signal", file=__import__("sys").stderr)
assert bar.n == (2 if {drawn} else 0)
"""


def stderr_of(*, terminal: bool, delay: float = 0.01, shown: bool = True, told: bool = True) -> str:
    """What two steps of 0.15 s leave on stderr."""
    code = PROGRAM.format(delay=delay, shown=shown, told=told, drawn=terminal and shown)
    ours, theirs = open_terminal() if terminal else os.pipe()
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=theirs) as program:
        os.close(theirs)
        wrote = b""
        while part := read(ours):
            wrote += part
        os.close(ours)
    assert program.returncode == 0, wrote
    return wrote.decode()


def test_a_terminal_shows_both_kinds_and_loses_them_at_the_end():
    told = stderr_of(terminal=True)
    assert "counted" in told and "tracked" in told
    assert told.count("lost: no signal") == 2
    assert re.search(r"\r +\r$", told), "the last that is drawn wipes the line"


def test_a_log_has_what_was_told_and_no_bar():
    assert stderr_of(terminal=False) == "lost: no signal\n" * 2


@pytest.mark.parametrize("how", [{"delay": 2.0}, {"shown": False}])
def test_short_work_and_work_that_asks_for_none_has_no_bar(how):
    assert "ed:" not in stderr_of(terminal=True, told=False, **how)
