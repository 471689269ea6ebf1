"""The first report and the memory, as a user has them: of `sonoedge run` in a process of its own, not of this warm one.

Beside it the floor: a process that does no more than open the same models and run each once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from edge.bench.result import BareProcess, FirstReport
from edge.bundle import Bundle
from edge.errors import SonoEdgeError
from edge.frame import Frame
from edge.pipeline import Options
from edge.screen import profile
from edge.screen.colour import in_colour

FRAMES = 30  # of the source that the process sees, at most, until its memory is read
_TIMEOUT_S = 600  # a slow board with a cold disk takes seconds


class Fresh(NamedTuple):
    """What a process of its own took."""

    first_report_s: float
    parts: FirstReport
    rss_mib: float | None
    bare: BareProcess


def fresh(bundle: Bundle, options: Options, backend: str, uri: str | None, held: Sequence[Frame]) -> Fresh | None:
    """Starts both processes, one after the other; None where no frame has a picture.

    `backend` is the interpreter's name. `uri` is where the process finds its frames; None, for a device that is in
    use: it gets the first held picture as a file.

    Raises:
        SonoEdgeError: a process ended without a report; it says why.
    """
    picture = next((frame for frame in held if frame.pixels is not None), None)
    if picture is None or picture.pixels is None:
        return None
    with tempfile.TemporaryDirectory(prefix="sonoedge-bench-") as name:
        folder = Path(name)
        if uri is None:
            uri = str(folder / "frame.png")
            cv2.imwrite(uri, in_colour(picture.pixels, picture.chroma))
            known = options.spacing if options.spacing.mm_per_px else picture.spacing
            options = replace(options, spacing=known, roi=options.roi or (None if options.profile else picture.region))
        first_report_s, parts, rss_mib = _first_report(bundle, options, uri, folder)
        return Fresh(first_report_s, parts, rss_mib, _bare_process(bundle, options, backend, folder))


def _first_report(bundle: Bundle, options: Options, uri: str, folder: Path) -> tuple[float, FirstReport, float | None]:
    report = folder / "report.json"
    words = ["--bundle", str(bundle.path.resolve()), "--source", uri, "--frames", str(FRAMES), "--report", str(report)]
    started_ns, marks = _child(folder, "run", [*words, *_words(options, folder)])
    frames = json.loads(report.read_bytes())["frames"]
    captured_ns, age_ns = frames[0]["timestamp_ns"], frames[0]["age_ms"] * 1e6
    parts = FirstReport(
        python_s=(marks["began_ns"] - started_ns) / 1e9,
        imports_s=(marks["imported_ns"] - marks["began_ns"]) / 1e9,
        opening_s=(captured_ns - marks["imported_ns"]) / 1e9,
        frame_s=age_ns / 1e9,
        frames=len(frames),
    )
    return (captured_ns + age_ns - started_ns) / 1e9, parts, marks["rss_mib"]


def _bare_process(bundle: Bundle, options: Options, backend: str, folder: Path) -> BareProcess:
    manifest = bundle.manifest
    files: list[Path] = []
    grader = options.grader or manifest.default_grader
    for entry in (manifest.segmenter, manifest.graders[grader] if grader else None):
        if entry is not None:
            files.append(folder / f"{len(files)}.tflite")
            files[-1].write_bytes(bundle.read(entry.file))
    started_ns, marks = _child(folder, "bare", [backend, str(options.threads), *map(str, files)])
    return BareProcess(
        python_s=(marks["began_ns"] - started_ns) / 1e9,
        opening_s=(marks["opened_ns"] - marks["began_ns"]) / 1e9,
        invokes_s=(marks["invoked_ns"] - marks["opened_ns"]) / 1e9,
        rss_mib=marks["rss_mib"],
    )


def _words(options: Options, folder: Path) -> list[str]:
    """The options as words of `sonoedge run`."""
    words = ["--threads", str(options.threads), "--interpreter", options.interpreter]
    if options.grader is not None:
        words += ["--grader", options.grader]
    if options.spacing.mm_per_px is not None:
        words += ["--spacing-mm", str(options.spacing.mm_per_px)]
    if options.roi is not None:
        box = options.roi
        words += ["--roi", f"{box.x},{box.y},{box.width},{box.height}"]
    if options.profile is not None:
        profile.write(options.profile, folder / "profile.toml")
        words += ["--profile", str(folder / "profile.toml")]
    return [*words, "--allow-unscaled"] if options.allow_unscaled else words


def _child(folder: Path, what: str, words: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """When the process was started, by the monotonic clock, and the times that it noted."""
    marks = folder / f"{what}.marks"
    command = [sys.executable, "-m", "edge.bench.child", str(marks), what, *words]
    # Not from the folder that the user is in: somebody else's `edge` may lie there.
    environment = os.environ | {"PYTHONSAFEPATH": "1"}
    started_ns = time.monotonic_ns()
    done = subprocess.run(  # noqa: S603  our own module
        command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode or not marks.is_file():
        told = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise SonoEdgeError(f"a fresh process gave no report: {told[-1].removeprefix('sonoedge: ')}")
    return started_ns, json.loads(marks.read_bytes())
