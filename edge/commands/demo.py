"""`sonoedge demo`: the main job on the packaged clips with the packaged bundles.

One simulated wrist on a 1080p machine screen, in both planes: each clip's grade, then one grade from both. Writes the
reports and the annotated clips.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import DONE, Command
from edge.commands import options

if TYPE_CHECKING:
    from edge.findings import View
    from edge.report import Report


DEMO_FPS = 12.0


@dataclass(frozen=True)
class DemoClip:
    """One packaged clip, and what a millimetre is on it: its screen has a ruler that a later release reads itself."""

    path: Path
    view: View
    mm_per_px: float


def demo_clip(view: View) -> DemoClip:
    """The packaged clip of one view."""
    import msgspec

    from edge.bundle import ASSETS

    clips = msgspec.json.decode((ASSETS / "demo.json").read_bytes())["clips"]
    clip = next(clip for clip in clips if clip["view"] == view)
    return DemoClip(ASSETS / clip["file"], view, clip["mm_per_px"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("sonoedge-demo"), metavar="DIR", help="where the results go [%(default)s]"
    )
    options.add_budget(parser)


def run(args: argparse.Namespace) -> int:
    from edge.commands.exam import joined_summary, summary
    from edge.commands.grade import join
    from edge.errors import OutputError
    from edge.report import DISCLAIMER, write

    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{args.out}: cannot make this folder ({error.strerror})") from error
    transverse, longitudinal = (_examine(demo_clip(view), args) for view in ("transverse", "longitudinal"))
    joined = join(longitudinal, transverse)
    for report in (transverse, joined):
        stem = args.out / report.bundle.view
        write(report, stem.with_suffix(".json"))
        print(f"{report.bundle.view}\n{_indented(summary(report))}")
        print(f"  report       {stem}.json\n  annotated    {stem}.webm\n")
    if joined.joined is not None:
        print(f"{joined_summary(joined.joined)}\n")
    print(DISCLAIMER)
    return DONE


def _examine(clip: DemoClip, args: argparse.Namespace) -> Report:
    from edge.bundle import Bundle, packaged_bundle
    from edge.commands.exam import examine
    from edge.frame import Spacing
    from edge.overlay import clip_into
    from edge.pipeline import Options
    from edge.report import Exam
    from edge.sources import open_source

    with clip_into(args.out / f"{clip.view}.webm", fps=DEMO_FPS) as watch:
        return examine(
            Bundle.open(packaged_bundle(clip.view)),
            Options(spacing=Spacing(clip.mm_per_px, "manual")),
            open_source(str(clip.path)),
            str(clip.path),
            budget_ms=options.budget_ms(args),
            exam=Exam(id="demo", subject="phantom"),
            watch=watch,
        )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


COMMAND = Command("grade a packaged clip with the packaged bundle, in both planes", add_arguments, run)
