"""The main job with the packaged bundles: the demo, real frames, and everything that a user may hand in wrongly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edge.bundle import ASSETS, packaged_bundle
from edge.commands.demo import demo_clip
from edge.findings import Reason
from edge.report import Report, decode
from tests.program import ROOT

SHARED = ROOT.parent / "shared" / "data"
WRISTS, GRABBED, SCREENS = SHARED / "wrist_dev" / "images", SHARED / "framegrabber", SHARED / "screens"
PHANTOMS = ROOT / "calibration_data" / "transverse" / "images"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real frames of ../shared/data are not here")


def sonoedge(*words: str | Path, cwd: Path | None = None, **named: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge.cli", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd or ROOT, env=environment, **named
    )


def grade_unscaled(pictures: Path, out: Path) -> tuple[Report, int]:
    """The report of pictures that nobody knows the scale of, and how many overlays were written."""
    done = sonoedge("grade", pictures, "--allow-unscaled", "--report", out / "r.json", "--overlays", out / "o")
    assert done.returncode == 0, done.stderr
    return decode((out / "r.json").read_bytes(), "report"), len(list((out / "o").glob("*.png")))


def refused(*words: str | Path, **named: object) -> str:
    """The one line that bad input is answered with."""
    done = sonoedge(*words, **named)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("demo")
    done = sonoedge("demo", "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "out"


class TestDemo:
    def test_says_what_a_user_asks_first(self, demo: tuple[str, Path]) -> None:
        told, folder = demo
        for word in ("grade", "confidence", "CSA", "mm²", "AP diameter", "frame age", "p95", "budget", "both planes"):
            assert word in told
        assert str(folder / "transverse.json") in told and str(folder / "transverse.webm") in told
        assert "not for diagnosis" in told

    @pytest.mark.parametrize("view", ["transverse", "longitudinal"])
    def test_grades_and_measures_the_true_wrist(self, demo: tuple[str, Path], view: str) -> None:
        """The demo's subject is simulated, so that the truth is known."""
        truth = next(c for c in msgspec.json.decode((ASSETS / "demo.json").read_bytes())["clips"] if c["view"] == view)
        clip = decode((demo[1] / f"{view}.json").read_bytes(), view).clip
        assert clip.frames_total == truth["frames"] and clip.frames_graded >= 0.8 * clip.frames_total
        assert clip.grade == truth["grade"]
        if view == "transverse":
            assert clip.csa_mm2 == pytest.approx(truth["csa_mm2"], rel=0.12)
        else:
            assert clip.csa_mm2 is None  # a longitudinal view has no cross-section
            assert clip.ap_diameter_mm == pytest.approx(truth["ap_diameter_mm"], rel=0.15)

    def test_joins_both_planes(self, demo: tuple[str, Path]) -> None:
        joined = decode((demo[1] / "longitudinal.json").read_bytes(), "report").joined
        assert joined is not None and joined.grade == "moderate"

    @pytest.mark.parametrize("view", ["transverse", "longitudinal"])
    def test_annotated_clip_shows_the_scan_and_nothing_round_it(self, demo: tuple[str, Path], view: str) -> None:
        video = cv2.VideoCapture(str(demo[1] / f"{view}.webm"))
        frames = [frame for frame in (video.read()[1] for _ in range(36)) if frame is not None]
        assert len(frames) >= 34  # one on which text may be left is not kept
        report = decode((demo[1] / f"{view}.json").read_bytes(), view)
        roi = report.frames[0].roi
        assert roi is not None and frames[0].shape[1] == pytest.approx(max(roi.width, 720), abs=2)
        yellow = cv2.inRange(frames[18], (40, 160, 200), (140, 255, 255))
        assert yellow.sum() / 255 > 60  # the nerve's contour


class TestPackagedBundles:
    @pytest.mark.parametrize("view", ["transverse", "longitudinal"])
    def test_verify(self, view: str) -> None:
        done = sonoedge("verify", view)
        assert done.returncode == 0, done.stdout

    def test_transverse_holds_the_three_graders(self) -> None:
        manifest = json.loads(sonoedge("inspect", "transverse", "--json").stdout)["manifest"]
        assert set(manifest["graders"]) == {"mobilenet_v2", "squeezenet", "efficientnet_b0"}
        assert "CC BY 4.0" in " ".join(manifest["attribution"])

    def test_what_ships_stays_small(self) -> None:
        binary = [*ASSETS.iterdir(), *(ROOT / "calibration_data").rglob("*.png")]
        assert sum(file.stat().st_size for file in binary) < 40e6


@pytest.fixture(scope="module")
def wrists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wrists") / "report.json"
    done = sonoedge("grade", WRISTS, "--report", path)
    assert done.returncode == 0, done.stderr
    return path


