"""A report survives the way to JSON and back, holds no nan, and tells no more of a patient than it was told."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.budget import Budget
from edge.commands.exam import summary
from edge.errors import OutputError, ReportError
from edge.findings import HINTS, UNGRADABLE, ClipGrade, Ellipse, Nerve, Reason
from edge.frame import UNKNOWN_SPACING, Roi, Spacing
from edge.report import (
    DISCLAIMER,
    BundleInfo,
    Exam,
    FrameReport,
    JoinedGrade,
    Report,
    SourceInfo,
    decode,
    encode,
    json_schema,
    public_uri,
    schema_text,
    write,
)

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"
PROBABILITIES = (0.125, 0.5, 0.25, 0.125)

CLIP = ClipGrade(
    grade="mild",
    probabilities=PROBABILITIES,
    confidence=0.5,
    cts_probability=0.875,
    csa_mm2=11.5,
    ap_diameter_mm=None,
    frames_graded=1,
    frames_total=2,
    reason=None,
)


def graded(**changed: object) -> FrameReport:
    fields = {
        "index": 0,
        "timestamp_ns": 123,
        "name": "wrist-07.png",
        "signal": "live",
        "roi": Roi(10, 20, 300, 400),
        "spacing": Spacing(0.1, "dicom"),
        "nerve": Nerve(
            ellipse=Ellipse(x_px=1.5, y_px=2.0, major_px=30.0, minor_px=10.0, angle_deg=-3.0),
            area_share=0.01,
            flattening_ratio=3.0,
            components=1,
            ellipse_fill=0.97,
            csa_mm2=11.5,
            perimeter_mm=15.0,
            ap_diameter_mm=None,
            outlines=(((10.5, 20.0), (30.1, 20.0), (30.1, 28.4)),),
        ),
        "grade": "mild",
        "probabilities": PROBABILITIES,
        "reason": None,
        "unscaled": False,
        "age_ms": 41.5,
        "overrun": False,
    }
    return FrameReport(**(fields | changed))


def ungraded(**changed: object) -> FrameReport:
    nothing = {"roi": None, "spacing": UNKNOWN_SPACING, "nerve": None, "grade": UNGRADABLE, "probabilities": None}
    return graded(**({"index": 1, "reason": Reason.NO_SPACING} | nothing | changed))


def report(**changed: object) -> Report:
    budget = Budget(100.0)
    budget.record(0, 41_500_000)
    fields = {
        "bundle": BundleInfo(
            name="transverse",
            digest="0" * 64,
            format_version=1,
            view="transverse",
            labels="labelled",
            grader="mobilenet_v2",
            segmenter="sa_unet",
        ),
        "source": SourceInfo(uri="sweep.mp4", frames=2),
        "exam": Exam(id="E1", subject="S07", side="left", level="DWC+1"),
        "frames": (graded(), ungraded()),
        "clip": CLIP,
        "latency": budget.summary(),
    }
    return Report(**(fields | changed))


def test_goes_to_json_and_back():
    joined = JoinedGrade(
        grade="mild",
        probabilities=PROBABILITIES,
        confidence=0.5,
        cts_probability=0.875,
        reason=None,
        unscaled=False,
        transverse=CLIP,
        longitudinal=CLIP,
    )
    for made in (report(), report(joined=joined), report(frames=(), exam=Exam())):
        assert decode(encode(made), "r.json") == made


def test_the_set_of_grades_is_told_to_machines_and_to_people():
    set_of_two = msgspec.structs.replace(CLIP, grade_set=("mild", "moderate"))
    fitted = msgspec.structs.replace(report().bundle, coverage=0.9)
    made = report(clip=set_of_two, bundle=fitted)
    assert json.loads(encode(made))["clip"]["grade_set"] == ["mild", "moderate"]
    assert json.loads(encode(made))["bundle"]["coverage"] == 0.9
    assert "possible     mild or moderate (holds in 90% of wrists like those held out)\n" in summary(made)
    assert "possible     not known: the bundle was fitted on no held-out subjects\n" in summary(report())
    unsure = msgspec.structs.replace(set_of_two, grade=UNGRADABLE, confidence=None, reason=Reason.UNSURE)
    told = summary(report(clip=unsure, bundle=fitted)).splitlines()
    assert told[0] == "grade        UNGRADABLE: unsure: too many grades are possible"
    assert told[1].startswith("possible     mild or moderate")


def test_a_report_from_before_there_were_sets_numbers_and_hints_is_read():
    plain = json.loads(encode(report()))
    del plain["clip"]["grade_set"], plain["bundle"]["coverage"]
    for each in (plain["clip"], *plain["frames"]):
        del each["value"], each["limit"]
    del plain["clip"]["csa_uncertainty_mm2"], plain["frames"][0]["nerve"]["csa_uncertainty_mm2"]
    assert decode(json.dumps(plain).encode(), "r.json") == report()
    plain["frames"][1]["reason"] = "saturated: gain too high"
    assert decode(json.dumps(plain).encode(), "r.json").frames[1].reason is Reason.SATURATED
    plain["frames"][1]["reason"] = "a reason of a later version"
    with pytest.raises(ReportError, match="a reason of a later version"):
        decode(json.dumps(plain).encode(), "r.json")


def test_a_reason_comes_with_its_number_and_what_can_be_done():
    numbers = {"reason": Reason.BLURRED, "value": 0.1234, "limit": 0.18}
    blurred = msgspec.structs.replace(CLIP, grade=UNGRADABLE, confidence=None, **numbers)
    made = report(clip=blurred, frames=(ungraded(**numbers, hint=HINTS[Reason.BLURRED]),))
    frame = json.loads(encode(made))["frames"][0]
    assert (frame["reason"], frame["value"], frame["limit"]) == ("blurred", 0.1234, 0.18)
    assert frame["hint"] == "hold the probe still, set the focus to the nerve"
    told = summary(made).splitlines()
    assert told[0] == "grade        UNGRADABLE: blurred (0.123, limit 0.18)"
    assert f"hint         {frame['hint']}" in told
    assert not any(line.startswith("hint") for line in summary(report(frames=(graded(),))).splitlines())


def test_the_commonest_reasons_hint_is_the_one_that_is_told():
    reasons = (Reason.UNLIKE_TRAINING, Reason.SHADOW, Reason.SHADOW)
    assert HINTS[Reason.SHADOW] in summary(report(frames=tuple(ungraded(reason=reason) for reason in reasons)))
    assert "hint" not in summary(report(frames=(ungraded(reason=Reason.UNLIKE_TRAINING),)))


def test_no_reason_holds_a_hint_and_every_hint_is_short():
    for reason in set(Reason) - {Reason.NO_CONTACT, Reason.PROBE_SILENT}:
        assert "gain" not in reason.value and "probe" not in reason.value
    assert set(Reason) - set(HINTS) == {Reason.UNREADABLE, Reason.UNLIKE_TRAINING, Reason.NO_GRADER, Reason.UNSURE}
    assert all(len(hint) <= 56 and hint.isascii() for hint in HINTS.values())  # they are drawn, in one line


@pytest.mark.parametrize(
    ("uncertainty", "told"),
    [(None, "14.5 mm²"), (0.29, "14.5 ± 0.3 mm²"), (0.3, "14.5 ± 0.3 mm²"), (0.01, "14.5 ± 0.1 mm²")],
)
def test_an_area_is_told_with_what_its_spacing_leaves_open(uncertainty, told):
    made = report(clip=msgspec.structs.replace(CLIP, csa_mm2=14.49, csa_uncertainty_mm2=uncertainty))
    assert f"CSA          {told}" in summary(made).splitlines()


def test_json_is_what_the_issue_promised():
    plain = json.loads(encode(report()))
    assert plain["disclaimer"] == DISCLAIMER
    assert "not for diagnosis" in plain["disclaimer"]
    assert plain["frames"][0]["roi"] == {"x": 10, "y": 20, "width": 300, "height": 400}
    assert plain["frames"][0]["spacing"] == {"mm_per_px": 0.1, "provenance": "dicom", "uncertainty": 0.0}
    assert plain["frames"][0]["probabilities"] == list(PROBABILITIES)
    assert plain["frames"][1]["spacing"] == {"mm_per_px": None, "provenance": "none", "uncertainty": 0.0}
    assert plain["frames"][1]["reason"] == "no spacing"
    assert plain["frames"][1]["roi"] is None
    assert plain["latency"]["age_max_ms"] == 41.5
    assert plain["joined"] is None


def test_text_is_for_people_too():
    text = encode(report())
    assert text.startswith(b'{\n  "version": 1,\n  "disclaimer": ')
    assert text.endswith(b"}\n")
    assert text == encode(report())


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_with_its_place(tmp_path, number):
    bad = report(frames=(graded(), ungraded(age_ms=number)))
    with pytest.raises(ReportError, match=r"report\.frames\[1\]\.age_ms is not finite"):
        encode(bad)
    with pytest.raises(ReportError, match=r"report\.clip\.csa_mm2"):
        # An optional number: msgspec alone would have written null, as if it had not been measured.
        encode(report(clip=msgspec.structs.replace(CLIP, csa_mm2=number)))
    with pytest.raises(ReportError, match=r"report\.frames\[0\]\.probabilities\[3\]"):
        write(report(frames=(graded(probabilities=(0.5, 0.25, 0.25, number)),)), tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_that_is_no_utf8_does_not_stop_the_report():
    name = b"wrist-\xff.png".decode("utf-8", "surrogateescape")
    assert json.loads(encode(report(frames=(graded(name=name),))))["frames"][0]["name"] == "wrist-?.png"


def test_writes_whole_or_not_at_all(tmp_path):
    path = tmp_path / "r.json"
    write(report(), path)
    assert decode(path.read_bytes(), path.name) == report()
    with pytest.raises(OutputError, match="make it first"):
        write(report(), tmp_path / "none" / "r.json")


def test_newer_version_is_refused_even_when_its_schema_is_unknown():
    with pytest.raises(ReportError, match=r"^r.json: report version 2, this sonoedge reads 1 to 1"):
        decode(b'{"version": 2, "frames": "elsewhere"}', "r.json")


def test_a_field_added_within_the_version_is_skipped():
    plain = json.loads(encode(report())) | {"temperature_c": 51.0}
    assert decode(json.dumps(plain).encode(), "r.json") == report()


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("version",), 0),
        (("version",), None),
        (("frames",), None),
        (("frames", 0, "reason"), "because"),
        (("frames", 0, "probabilities"), [0.5, 0.5]),
        (("frames", 0, "roi", "width"), 0),
        (("frames", 0, "spacing", "provenance"), "none"),
        (("frames", 0, "age_ms"), "1"),
        (("exam", "side"), "middle"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(where, value):
    plain = part = json.loads(encode(report()))
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    with pytest.raises(ReportError, match=r"^r.json: ") as caught:
        decode(json.dumps(plain).encode(), "r.json")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_any_bytes_are_refused(data):
    with pytest.raises(ReportError):
        decode(data, "r.json")


@given(cut=st.integers(0, 2**16), place=st.integers(0, 2**16), value=st.integers(0, 255))
def test_any_damage_is_a_report_or_refused(cut, place, value):
    data = bytearray(encode(report()))
    data[place % len(data)] = value
    for damaged in (bytes(data), bytes(data[: cut % len(data)])):
        try:
            assert isinstance(decode(damaged, "r.json"), Report)
        except ReportError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("source", "public"),
    [
        ("/archive/Doe^John 1960-01-01/sweep.mp4", "sweep.mp4"),
        ("Doe^John/sweep.igs.mha", "sweep.igs.mha"),
        ("patients/Doe^John/", "folder"),
        ("dicom:/patients/Doe^John/", "dicom:folder"),
        ("/", "folder"),
        ("C:\\Users\\doe\\sweep.mp4", "sweep.mp4"),
        ("Doe:John/sweep.mp4", "sweep.mp4"),
        ("dicom:/archive/doe/IM0001", "dicom:IM0001"),
        ("file:///archive/doe/sweep.mp4", "file:///sweep.mp4"),
        ("v4l2:/dev/video0", "v4l2:/dev/video0"),
        ("/dev/video0", "/dev/video0"),
        ("/dev/shm/doe/sweep.mp4", "sweep.mp4"),  # noqa: S108 - a name, nothing is written there
        ("/dev/../home/doe/sweep.mp4", "sweep.mp4"),
        ("picamera2:0", "picamera2:0"),
        ("rtsp://admin:secret@10.0.0.3:554/ward/doe/live?token=1", "rtsp://10.0.0.3:554/live"),
        ("rtsp://admin:se/cr?et@10.0.0.3/live#a", "rtsp://10.0.0.3/live"),
        ("rtsp://10.0.0.3", "rtsp://10.0.0.3/"),
        ("", ""),
        (".", "."),
    ],
)
def test_a_source_is_named_without_who_and_how(source, public):
    assert public_uri(source) == public
    assert SourceInfo(uri=source, frames=1).uri == public


@given(st.text(alphabet="aZ:/\\.@?# \ndev", max_size=30))
def test_reducing_a_source_twice_changes_nothing(source):
    once = public_uri(source)
    assert public_uri(once) == once


@given(st.text(alphabet="ab:@?#. ", min_size=1, max_size=8), st.sampled_from(["", "/", "file://", "mha:/", "a/b:c/"]))
def test_no_folder_above_the_file_is_told(name, root):
    assert "JOHNDOE" not in public_uri(f"{root}/x/JOHNDOE/{name}")


def test_a_folder_is_told_from_a_file_on_the_disk(tmp_path):
    (tmp_path / "Doe^John").mkdir()
    (tmp_path / "IM0001").write_bytes(b"")
    assert SourceInfo.of(str(tmp_path / "Doe^John"), 3) == SourceInfo(uri="folder", frames=3)
    assert SourceInfo.of(str(tmp_path / "IM0001"), 1).uri == "IM0001"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("raw:./sweep.raw", "raw:sweep.raw"),
        ("raw:Doe^John/sweep.raw", "raw:sweep.raw"),
        ("replay:raw:../Doe^John/sweep.raw?fps=10", "replay:raw:sweep.raw?fps=10"),
        ("replay:clip.mp4?loop=1", "replay:clip.mp4?loop=1"),
        ("folder:./Doe^John", "folder:folder"),
        ("replay:Doe^John?fps=10", "replay:folder?fps=10"),
        ("Doe^John?", "folder?"),
        ("Doe:John/sweep.mp4", "sweep.mp4"),
        ("raw:John/sweep.mp4", "sweep.mp4"),
        ("v4l2:/dev/video0?fps=30", "v4l2:/dev/video0?fps=30"),
        ("v4l2:usb-1-1.3?size=1280x720", "v4l2:usb-1-1.3?size=1280x720"),
        ("rtsp://admin:secret@10.0.0.3/ward/live?token=1", "rtsp://10.0.0.3/live"),
        ("3 files", "3 files"),
        ("n" * 5000, "n" * 5000),
    ],
)
def test_a_source_keeps_its_scheme_and_its_folders_are_not_told(tmp_path, monkeypatch, given, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Doe^John").mkdir()
    (tmp_path / "raw:John").mkdir()  # a folder, whatever its name
    (tmp_path / "raw:John" / "sweep.mp4").write_bytes(b"")
    assert SourceInfo.of(given, 1).uri == told


def test_folders_of_a_frame_are_not_told():
    assert graded(name="Doe^John/1.png").name == "1.png"


def test_schema_is_fresh():
    committed = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert committed == json_schema(), "python -m edge.report > docs/report.schema.json"
    assert json.loads(schema_text()) == committed


def test_schema_names_every_field_of_a_report():
    definitions = json_schema()["$defs"]

    def check(plain: object, schema: dict) -> None:
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rpartition("/")[2]]
        if isinstance(plain, dict):
            branches = [schema, *schema.get("anyOf", [])]
            resolved = [definitions[b["$ref"].rpartition("/")[2]] if "$ref" in b else b for b in branches]
            fields = next(b["properties"] for b in resolved if "properties" in b)
            assert set(plain) == set(fields)
            for key, value in plain.items():
                check(value, fields[key])
        elif isinstance(plain, list) and "items" in schema and schema["items"]:
            for value in plain:
                check(value, schema["items"])

    check(json.loads(encode(report())), {"$ref": "#/$defs/Report"})
