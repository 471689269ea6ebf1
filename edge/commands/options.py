"""What several commands ask for in the same words, and how the answers are read."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.host import usable_cores

if TYPE_CHECKING:
    from edge.bundle import Bundle
    from edge.frame import Roi, Spacing
    from edge.pipeline import Options
    from edge.report import Exam
    from edge.screen.profile import Profile


BUDGET_MS = 100.0  # a tenth of a second, beyond which a hand with a probe feels the lag


def add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle",
        default="transverse",
        metavar="B",
        help="a .sonobundle file, or a packaged one: transverse, longitudinal [%(default)s]",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which models run, and how."""
    add_bundle(parser)
    parser.add_argument("--grader", metavar="NAME", help="a grader of the bundle [the bundle's default]")
    parser.add_argument(
        "--threads",
        type=threads,
        default=1,
        metavar="N",
        help="threads of the interpreter; auto: as many as make it faster here, measured once [%(default)s]",
    )
    parser.add_argument(
        "--interpreter", default="auto", metavar="NAME", help="litert, tflite-runtime or auto [%(default)s]"
    )


def add_screen(parser: argparse.ArgumentParser) -> None:
    """What a pixel is, and where the picture lies."""
    parser.add_argument(
        "--spacing-mm",
        type=float,
        metavar="X",
        help="millimetres per pixel, where the screen does not say; with neither, nothing is measured in mm",
    )
    parser.add_argument(
        "--roi", type=box, metavar="X,Y,W,H", help="the ultrasound picture's box on the screen, in pixels [found]"
    )
    parser.add_argument(
        "--profile", type=Path, metavar="P.toml", help="what was learned of this screen: see sonoedge screen learn"
    )


def add_scale(parser: argparse.ArgumentParser) -> None:
    """What the screen shows, and whether a grade may do without a scale."""
    add_screen(parser)
    parser.add_argument(
        "--allow-unscaled",
        action="store_true",
        help="grade without a spacing, on a crop of no known size; each grade is marked so",
    )


def add_exam(parser: argparse.ArgumentParser) -> None:
    """Whose wrist, in codes."""
    parser.add_argument("--exam", type=code, metavar="ID", help="code of the exam, for the report")
    parser.add_argument("--subject", type=code, metavar="CODE", help="code of the subject, never a name")
    parser.add_argument("--side", choices=("left", "right"), help="which wrist")
    parser.add_argument("--level", type=code, metavar="L", help="where along the arm: DWC, DWC+1, DWC-1, DWC+10 ...")


def add_probe(parser: argparse.ArgumentParser) -> None:
    """The probe in the operator's hand."""
    parser.add_argument(
        "--probe",
        metavar="P",
        help="serial:/dev/ttyACM0 or serial:usb-1-1.3: its freeze and depth count, and it is told each grade",
    )
    parser.add_argument(
        "--probe-lost",
        choices=("gated", "ungated"),
        help="while the probe is silent: no grade, or as if there were none [gated]",
    )


def add_budget(parser: argparse.ArgumentParser, *, chooses: bool = False) -> None:
    """`chooses`: a budget that is named has a say in which grader runs."""
    choice = "; named without --grader, it takes the most accurate grader that keeps it here" if chooses else ""
    parser.add_argument(
        "--budget-ms",
        type=above_zero,
        metavar="MS",
        help=f"how old a frame may be at its report{choice} [{BUDGET_MS:g}]",
    )


def budget_ms(args: argparse.Namespace) -> float:
    """The budget of `add_budget`; `args.budget_ms` itself is None where nobody named one."""
    named: float | None = args.budget_ms
    return BUDGET_MS if named is None else named


def open_bundle(args: argparse.Namespace) -> Bundle:
    """The bundle that `--bundle` names."""
    from edge.bundle import Bundle, resolve_bundle

    return Bundle.open(resolve_bundle(args.bundle))


def pipeline_options(args: argparse.Namespace) -> Options:
    """The pipeline's options from the words of `add_model` and `add_scale`."""
    from edge.pipeline import Options

    return Options(
        grader=args.grader,
        threads=args.threads or 1,
        interpreter=args.interpreter,
        spacing=manual_spacing(args.spacing_mm),
        roi=args.roi,
        profile=profile(args),
        allow_unscaled=args.allow_unscaled,
    )


def probe_gates(args: argparse.Namespace) -> bool:
    """Whether a silent probe of `add_probe` means no grade.

    Raises:
        UsageError: there is no probe that could be lost.
    """
    if args.probe is None and args.probe_lost is not None:
        raise UsageError("--probe-lost: there is no probe to lose: name it with --probe")
    return args.probe is not None and args.probe_lost != "ungated"


def manual_spacing(mm_per_px: float | None) -> Spacing:
    """The user's word on the spacing."""
    from edge.frame import BY_HAND, UNKNOWN_SPACING, Spacing

    if mm_per_px is None:
        return UNKNOWN_SPACING
    try:
        return Spacing(mm_per_px, "manual", BY_HAND)
    except ValueError as error:
        raise UsageError(f"--spacing-mm {mm_per_px}: {error}") from error


def exam(args: argparse.Namespace) -> Exam:
    """The exam from the words of `add_exam`."""
    from edge.report import Exam

    return Exam(id=args.exam, subject=args.subject, side=args.side, level=args.level)


def box(text: str) -> Roi:
    """A box from the command line, `type` of its argument."""
    from edge.frame import Roi

    try:
        x, y, width, height = (int(part) for part in text.split(","))
        return Roi(x, y, width, height)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: give X,Y,WIDTH,HEIGHT in whole pixels, like 320,80,960,720"
        ) from None


def profile(args: argparse.Namespace) -> Profile | None:
    """What was taught of the screen, by `--profile`."""
    from edge.screen.profile import load

    if args.profile is None:
        return None
    if args.roi is not None:
        raise UsageError(f"--roi: {args.profile} says where the picture is: give one of the two")
    return load(args.profile)


def code(text: str) -> str:
    """A code from the command line, `type` of its argument: what goes into a report may be read by anybody."""
    from edge.report import CODE

    if CODE.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r}: give a code of letters, digits, . _ + - (at most 32), never a name"
        )
    return text


def threads(text: str) -> int | None:
    """A number of threads from the command line, `type` of its argument; None: auto."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number above 0 nor auto")
    return within_cores(int(text), ", or auto")


def within_cores(count: int, otherwise: str = "") -> int:
    """A number of threads that the usable cores can run at once.

    More of them make every frame later, also where a service is pinned to fewer cores than the board has: whoever asks
    for them believes in a machine that is not this one.
    """
    cores = usable_cores()
    if count > cores:
        few = "1" if cores == 1 else f"1 to {cores}"
        raise argparse.ArgumentTypeError(f"{count} threads: more than the cores to be used here: give {few}{otherwise}")
    return count


def above_zero(text: str) -> float:
    """A number above 0 from the command line, `type` of its argument."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
