"""The pipeline's options where the device has a say: `--threads auto`, and a budget without a grader."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from edge.commands import options

if TYPE_CHECKING:
    from edge.bundle import Bundle
    from edge.findings import View
    from edge.frame import Frame
    from edge.pipeline import Options

FRAMES = 8  # of the packaged clip


def chosen(args: argparse.Namespace, bundle: Bundle, *, by_budget: bool = False) -> Options:
    """As `options.pipeline_options`, with what the device's own speed decides.

    `by_budget`: where a budget was named and no grader, the most accurate of all graders that keeps it is taken.
    """
    from edge.choice import choose
    from edge.device_times import combinations
    from edge.host import thread_counts

    asked = options.pipeline_options(args)
    manifest = bundle.manifest
    every = by_budget and args.budget_ms is not None and args.grader is None
    default = args.grader or manifest.default_grader
    graders = [name for name in manifest.graders if every or name == default]
    threads = thread_counts() if args.threads is None else (asked.threads,)
    if len(graders) * len(threads) < 2 or manifest.segmenter is None:
        return asked  # nothing to choose from; what is wrong with it, the pipeline says
    measured = combinations(bundle, _frames(manifest.view), asked, graders, threads)
    choice = choose(measured, options.budget_ms(args), default)
    return replace(asked, grader=choice.grader, threads=choice.threads, choice=choice)


def _frames(view: View) -> Iterator[Frame]:
    """Frames of the packaged clip."""
    from edge.commands.demo import demo_clip
    from edge.sources import open_source

    source = open_source(str(demo_clip(view).path))
    try:
        yield from islice(source, FRAMES)
    finally:
        source.close()