@needs_shared
class TestRealFrames:
    def test_every_wrist_is_reported_without_a_millimetre(self, wrists: Path) -> None:
        report = decode(wrists.read_bytes(), "report")
        assert len(report.frames) == 20
        assert all(frame.grade == "UNGRADABLE" and frame.reason is not None for frame in report.frames)
        assert all(frame.nerve is None or frame.nerve.csa_mm2 is None for frame in report.frames)
        assert "mm2" not in wrists.read_text().replace('"csa_mm2": null', "").replace('"csa_uncertainty_mm2": null', "")
        assert sum(frame.nerve is not None for frame in report.frames) >= 10  # the nerve's mask where found
        assert str(WRISTS) not in wrists.read_text()

    def test_unscaled_grades_are_marked(self, tmp_path: Path) -> None:
        report, overlays = grade_unscaled(PHANTOMS, tmp_path)
        graded = [frame for frame in report.frames if frame.grade != "UNGRADABLE"]
        assert len(graded) > len(report.frames) / 2 and all(frame.unscaled for frame in graded)
        assert report.clip.csa_mm2 is None
        assert overlays >= 0.98 * len(report.frames)  # one on which text may be left is not kept

    def test_real_wrists_are_no_phantoms_and_the_bundle_says_so(self, tmp_path: Path) -> None:
        report, overlays = grade_unscaled(WRISTS, tmp_path)
        reasons = {frame.reason for frame in report.frames}
        assert overlays == 20 and reasons <= {Reason.UNLIKE_TRAINING, Reason.IMPLAUSIBLE_NERVE}

    @pytest.mark.parametrize("name", ["BoneUltrasound_L14.igs.mha", "USTC_FrameGrabber_ProbeRotationData.igs.mha"])
    def test_a_frame_grabber_s_sequence(self, tmp_path: Path, name: str) -> None:
        done = sonoedge("run", "--source", GRABBED / name, "--frames", "12", "--report", tmp_path / "r.json")
        assert done.returncode == 0, done.stderr
        report = decode((tmp_path / "r.json").read_bytes(), "report")
        assert report.frames and all(f.grade == "UNGRADABLE" and f.reason is not None for f in report.frames)

    def test_dicom_brings_its_own_spacing(self, tmp_path: Path) -> None:
        pytest.importorskip("pydicom", reason="the extra `dicom` is not installed")
        sonoque = next(path for path in sorted((SCREENS / "itkpocus").glob("*sono*")) if path.suffix == ".dcm")
        assert sonoedge("grade", sonoque, "--report", tmp_path / "r.json").returncode == 0
        frame = decode((tmp_path / "r.json").read_bytes(), "report").frames[0]
        assert frame.spacing.provenance == "dicom" and frame.spacing.mm_per_px == pytest.approx(0.0291, abs=2e-4)


