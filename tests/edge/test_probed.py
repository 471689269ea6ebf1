"""An exam with a probe beside it: its freeze gates, its depth scales, its silence is judged, it hears each grade."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.budget import Budget
from edge.bundle import ASSETS, Bundle, packaged_bundle
from edge.cli import main
from edge.commands.exam import summary
from edge.examine import Examination
from edge.findings import HINTS, UNGRADABLE, ClipGrade, Reason
from edge.frame import Frame, Pixels, Roi, Spacing
from edge.pipeline import Options, Pipeline
from edge.probe import ProbeState
from edge.probed import Probed
from edge.report import Exam, Report, decode, encode
from edge.screen.ruler import read_ruler
from edge.sources import open_source
from tests.contracts.probe_contract import WAITED_MS
from tests.pictures import CENTRED, MM_PER_PX, SHAPE, frame, wrist
from tests.program import install
from tests.scripted_probe import ScriptedProbe

DEPTH_MM = SHAPE[0] * MM_PER_PX
LIVE, FROZEN = ProbeState(frozen=False), ProbeState(frozen=True)
STEP_NS = 100_000_000
SILENT_AND_BACK = {2: LIVE, 5: None, 8: LIVE}
STATED = Options(spacing=Spacing(MM_PER_PX, "manual"))


@dataclass
class Timed:
    """Frames one STEP_NS after the other from `began_ns` on, all of them past."""

    frames: list[Frame]
    began_ns: int
    stream = True

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Frame]:
        for number, each in enumerate(self.frames):
            yield replace(each, timestamp_ns=self.began_ns + number * STEP_NS, index=number)

    def close(self) -> None:
        """Nothing is open."""


def moving(count: int) -> list[Frame]:
    """Tissue that lives, nobody saying how large it is."""
    return [frame(wrist(CENTRED, seed=number), mm_per_px=None) for number in range(count)]


def examined(
    bundle: Bundle,
    frames: list[Frame],
    said: dict[int, ProbeState | None],
    options: Options = STATED,
    exam: Exam | None = None,
) -> tuple[Report, ScriptedProbe]:
    """The exam of frames during which the probe says something anew just before those of the numbers in `said`."""
    began_ns = time.monotonic_ns() - len(frames) * STEP_NS
    probe = ScriptedProbe(*((began_ns + number * STEP_NS - STEP_NS // 2, state) for number, state in said.items()))
    source, pipeline = Timed(frames, began_ns), Pipeline(bundle, options, stream=True)
    run = Examination(bundle, pipeline, source, "sweep.mp4", Budget(None), exam or Exam(), Probed(probe))
    run.run()
    return run.report(), probe


def reasons(report: Report) -> list[Reason | None]:
    return [each.reason for each in report.frames]


def runs(*parts: tuple[int, Reason | None]) -> list[Reason | None]:
    return [reason for count, reason in parts for _ in range(count)]


class TestFreeze:
    def test_frames_are_ungraded_exactly_while_the_probe_says_frozen(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(12), {0: LIVE, 3: FROZEN, 6: LIVE, 9: FROZEN, 10: LIVE})
        frozen = Reason.FROZEN
        assert reasons(report) == runs((3, None), (3, frozen), (3, None), (1, frozen), (2, None))
        assert [each.signal for each in report.frames[2:4]] == ["live", "frozen"]
        assert report.probe is not None and report.probe.frames_frozen == 4

    def test_a_probe_that_says_nothing_of_freezing_freezes_nothing(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(3), {0: ProbeState(gain_percent=50)})
        assert reasons(report) == runs((3, None))

    def test_the_picture_may_still_tell_what_the_probe_does_not(self, tiny_bundle: Bundle) -> None:
        still = [frame(wrist(CENTRED), mm_per_px=None)] * 12
        report, _ = examined(tiny_bundle, still, {0: LIVE})
        assert reasons(report)[-1] is Reason.FROZEN
        assert report.probe is not None and report.probe.frames_frozen == 0

    def test_no_signal_goes_before_frozen(self, tiny_bundle: Bundle) -> None:
        dark = [Frame(None, 0, 0, fault="cable out", no_signal=True)]
        report, _ = examined(tiny_bundle, dark, {0: FROZEN})
        assert reasons(report) == [Reason.NO_SIGNAL]


class TestSilence:
    def test_gated_a_frame_without_the_probes_word_has_no_grade(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(10), SILENT_AND_BACK, replace(STATED, gated=True))
        silent = Reason.PROBE_SILENT
        assert reasons(report) == runs((2, silent), (3, None), (3, silent), (2, None))
        assert report.frames[0].hint == HINTS[silent] and report.frames[0].nerve is None
        assert report.frames[0].roi == Roi(0, 0, SHAPE[1], SHAPE[0])  # the picture is shown all the same
        assert report.probe is not None and (report.probe.gated, report.probe.frames_silent) == (True, 5)

    def test_ungated_the_exam_goes_on_as_if_there_were_none(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(10), SILENT_AND_BACK)
        assert reasons(report) == runs((10, None))
        assert report.probe is not None and (report.probe.gated, report.probe.frames_silent) == (False, 5)

    def test_without_a_probe_there_is_none_in_the_report(self, tiny_bundle: Bundle) -> None:
        source = Timed(moving(2), time.monotonic_ns() - 2 * STEP_NS)
        run = Examination(tiny_bundle, Pipeline(tiny_bundle, STATED, stream=True), source, "a.mp4", Budget(None))
        run.run()
        assert run.report().probe is None and "probe" not in summary(run.report())


class TestDepth:
    def test_gives_the_millimetres_that_nobody_else_gives(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(2), {0: ProbeState(depth_mm=DEPTH_MM)}, Options())
        spacing, nerve = report.frames[0].spacing, report.frames[0].nerve
        assert (spacing.mm_per_px, spacing.provenance) == (pytest.approx(MM_PER_PX), "firmware")
        assert nerve is not None and nerve.csa_mm2 == pytest.approx(CENTRED.area_mm2, rel=0.03)
        assert nerve.csa_uncertainty_mm2 == pytest.approx(2 * spacing.uncertainty * nerve.csa_mm2)
        report, _ = examined(tiny_bundle, moving(2), {0: LIVE}, Options())
        assert reasons(report) == runs((2, Reason.NO_SPACING))

    def test_against_what_was_stated_is_a_conflict_with_both_numbers(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(2), {0: ProbeState(depth_mm=1.2 * DEPTH_MM)})
        assert reasons(report) == runs((2, Reason.SPACING_CONFLICT))
        assert report.frames[0].conflict == "manual says 0.1 mm per px, firmware says 0.12 mm per px"

    def test_a_box_that_a_person_gave_is_surer(self, tiny_bundle: Bundle) -> None:
        said = {0: ProbeState(depth_mm=DEPTH_MM)}
        given = Options(roi=Roi(0, 0, SHAPE[1], SHAPE[0]))
        (found, _), (told, _) = (examined(tiny_bundle, moving(1), said, each) for each in (Options(), given))
        assert told.frames[0].spacing.uncertainty < 0.01 < found.frames[0].spacing.uncertainty

    def test_another_depth_counts_once_the_screen_shows_it(self, tiny_bundle: Bundle) -> None:
        """The screen and its capture lag behind the knob: the old picture is not measured by the new depth."""
        near, far = ProbeState(depth_mm=DEPTH_MM), ProbeState(depth_mm=2 * DEPTH_MM)
        report, _ = examined(tiny_bundle, moving(14), {0: near, 4: far, 6: None, 7: far}, Options())
        said = [each.spacing.mm_per_px for each in report.frames]
        assert said == [*[pytest.approx(MM_PER_PX)] * 4, *[None] * 5, *[pytest.approx(2 * MM_PER_PX)] * 5]


class TestBack:
    def test_each_outcome_is_told_as_it_is_reported(self, tiny_bundle: Bundle) -> None:
        frames = [*moving(3), frame(np.zeros(SHAPE, np.uint8), mm_per_px=None)]
        report, probe = examined(tiny_bundle, frames, {0: LIVE}, exam=Exam(side="right", subject="S07"))
        told = [(each.timestamp_ns, each.grade, each.reason) for each in probe.outcomes]
        assert told == [(each.timestamp_ns, each.grade, each.reason) for each in report.frames]
        for outcome, each in zip(probe.outcomes, report.frames, strict=True):
            assert outcome.csa_mm2 == (each.nerve.csa_mm2 if each.nerve else None)
            assert outcome.confidence == (None if each.probabilities is None else max(each.probabilities))
        assert [each.grade == UNGRADABLE for each in probe.outcomes] == [False, False, False, True]
        assert probe.exams == ["right", report.clip]

    def test_an_exam_that_breaks_off_has_ended_all_the_same(self, tiny_bundle: Bundle) -> None:
        probe, pipeline = ScriptedProbe((0, LIVE)), Pipeline(tiny_bundle, STATED, stream=True)
        source = Timed(moving(3), time.monotonic_ns() - 3 * STEP_NS)
        run = Examination(tiny_bundle, pipeline, source, "a.mp4", Budget(None), Exam(), Probed(probe))

        def interrupt(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run.run(interrupt)
        side, clip = probe.exams
        assert side is None and isinstance(clip, ClipGrade) and clip.frames_total == 1

    def test_the_report_tells_what_the_link_takes_of_a_frame(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(30), {0: LIVE})
        assert report.probe is not None and 0 < report.probe.link_p99_ms <= WAITED_MS

    def test_a_probe_set_to_the_other_wrist_is_told(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(2), {0: ProbeState(frozen=False, side="left")})
        other, same = (msgspec.structs.replace(report, exam=Exam(side=side)) for side in ("right", "left"))
        line = "conflict     the exam is of the right wrist, the probe is set to the left one"
        assert line in summary(other).splitlines()
        assert "conflict" not in summary(same) and "conflict" not in summary(report)

    def test_a_hand_that_was_not_told_the_exams_grade_is_in_report_and_summary(self, tiny_bundle: Bundle) -> None:
        line = "not told     the hand was not told the exam's grade"
        heard, _ = examined(tiny_bundle, moving(3), {0: LIVE})
        lost, _ = examined(tiny_bundle, moving(3), {0: LIVE, 2: None})
        assert heard.probe is not None and heard.probe.exam_told is True and line not in summary(heard)
        assert lost.probe is not None and lost.probe.exam_told is False and line in summary(lost).splitlines()
        assert decode(encode(lost), "r.json") == lost

    def test_what_was_overtaken_is_counted(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(2), {0: LIVE})
        assert report.probe is not None and "overtaken" not in summary(report)
        some = msgspec.structs.replace(report, probe=msgspec.structs.replace(report.probe, grades_left_out=7))
        line = "probe        SonoHand, firmware 1.4.2; 7 grades overtaken by newer ones"
        assert line in summary(some).splitlines()

    def test_two_scales_are_both_told(self, tiny_bundle: Bundle) -> None:
        report, _ = examined(tiny_bundle, moving(2), {0: LIVE})
        first, second = report.frames
        deeper = msgspec.structs.replace(second, spacing=Spacing(2 * (first.spacing.mm_per_px or 0), "firmware"))
        told = summary(msgspec.structs.replace(report, frames=(first, deeper)))
        assert f"spacing      {first.spacing.mm_per_px:.4g} to {deeper.spacing.mm_per_px:.4g} mm per px" in told

    def test_the_report_says_which_probe_it_was_and_what_befell_it(self, tiny_bundle: Bundle) -> None:
        set_so = ProbeState(frozen=False, gain_percent=40, preset=2, side="left")
        report, _ = examined(tiny_bundle, moving(8), {0: FROZEN, 2: set_so, 5: None}, replace(STATED, gated=True))
        said = report.probe
        assert said is not None and (said.name, said.firmware, said.state) == ("SonoHand", "1.4.2", set_so)
        assert [event.state for event in said.events] == ["live", "silent"]
        assert decode(encode(report), "r.json") == report
        line = "probe        SonoHand, firmware 1.4.2; frozen for 2 frames; silent for 3 frames (no heartbeat)"
        assert line in summary(report).splitlines()
        nobody, _ = examined(tiny_bundle, moving(1), {})
        assert "probe        never said who it is; silent for 1 frames" in summary(nobody)


@pytest.fixture(scope="module")
def clip() -> tuple[list[Pixels], dict[str, float], Roi]:
    """Frames of the packaged clip, what is true of it, and the box of its picture."""
    truth = next(
        each for each in msgspec.json.decode((ASSETS / "demo.json").read_bytes())["clips"] if "csa_mm2" in each
    )
    source = open_source(str(ASSETS / truth["file"]))
    pictures = [each.pixels for each in source][:12]
    source.close()
    seen = Pipeline(Bundle.open(packaged_bundle("transverse")), Options(), stream=True)(Frame(pictures[0], 0, 0))
    assert seen.scan is not None
    return pictures, truth, seen.scan.roi


def without_ruler(pixels: Pixels, picture: Roi) -> Pixels:
    """The screen with its ticks and their labels painted over."""
    hidden = pixels.copy()
    for place in read_ruler(pixels, picture).places:
        top, left = max(0, place.y - 12), max(0, place.x - 12)
        hidden[top : place.y + place.height + 12, left : min(place.x + place.width + 12, picture.x - 1)] = pixels[2, 2]
    return hidden


class TestPackagedClip:
    def test_the_depth_measures_as_the_hidden_ruler_did(self, clip: tuple[list[Pixels], dict[str, float], Roi]) -> None:
        pictures, truth, picture = clip
        bundle = Bundle.open(packaged_bundle("transverse"))
        depth_mm = round(2 * picture.height * truth["mm_per_px"]) / 2  # a machine offers steps of half a centimetre
        shown = [Frame(pixels, 0, 0) for pixels in pictures]
        hidden = [replace(each, pixels=without_ruler(each.pixels, picture)) for each in shown]
        said = {0: ProbeState(frozen=False, depth_mm=depth_mm)}
        by_ruler, _ = examined(bundle, shown, {0: LIVE}, Options())
        by_both, _ = examined(bundle, shown, said, Options())
        by_depth, _ = examined(bundle, hidden, said, Options())
        by_nobody, _ = examined(bundle, hidden, {0: LIVE}, Options())
        provenances = [each.frames[0].spacing.provenance for each in (by_ruler, by_both, by_depth, by_nobody)]
        assert provenances == ["ruler", "ruler", "firmware", "none"]
        assert set(reasons(by_nobody)) == {Reason.NO_SPACING}
        assert by_depth.clip.grade == by_ruler.clip.grade == truth["grade"]
        for one, other in zip(by_ruler.frames, by_depth.frames, strict=True):
            assert other.nerve.csa_mm2 == pytest.approx(one.nerve.csa_mm2, abs=other.nerve.csa_uncertainty_mm2)
            assert other.nerve.csa_mm2 == pytest.approx(one.nerve.csa_mm2, rel=0.02)
        assert by_depth.clip.csa_mm2 == pytest.approx(truth["csa_mm2"], rel=0.15)


class TestProgram:
    @pytest.fixture
    def opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ScriptedProbe]:
        """The probes that were opened as `played:WORD`."""
        install(tmp_path, "played", "[sonoedge.probes]\nplayed = played_probe:open_probe\n")
        (tmp_path / "played_probe.py").write_text(
            "from edge.probe import ProbeState\nfrom tests.scripted_probe import ScriptedProbe\nopened = []\n"
            "def open_probe(rest):\n"
            "    said = {'frozen': ProbeState(frozen=True), 'silent': None, 'deep': ProbeState(depth_mm=300.0)}\n"
            "    opened.append(ScriptedProbe((1, said[rest])))\n    return opened[-1]\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        import played_probe

        return played_probe.opened

    @pytest.fixture
    def ran(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
        def run(*words: str) -> tuple[int, str, str]:
            command = ["run", "--source", str(ASSETS / "demo-transverse.mp4"), "--frames", "3", *words]
            status = main([*command, "--report", str(tmp_path / "r.json")])
            return status, *capfd.readouterr()

        return run

    @pytest.mark.parametrize(
        ("rest", "more", "reason"),
        [
            ("frozen", [], Reason.FROZEN),
            ("silent", [], Reason.PROBE_SILENT),
            ("silent", ["--probe-lost", "gated"], Reason.PROBE_SILENT),
            ("silent", ["--probe-lost", "ungated"], None),
            ("deep", [], Reason.SPACING_CONFLICT),
        ],
    )
    def test_run_heeds_the_probe(self, opened, ran, tmp_path, rest, more, reason) -> None:
        status, told, complained = ran("--probe", f"played:{rest}", "--side", "left", *more)
        assert status == 0, complained
        report = decode((tmp_path / "r.json").read_bytes(), "r.json")
        assert set(reasons(report)) == {reason}
        assert "\nprobe        " in told and f"probe {report.probe.events[0].state}: " in complained
        probe = opened[-1]
        assert probe.closed and probe.exams == ["left", report.clip]

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["--probe", "nobody:1"], "nobody:1: no probe called 'nobody'; the probes are "),
            (["--probe-lost", "ungated"], "--probe-lost: there is no probe to lose: name it with --probe"),
        ],
    )
    def test_bad_use_is_one_line(self, ran, words, line) -> None:
        status, told, complained = ran(*words)
        assert (status, told) == (2, "")
        assert complained.startswith(f"sonoedge: {line}") and complained.count("\n") == 1
