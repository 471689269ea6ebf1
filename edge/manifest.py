"""What a bundle says about itself: the schema of `manifest.json`, checked wherever a manifest is made or read.

Frozen structs; each checks its own ranges, so that a manifest in hand is a valid one. A field that this version does
not know is refused, not skipped: it might change what the numbers mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from edge.findings import GRADES, View

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"  # optional, over the bytes of manifest.json; the only entry that no manifest lists

Task = Literal["segment", "grade", "classify"]
Labels = Literal["labelled", "unlabelled"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model takes: one picture, grey or RGB, INT8 with zero point -128, byte = pixel XOR 0x80.

    0..255 spans exactly `float_low`..`float_high`, the range of the float graph: scale = (high - low) / 255.
    """

    height: int  # px
    width: int  # px
    mm_per_px: float | None = None  # the spacing trained at, pictures are resampled to it; None: a classifier's alone
    channels: int = 1  # 1 grey, 3 RGB
    float_low: float = 0.0
    float_high: float = 1.0

    def __post_init__(self) -> None:
        _require(8 <= self.height <= 4096 and 8 <= self.width <= 4096, "input height and width are 8 to 4096 px")
        _require(self.mm_per_px is None or 0.001 <= self.mm_per_px <= 10.0, "input mm_per_px is 0.001 to 10")
        _require(self.channels in (1, 3), "input channels are 1 (grey) or 3 (RGB)")
        _require(-math.inf < self.float_low < self.float_high < math.inf, "input float_low is below float_high")

    @property
    def pixel_mm(self) -> float:
        """`mm_per_px` of a segmenter or a grader, which has one."""
        if self.mm_per_px is None:
            raise ValueError("the model has no pixel size")
        return self.mm_per_px

    @property
    def scale(self) -> float:
        """The quantization scale that the INT8 input must have."""
        return (self.float_high - self.float_low) / 255


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The frames that set the INT8 ranges."""

    digest: str  # sha256 of the calibration set, hex
    frames: int

    def __post_init__(self) -> None:
        _require(_SHA256.fullmatch(self.digest) is not None, "calibration digest is a sha256 in hex")
        _require(self.frames >= 1, "a calibration has at least one frame")


class ProofFigure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure of the gate, in its unit; None is what could not be computed, or has no margin."""

    unit: str
    in_float: float | None
    in_int8: float | None
    bound: float | None  # the loss is below it with 95 % confidence
    margin: float | None


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gate found when the model was converted."""

    labelled: bool  # False: against float's own answers alone
    frames: int
    subjects: int
    figures: dict[str, ProofFigure]


class Conformal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a grader's probabilities a set of grades that holds the true one (`edge.stages.grade_set`)."""

    coverage: float  # share of wrists like those held out whose set holds the true grade, 0..1
    threshold: float  # a grade is in the set up to this score, 0..1; 1: every grade always is
    subjects: int  # held out, whose answers set the threshold

    def __post_init__(self) -> None:
        _require(0.0 < self.coverage < 1.0, "conformal coverage is between 0 and 1")
        _require(0.0 <= self.threshold <= 1.0, "conformal threshold is 0 to 1")
        _require(self.subjects >= 1, "a conformal threshold has at least one subject")