class TestBadInput:
    @pytest.fixture
    def picture(self, tmp_path: Path) -> Path:
        rng = np.random.default_rng(1)
        cv2.imwrite(str(tmp_path / "a.png"), rng.integers(0, 256, (300, 400)).astype(np.uint8))
        return tmp_path / "a.png"

    def damaged(self, tmp_path: Path, change: str) -> Path:
        data = bytearray(packaged_bundle("transverse").read_bytes())
        path = tmp_path / "damaged.sonobundle"
        if change == "cut":
            data = data[: len(data) // 2]
        elif change == "flipped":
            data[len(data) // 2] ^= 1
        else:
            assert data.count(b'"format_version": 1') == 1
            data = data.replace(b'"format_version": 1', b'"format_version": 7')
        path.write_bytes(data)
        return path

    @pytest.mark.parametrize("change", ["cut", "flipped", "newer"])
    def test_a_damaged_bundle(self, tmp_path: Path, picture: Path, change: str) -> None:
        line = refused("grade", picture, "--bundle", self.damaged(tmp_path, change), "--report", tmp_path / "r.json")
        assert "damaged.sonobundle" in line
        assert not (tmp_path / "r.json").exists()

    def test_no_picture_no_folder_no_file(self, tmp_path: Path, picture: Path) -> None:
        (tmp_path / "text.png").write_text("no picture")
        (tmp_path / "empty").mkdir()
        assert "text.png" in refused("grade", tmp_path / "text.png")
        assert "empty" in refused("grade", tmp_path / "empty")
        assert "nowhere.png" in refused("grade", tmp_path / "nowhere.png")
        assert "nowhere.mp4" in refused("run", "--source", tmp_path / "nowhere.mp4")
        assert "no grader 'resnet'" in refused("grade", picture, "--grader", "resnet")

    def test_odd_pictures_among_good_ones_are_frames_with_a_reason(self, tmp_path: Path, picture: Path) -> None:
        cv2.imwrite(str(tmp_path / "b.png"), np.zeros((300, 400), np.uint16))
        cv2.imwrite(str(tmp_path / "c.png"), np.full((1, 1), 90, np.uint8))
        (tmp_path / "d.png").write_bytes(picture.read_bytes()[:500])
        report = tmp_path / "r.json"
        assert sonoedge("grade", tmp_path, "--report", report).returncode == 0
        frames = decode(report.read_bytes(), "report").frames
        assert [frame.name for frame in frames] == ["a.png", "b.png", "c.png", "d.png"]
        assert all(frame.grade == "UNGRADABLE" for frame in frames)
        assert frames[1].reason == frames[3].reason == "unreadable picture"

    def test_a_video_cut_short(self, tmp_path: Path) -> None:
        clip = tmp_path / "cut.mp4"
        clip.write_bytes(demo_clip("transverse").path.read_bytes()[:-400_000])
        assert "cut.mp4" in refused("grade", clip, "--spacing-mm", "0.04", "--report", tmp_path / "r.json")
        assert not (tmp_path / "r.json").exists()

    def test_a_full_disk_at_the_report(self, tmp_path: Path, picture: Path) -> None:
        def small_files_only() -> None:
            import resource
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        (tmp_path / "r.json").write_text("an earlier report")
        line = refused("grade", picture, "--report", tmp_path / "r.json", preexec_fn=small_files_only)
        assert "r.json" in line
        assert (tmp_path / "r.json").read_text() == "an earlier report"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "r.json"]

    @pytest.mark.parametrize(
        "words",
        [
            ("--spacing-mm", "-1"),
            ("--spacing-mm", "nan"),
            ("--roi", "1,2,3"),
            ("--roi", "0,0,9999,9999"),
            ("--threads", "0"),
            ("--interpreter", "none"),
            ("--report", "/no/such/folder/r.json"),
            ("--join", "nowhere.json"),
        ],
    )
    def test_bad_words(self, picture: Path, words: tuple[str, ...]) -> None:
        assert words[1].split("/")[-1] in refused("grade", picture, *words) or words[0] in refused(
            "grade", picture, *words
        )

    def test_a_spacing_that_the_header_contradicts(self, tmp_path: Path) -> None:
        pytest.importorskip("pydicom", reason="the extra `dicom` is not installed")
        if not SHARED.is_dir():
            pytest.skip("the real frames of ../shared/data are not here")
        sonoque = next(path for path in sorted((SCREENS / "itkpocus").glob("*sono*")) if path.suffix == ".dcm")
        assert "leave --spacing-mm out" in refused("grade", sonoque, "--spacing-mm", "0.1")


def test_memory_of_a_run_stays_small(tmp_path: Path) -> None:
    """Peak resident memory of `sonoedge run` on 1080p frames is under 250 MiB."""
    program = (
        "import sys; from edge.cli import main; from edge.host import peak_rss_mib; "
        "print(main(sys.argv[1:]), int(peak_rss_mib()))"
    )
    clip = demo_clip("transverse")
    words = (
        "run",
        "--source",
        str(clip.path),
        "--spacing-mm",
        str(clip.mm_per_px),
        "--report",
        str(tmp_path / "r.json"),
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=ROOT, timeout=300, check=True
    )
    status, mib = map(int, done.stdout.splitlines()[-1].split())
    assert status == 0 and mib < 250


@pytest.mark.parametrize(
    ("words", "number", "status", "reported"),
    [
        (("run", "--source"), signal.SIGTERM, 0, True),
        (("run", "--source"), signal.SIGINT, 0, True),
        (("grade",), signal.SIGINT, 130, False),
    ],
)
def test_stopped_on_the_way(tmp_path: Path, words: tuple[str, ...], number: int, status: int, reported: bool) -> None:
    """A run that is stopped reports what it saw; an offline exam that is interrupted has no report."""
    clip = demo_clip("transverse")
    options = ("--spacing-mm", str(clip.mm_per_px), "--report", f"{tmp_path}/r.json", "--overlays", f"{tmp_path}/seen")
    program = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *words, str(clip.path), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  a background job ignores it
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("seen/*.png")) and time.monotonic() < deadline:
        time.sleep(0.005)
    program.send_signal(number)
    _, told = program.communicate(timeout=60)
    assert program.returncode == status, told
    assert (tmp_path / "r.json").exists() is reported
    if reported:
        assert 1 <= len(decode((tmp_path / "r.json").read_bytes(), "r.json").frames) < 36


@pytest.mark.parametrize("words", [("run", "--source"), ("grade",)], ids=["run", "grade"])
def test_an_exam_is_not_begun_when_its_report_has_no_place(words):
    clip = ROOT / "edge" / "assets" / "demo-transverse.mp4"
    assert "no folder" in refused(*words, clip, "--report", "/none/r.json")
