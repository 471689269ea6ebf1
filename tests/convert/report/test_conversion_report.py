"""The conversion report: what goes in comes out, no path of the workstation leaks, the page holds no foreign code."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.calibration.lint import Lint
from convert.calibration.rules import Finding
from convert.errors import ModelError
from convert.gate.verdict import Gate, GateFigure, gate
from convert.quantizing.parity import Parity
from convert.quantizing.quantize import Candidate
from convert.quantizing.recipe import load_recipe
from convert.quantizing.search import Trial
from convert.quantizing.tensor_errors import Dominance, TensorError, outliers, tensor_errors
from convert.report.conversion_report import (
    REPORT_VERSION,
    CalibrationFrames,
    ConversionReport,
    ModelSource,
    decode,
    encode,
    model_digest,
    ranked,
    without_paths,
    write_reports,
)
from edge.errors import MissingExtraError, OutputError, ReportError
from edge.golden import Replay
from edge.manifest import InputSpec
from edge.report import DISCLAIMER
from tests.contracts.interpreter_contract import ALL_GREYS, RAMP, RAMP_FLOAT

PARITY = Parity(30, 0.5, 0.01, 4.0, 0.1, 0.02)


def tensor(layer: str, own_snr_db: float = 30.0, operator: str = "CONV_2D", **more: Any) -> TensorError:
    return TensorError(
        tensor=f"net/{layer}/out", layer=layer, operator=operator, precision=more.get("precision", "int8"),
        snr_db=20.0, own_snr_db=own_snr_db, max_error=0.1, cosine=0.99,
        activation=None, weights=more.get("weights"),
    )  # fmt: skip


def trial(*layers: str, shortfall: float, passed: bool = False, refused: str | None = None) -> Trial:
    ms, kib = (math.nan, math.nan) if refused else (1.5 + len(layers), 700.0)
    return Trial(tuple(f"net/{n}/out" for n in layers), layers, "float32", passed, shortfall, ms, kib, refused)


def figure(name: str, loss: float, margin: float | None, *, width: float = 0.25) -> GateFigure:
    """A figure whose interval reaches `width` margins to each side."""
    reach = width * (margin or 1.0)
    verdict = "not gated" if margin is None else "passed" if loss + reach <= margin else "failed"
    return GateFigure(
        name=name, unit="", float_value=0.9, int8_value=0.9 - loss, difference=loss, ci95=(loss - reach, loss + reach),
        bound=loss + reach, margin=margin, verdict=verdict, rows=60, subjects=40,
    )  # fmt: skip


def gate_of(*figures: GateFigure, labelled: bool = True, of: str = "grader") -> Gate:
    return gate(figures, of=of, labelled=labelled, frames=60, subjects=40)


def report(**changed: Any) -> ConversionReport:
    name = changed.pop("layer", "conv_7")
    tensors = (*tensor_errors(RAMP_FLOAT, RAMP, [ALL_GREYS]), tensor(name, 3.0, weights=Dominance(17, 41.0)))
    filled: dict[str, Any] = {
        "passed": True,
        "answer": "bundle written",
        "bundle": "wrist.sonobundle",
        "source": ModelSource(
            file="m.keras", sha256="0" * 64, format="keras", converter="tensorflow 2.21.0", task="grade",
            view="transverse", network="mobilenet_v2", input=InputSpec(height=160, width=160, mm_per_px=0.094),
        ),
        "calibration": CalibrationFrames(folder="frames", frames=30, subjects=30, digest="1" * 64),
        "recipe": load_recipe(),
        "quantizer": "litert-quantizer 0.11",
        "candidates": (
            Candidate("tflite-converter", "2.21", 1.5, refused="tflite-converter cannot quantize it: no"),
            Candidate("litert-quantizer", "0.11", 0.5, 2048, PARITY, Replay(16, 1, 0.1, 0.0, 0)),
        ),
        "tools": {"sonoedge": "0.1.0"},
        "source_parity": PARITY,
        "lint": Lint("frames", 30, 30, (Finding("range", "ok", "0..255"), Finding("level", "warning", "-", "add 34"))),
        "gates": (gate_of(figure("DSC", 0.002, 0.01), figure("accuracy", 0.1, None)),),
        "tensors": tensors,
        "outliers": outliers(tensors),
        "trials": (
            trial(shortfall=2.0),
            trial(name, shortfall=math.inf, refused="no"),
            trial(name, "b", shortfall=0.0, passed=True),
        ),
        "golden_pictures": 4,
        "float_bytes": 4096,
        "int8_bytes": 2048,
        "seconds": {"read": 1.25, "quantize": 2.5},
    }  # fmt: skip
    return ConversionReport(**(filled | changed))


def strict_json(data: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(data, parse_constant=refuse)


def test_what_goes_in_comes_out() -> None:
    before = report(trials=(trial(shortfall=2.0), trial("a", shortfall=math.inf)))
    assert decode(encode(before), "r.json") == before
    plain = strict_json(encode(before))
    assert plain["report_version"] == REPORT_VERSION and plain["disclaimer"] == DISCLAIMER
    assert plain["gates"][0]["figures"][0]["margin"] == 0.01
    assert plain["recipe"] == json.loads(msgspec.json.encode(load_recipe()))


@given(st.floats(), st.floats(), st.floats())
def test_every_number_can_be_told(snr: float, shortfall: float, seconds: float) -> None:
    before = encode(
        report(tensors=(tensor("a", snr),), trials=(trial("a", shortfall=shortfall),), seconds={"read": seconds})
    )
    strict_json(before)
    after = decode(before, "r.json")
    assert encode(after) == before
    assert isinstance(after.tensors[0].own_snr_db, float) and isinstance(after.trials[0].shortfall, float)  # type: ignore[index]


@pytest.mark.parametrize("word", ["null", "inf", "nan", "5", "true", ""])
def test_a_name_that_looks_like_a_value_stays_a_name(word: str) -> None:
    before = report(layer=word, answer=word, search_note=word, tools={word: word})
    before = msgspec.structs.replace(before, trials=None)
    assert decode(encode(before), "r.json") == before


@given(st.binary(max_size=60) | st.integers(0, 2000).map(lambda cut: encode(report())[:cut]))
def test_what_is_no_report_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(ReportError, match=r"^r\.json: not a conversion report: .+$"):
        decode(data, "r.json")


def test_a_report_that_contradicts_itself_is_refused_in_one_line() -> None:
    plain = json.loads(encode(report()))
    plain["source"]["preprocessing"]["std"] = [-1.0]
    with pytest.raises(ReportError, match=r"^r\.json: not a conversion report: pre-processing"):
        decode(json.dumps(plain).encode(), "r.json")


def test_a_newer_version_is_refused_and_a_new_field_is_not() -> None:
    plain = json.loads(encode(report()))
    newer = decode(json.dumps(plain | {"weather": "fair"}).encode(), "r.json")
    assert encode(newer) == encode(report())
    with pytest.raises(ReportError, match=r"r\.json: report version 2, this sonoedge reads 1 to 1: upgrade it"):
        decode(json.dumps({"report_version": 2}).encode(), "r.json")


def test_no_path_of_the_workstation_is_told() -> None:
    home = "/home/anna doe/wrists"
    found = Finding("layout", "fail", f"1 of 9 cannot be read: {home}/images/a.png: no picture", f"look into {home}")
    told = without_paths(
        report(
            source=msgspec.structs.replace(report().source, file=f"{home}/m.keras"),
            calibration=CalibrationFrames(folder=home, frames=9, subjects=9, digest=None),
            lint=Lint(home, 9, 9, (found,)),
            bundle=f"{home}/b.sonobundle",
        )
    )
    assert b"anna" not in encode(told)
    assert (told.source.file, told.calibration.folder, told.bundle) == ("m.keras", "wrists", "b.sonobundle")
    assert told.lint is not None and told.lint.folder == "wrists"
    assert told.lint.findings[0].detail == "1 of 9 cannot be read: images/a.png: no picture"
    assert told.lint.findings[0].mend == "look into wrists"
    assert encode(decode(encode(told), "r.json")) == encode(told)


def test_no_free_text_tells_a_folder_of_this_machine(tmp_path: Path) -> None:
    here = f"{tmp_path}/deeper/x.tflite"
    layer = "/conv/in/Conv2D"  # a name of a tensor, not of a file
    told = without_paths(
        report(
            answer=f"gate failed ({here})",
            search_note=f"{here}: no room left",
            candidates=(Candidate("tflite-converter", "2.21", 1.5, refused=f"{layer} left by '{here}'"),),
            trials=(trial(layer, shortfall=math.inf, refused=here),),
            gates=(msgspec.structs.replace(gate_of(figure("DSC", 0.0, 0.01)), notes=(f"of {here}",)),),
        )
    )
    assert str(tmp_path.parts[1]).encode() not in encode(told)
    assert told.answer == "gate failed (x.tflite)" and told.gates[0].notes == ("of x.tflite",)
    assert told.candidates[0].refused == f"{layer} left by 'x.tflite'"
    assert told.trials is not None and told.trials[0].layers == (layer,)


def test_tensors_are_ranked_by_the_gate_and_then_by_what_they_lose() -> None:
    tensors = [
        tensor("cast", 1.0, "QUANTIZE"), tensor("kept", 1.0, precision="float32"), tensor("refused", 2.0),
        tensor("untried", 3.0), tensor("worse", 4.0), tensor("some", 5.0), tensor("most", 6.0),
    ]  # fmt: skip
    trials = [
        trial(shortfall=2.0), trial("some", shortfall=1.5), trial("most", shortfall=0.5), trial("worse", shortfall=3.0),
        trial("refused", shortfall=math.inf, refused="no"), trial("untried", "some", shortfall=0.0, passed=True),
    ]  # fmt: skip
    rows = ranked(tensors, trials)
    assert [row.error.layer for row in rows] == ["most", "some", "refused", "untried", "worse"]
    assert [row.gain for row in rows] == [1.5, 0.5, None, None, -1.0]
    assert [row.error.layer for row in ranked(tensors, None)][:2] == ["refused", "untried"]


def test_the_digest_is_of_all_that_the_model_is_made_of(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(b"weights")
    assert model_digest(file) == hashlib.sha256(b"weights").hexdigest()
    saved = tmp_path / "saved"
    (saved / "variables").mkdir(parents=True)
    (saved / "saved_model.pb").write_bytes(b"graph")
    one = model_digest(saved)
    (saved / "variables" / "data").write_bytes(b"weights")
    two = model_digest(saved)
    (saved / "variables" / "data").rename(saved / "variables" / "index")
    assert len({one, two, model_digest(saved)}) == 3
    with pytest.raises(ModelError, match=r"gone\.onnx: cannot be read"):
        model_digest(tmp_path / "gone.onnx")


def test_json_needs_no_plots_and_a_page_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    write_reports(report(), tmp_path / "r.json", None)
    assert decode((tmp_path / "r.json").read_bytes(), "r.json").passed
    with pytest.raises(MissingExtraError, match="the extra 'convert'"):
        write_reports(report(), tmp_path / "second.json", tmp_path / "r.html")
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]  # nothing half-written


class Page(HTMLParser):
    """The elements of a page, whether each is closed, its text, and what it would load."""

    _EMPTY = ("meta", "br", "path", "use", "rect", "image")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.loaded += [
            str(value)
            for name, value in attrs
            if name.startswith("on") or (name in ("src", "href", "xlink:href") and not str(value).startswith("#"))
        ]
        if tag not in self._EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.text += f"{data}\n"


class TestPage:
    @pytest.fixture(autouse=True)
    def _plots(self) -> None:
        pytest.importorskip("matplotlib", reason="the extra convert is not installed")

    def page(self, told: ConversionReport) -> str:
        from convert.report.page import page_of

        return page_of(told)

    def test_it_stands_alone_and_tells_the_way_in_its_order(self) -> None:
        text = self.page(report())
        page = Page(text)
        assert page.loaded == [] and "script" not in page.elements and "@import" not in text and "url(http" not in text
        assert page.elements.count("svg") == 3
        assert DISCLAIMER in page.text
        order = [
            "Passed", "What came in", "Calibration lint", "add 34", "Quantizers", "refused", "Gate", "DSC",
            "Errors of the tensors", "conv_7", "weights 17 (41 ×)", "Search", "(fewest that pass)", "wrist.sonobundle",
            "4 pictures", "2.5 s",
        ]  # fmt: skip
        at = -1
        for word in order:
            at = page.text.find(word, at + 1)
            assert at >= 0, word

    def test_the_same_report_gives_the_same_page(self) -> None:
        assert self.page(report()) == self.page(report())

    def test_names_from_outside_are_text(self) -> None:
        evil = "</svg></td><script>alert(1)</script><img src=//x.y/z onerror=w>"
        told = report(
            layer=evil, answer=evil, bundle=None, tools={evil: evil}, seconds={evil: 1.0}, search_note=evil,
            source=msgspec.structs.replace(report().source, file="<script>.keras", network=evil, converter=evil),
            calibration=CalibrationFrames(folder="<script>", frames=1, subjects=1, digest=None),
            lint=Lint("<script>", 1, 1, (Finding(evil, "fail", evil, evil),)),
            gates=(gate_of(figure(evil, 0.0, 1.0), of=evil),),
        )  # fmt: skip
        text = self.page(told)
        page = Page(text)
        assert "<script" not in text and "<img" not in text and page.loaded == []
        assert "&lt;script&gt;.keras" in text and page.text.count(evil) >= 10
        assert set(page.elements).isdisjoint({"script", "img", "link", "iframe", "object"})

    @pytest.mark.parametrize("name", ["$\\frac{a$", "a\x00b\nc", "卷积", "", "x" * 3000, "\udcff"])
    def test_any_name_can_be_drawn(self, name: str, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
        source = msgspec.structs.replace(report().source, file=f"{name}.keras")
        told = report(layer=name, source=source, gates=(gate_of(figure(name, 0.0, 1.0)),))
        write_reports(told, tmp_path / "r.json", tmp_path / "r.html")
        assert "<svg" in (tmp_path / "r.html").read_text("utf-8")
        assert [str(warning.message) for warning in recwarn] == []

    def test_what_was_not_done_is_said(self) -> None:
        source, calibration = report().source, report().calibration
        failed = Lint("frames", 9, 9, (Finding("texture", "fail", "noise", "record frames"),))
        stopped = ConversionReport(
            passed=False, answer="lint: texture", source=source, calibration=calibration, recipe=load_recipe(),
            lint=failed, seconds={"lint": 0.1},
        )  # fmt: skip
        text = self.page(stopped)
        page = Page(text)
        assert "Stopped" in page.text and "not fit: texture" in page.text and "svg" not in page.elements
        assert page.text.count("Not reached.") == 3 and "None was written." in page.text
        assert '<td class="bad">fail</td>' in text

    def test_a_waived_rule_is_not_shown_as_failed(self) -> None:
        waived = Lint("frames", 9, 9, (Finding("texture", "fail", "noise"),), waived=("texture",))
        text = self.page(report(lint=waived))
        assert '<td class="unsure">waived</td>' in text and ">fail<" not in text

    def test_unlabelled_is_explained_when_no_gate_knew_the_truth(self) -> None:
        blind, seeing = gate_of(figure("DSC", 0.0, 0.01), labelled=False), gate_of(figure("AUC", 0.0, 0.02))
        word = "Unlabelled: no frame with a known answer"
        assert word in self.page(report(gates=(blind,)))
        assert word not in self.page(report(gates=(blind, seeing)))

    def test_the_forest_is_drawn_in_margins(self) -> None:
        from convert.report.plots import forest

        mm2, dsc = figure("same name", 0.15, 0.3), figure("same name", 0.005, 0.01)
        assert forest([gate_of(mm2)]) == forest([gate_of(dsc)])
        assert forest([gate_of(mm2)]) != forest([gate_of(figure("same name", 0.2, 0.3))])
        assert forest([gate_of(figure("accuracy", 0.1, None))]) == ""

    def test_a_figure_far_beyond_does_not_squeeze_the_others(self) -> None:
        from convert.report.plots import forest

        far = gate_of(figure("near", 0.0, 1.0), figure("far", 1000.0, 1.0), figure("no margin left", 2.0, 0.0))
        ticks = [int(word) for word in Page(forest([far])).text.split() if word.isdigit()]
        assert max(ticks) == 8

    def test_an_arrow_points_to_where_the_interval_is(self) -> None:
        from convert.report.plots import arrows

        assert [shape for _, shape in arrows((-9.0, 9.0))] == ["<", ">"]
        assert arrows((50.0, 60.0)) == [(8.0, ">")] and arrows((-9.0, -8.0)) == [(-3.0, "<")]
        assert arrows((0.0, 1.0)) == []

    def test_why_a_quantizer_was_refused_is_told_below_the_table(self) -> None:
        text = self.page(report())
        assert "tflite-converter 2.21: tflite-converter cannot quantize it: no" in text

    def test_the_answer_stands_before_what_came_in(self) -> None:
        head = self.page(report()).partition("What came in")[0]
        for word in ("wrist.sonobundle", "passed on 60 frames of 40 subjects", "2 KiB, 2.0 times smaller"):
            assert word in head

    def test_a_page_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"r\.html: cannot be written"):
            write_reports(report(), None, tmp_path / "none" / "r.html")