class Typical(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What frames like those held out look like to the models (`edge.stages.typical`): beyond it no grade is given."""

    features: tuple[str, ...]  # their names, in the order of the numbers
    centre: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]  # inverse covariance, symmetric
    threshold: float  # squared Mahalanobis distance, > 0
    coverage: float  # share of the frames like those held out that lie within the threshold, 0..1
    subjects: int  # held out, whose frames set the threshold; none of them set centre and precision

    def __post_init__(self) -> None:
        count = len(self.features)
        sizes = {len(self.centre), len(self.precision), *map(len, self.precision)}
        numbers = (*self.centre, *(number for row in self.precision for number in row), self.threshold)
        _require(sizes == {count}, "typical has a centre and a row and a column of precision for each feature")
        _require(all(map(math.isfinite, numbers)) and self.threshold > 0.0, "typical is of finite numbers")
        _require(0.0 < self.coverage < 1.0, "typical coverage is between 0 and 1")
        _require(self.subjects >= 1, "a typical threshold has at least one subject")


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One INT8 model: how it is fed, how its outputs are read, how it was made."""

    file: str  # name of the TFLite file in the bundle
    arch: str
    task: Task
    input: InputSpec
    logits: tuple[str, ...]  # names of the outputs, in their order
    recipe: str  # name of the quantization recipe
    quantizer: str  # tool and version
    candidates: dict[str, dict[str, float]] = {}  # each quantizer that was tried -> its figures; none: it gave no file
    calibration: Calibration
    waived: tuple[str, ...] = ()  # rules of the calibration lint that the frames fail, and somebody waived by name
    seed: int
    trained_on: tuple[str, ...] = ()  # marks of the subjects that training has seen; none: nobody said
    proof: Proof | None = None
    float_parity: dict[str, float] = {}  # INT8 against float: measure -> value
    temperature: float = 1.0  # logits are divided by it before the sigmoid; > 0
    conformal: Conformal | None = None  # a grader's; None: its grade comes without a set
    typical: Typical | None = None  # a grader's; None: it grades whatever passes for a nerve
    non_integer_tensors: tuple[str, ...] = ()  # those the recipe leaves in float; none in an all-integer model
    golden: str | None = None  # name of its golden vectors in the bundle; None in a bundle from before there were any

    def __post_init__(self) -> None:
        check_file_name(self.file)
        if self.golden is not None:
            check_file_name(self.golden)
        _require(len(self.logits) > 0, f"model {self.file} names no output")
        grey, scaled = self.input.channels == 1, self.input.mm_per_px is not None
        _require(
            self.task == "classify" or (grey and scaled), f"the {self.task} model {self.file} takes grey, to scale"
        )
        _require(0.0 < self.temperature < math.inf, f"temperature of {self.file} is above 0")
        _require(all(map(math.isfinite, self.float_parity.values())), f"float_parity of {self.file} is finite")


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the judges decide by; outside a range the frame or the clip is UNGRADABLE."""

    nerve_probability: float = 0.5  # a pixel is nerve from this probability on, 0..1
    min_nerve_mm2: float = 2.0  # mm², transverse
    max_nerve_mm2: float = 40.0  # mm², transverse
    min_nerve_share: float = 0.0008  # share of the picture's pixels, 0..1, where no spacing is known
    max_nerve_share: float = 0.12  # share of the picture's pixels, 0..1, where no spacing is known
    max_flattening_ratio: float = 8.0  # long axis over short axis, transverse
    min_ellipse_fill: float = 0.85  # area over that of the ellipse with the same moments, 0..1, transverse (P1)
    min_picture_px: int = 64  # px, the shorter side of the ultrasound picture
    min_contrast: float = 4.0  # standard deviation in grey levels, 0..255
    max_saturated_share: float = 0.5  # share of white pixels in the whitest sixteenth of the picture, 0..1
    min_brightness: float = 40.0  # grey level that the brightest 5 % of the pixels reach, 0..255
    min_echoes: float = 0.25  # step between neighbouring parts at one depth over the grain within them; noise: < 0.2
    min_axial_sharpness: float = 0.22  # change over 0.15 mm of depth over that over 1.2 mm; smooth: 0.125, noise: 1
    min_lateral_sharpness: float = 0.18  # the same from side to side, where a beam is wider than its pulse is long
    max_colour_share: float = 0.02  # share of coloured pixels, 0..1: a caliper's yellow is less, a Doppler's flow more
    min_nerve_margin_px: int = 1  # px of the segmenter's between nerve and side or floor of the picture, transverse
    max_transverse_span: float = 0.8  # share of the picture's width that a transverse nerve takes, 0..1
    min_longitudinal_span: float = 0.6  # share of the picture's width that a longitudinal nerve takes, 0..1
    max_shadow_share: float = 0.25  # share of the nerve's width in shadow, 0..1
    max_marked_share: float = 0.02  # share of the nerve's own box that was painted over, 0..1
    min_clip_frames: int = 1  # graded frames a clip needs
    min_graded_share: float = 0.3  # share of a clip's frames that must be graded, 0..1
    min_confidence: float = 0.4  # probability that a clip's grade needs, 0..1
    max_grade_set: int = 2  # grades that a clip's set may hold, 1..4; where the grader has no conformal threshold: any
    max_plane_disagreement: int = 2  # grades that the two planes of a wrist may lie apart

    def __post_init__(self) -> None:
        for name in (
            "nerve_probability",
            "min_ellipse_fill",
            "max_saturated_share",
            "min_axial_sharpness",
            "min_lateral_sharpness",
            "max_colour_share",
            "max_transverse_span",
            "min_longitudinal_span",
            "max_shadow_share",
            "max_marked_share",
            "min_graded_share",
            "min_confidence",
        ):
            _require(0.0 <= getattr(self, name) <= 1.0, f"threshold {name} is 0 to 1")
        _require(0.0 <= self.min_nerve_mm2 < self.max_nerve_mm2 < math.inf, "min_nerve_mm2 is below max_nerve_mm2")
        _require(0.0 <= self.min_nerve_share < self.max_nerve_share <= 1.0, "min_nerve_share is below max_nerve_share")
        _require(1.0 <= self.max_flattening_ratio < math.inf, "threshold max_flattening_ratio is at least 1")
        for name in ("min_contrast", "min_brightness"):
            _require(0.0 <= getattr(self, name) <= 255.0, f"threshold {name} is 0 to 255")
        _require(0.0 <= self.min_echoes < math.inf, "threshold min_echoes is at least 0")
        _require(self.min_nerve_margin_px >= 0, "threshold min_nerve_margin_px is at least 0")
        _require(self.min_picture_px >= 1 and self.min_clip_frames >= 1, "min_picture_px, min_clip_frames are >= 1")
        _require(1 <= self.max_grade_set <= len(GRADES), f"threshold max_grade_set is 1 to {len(GRADES)}")
        _require(self.max_plane_disagreement >= 0, "threshold max_plane_disagreement is at least 0")


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the bundle."""

    sha256: str  # hex
    size: int  # bytes

    def __post_init__(self) -> None:
        _require(_SHA256.fullmatch(self.sha256) is not None, "a file's sha256 is 64 hex digits")
        _require(self.size >= 0, "a file's size is not negative")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bundle for one view: at most one segmenter, any number of graders and classifiers, how to judge their answers.

    `files` is empty until the bundle is written: `convert.packing.bundle_writer` fills it in.
    """

    format_version: int = FORMAT_VERSION
    name: str
    view: View
    intended_use: str
    created_with: dict[str, str]  # tool -> version
    segmenter: ModelEntry | None = None
    graders: dict[str, ModelEntry] = {}
    default_grader: str | None = None
    classifiers: dict[str, ModelEntry] = {}
    thresholds: Thresholds = Thresholds()
    unscaled_crop_share: float  # side of the grader's crop where no spacing is known, as a share of the picture's width
    labels: Labels  # labelled: measured against known answers (the card says whose); unlabelled: against float alone
    files: dict[str, FileEntry] = {}
    attribution: tuple[str, ...] = ()  # data and works that the weights owe to
    licence: str  # SPDX expression

    def __post_init__(self) -> None:
        _require(self.format_version == FORMAT_VERSION, f"format_version is {FORMAT_VERSION}")
        _require(_NAME.fullmatch(self.name) is not None, f"{self.name!r} is no bundle name: letters, digits, . _ -")
        _require(bool(self.intended_use.strip()), "intended_use is not empty")
        _require(0.0 < self.unscaled_crop_share <= 1.0, "unscaled_crop_share is above 0, at most 1")
        _require(bool(self.models), "a bundle holds at least one model")
        _require(self.segmenter is None or self.segmenter.task == "segment", "the segmenter's task is segment")
        _check_named("grader", "grade", self.graders)
        _check_named("classifier", "classify", self.classifiers)
        if self.graders:
            _require(self.default_grader in self.graders, f"default_grader is one of {', '.join(self.graders)}")
        else:
            _require(self.default_grader is None, "default_grader needs a grader of that name")
        for file in self.files:
            check_file_name(file)

    @property
    def models(self) -> tuple[ModelEntry, ...]:
        """The segmenter, if there is one, then the graders, then the classifiers."""
        segmenter = () if self.segmenter is None else (self.segmenter,)
        return (*segmenter, *self.graders.values(), *self.classifiers.values())

    def unlisted_models(self) -> list[str]:
        """The files of models and golden vectors that `files` does not list: none in a bundle that was written."""
        needed = {file for model in self.models for file in (model.file, model.golden) if file is not None}
        return sorted(needed - self.files.keys())


def _check_named(kind: str, task: Task, entries: Mapping[str, ModelEntry]) -> None:
    for name, entry in entries.items():
        _require(_NAME.fullmatch(name) is not None, f"{name!r} is no {kind} name: letters, digits, . _ -")
        _require(entry.task == task, f"the task of {kind} {name} is {task}")


def check_file_name(name: str) -> None:
    """Whether `name` may be a file of a bundle: relative, plain, and not the manifest's own.

    Raises:
        ValueError: it may not.
    """
    parts = name.split("/")
    _require(
        all(_NAME.fullmatch(part) for part in parts) and name not in (MANIFEST_FILE, SIGNATURE_FILE),
        f"{name!r} is no name for a file in a bundle: letters, digits, . _ - and / between folders",
    )
