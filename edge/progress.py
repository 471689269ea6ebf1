"""Every progress bar: on stderr, after two seconds, gone when the work is done, and none where stderr is no terminal.

In a log a bar is noise. What must be read there too is written with `tqdm.write`, which needs no bar.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NoReturn, TypeVar

from tqdm import tqdm

DELAY_S = 2.0  # what is done by then needs no bar

T = TypeVar("T")


def tracked(of: Iterable[T], what: str, total: int | None = None, *, unit: str = "it", shown: bool = True) -> tqdm[T]:
    """The elements of `of`, counted on a bar; `total` where `of` does not know its length."""
    return tqdm(of, what, total, unit=unit, delay=DELAY_S, leave=False, file=sys.stderr, disable=_hidden(shown))


def counter(
    what: str,
    total: int | None = None,
    *,
    unit: str = "it",
    unit_scale: bool = False,
    begun: int = 0,
    bar_format: str | None = None,
    shown: bool = True,
) -> tqdm[NoReturn]:
    """A bar that its owner updates and closes, `begun` of `total` done; `unit_scale`: in thousands and millions."""
    return tqdm(
        desc=what, total=total, unit=unit, unit_scale=unit_scale, initial=begun, bar_format=bar_format,
        delay=DELAY_S, leave=False, file=sys.stderr, disable=_hidden(shown),
    )  # fmt: skip


def _hidden(shown: bool) -> bool | None:
    """As tqdm takes it: None hides the bar off a terminal."""
    return None if shown else True
