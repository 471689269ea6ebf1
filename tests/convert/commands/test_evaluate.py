"""`sonoedge evaluate` as its user meets it: what it prints and writes, its exit status."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from convert.commands.evaluate import COMMAND
from edge.cli import DONE
from edge.errors import SonoEdgeError
from tests.convert.scans import float_grader, float_segmenter, row, write


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("command") / "wrists", [row(n) for n in range(16)]).path


def asked(*argv: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.run(parser.parse_args([str(word) for word in argv]))


def test_figures_are_printed_and_written(tiny_bundle, data: Path, tmp_path: Path, capsys) -> None:
    json_file = tmp_path / "j.json"
    assert asked("--bundle", tiny_bundle.path, "--data", data, "--json", json_file) == DONE
    printed = capsys.readouterr().out
    assert printed.startswith("wrists, transverse: 16 images of 8 subjects\n")
    assert re.search(r"^  accuracy +1\.000 \(1\.000 to 1\.000\)$", printed, re.MULTILINE)
    found = json.loads(json_file.read_text())
    assert {"segment", "grade", "n_images", "n_subjects"} < set(found)
    assert list(found["segment"]) == ["int8"]


def test_the_page_stands_alone_and_says_that_it_holds_pictures(tiny_bundle, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="the extra convert is not installed")
    page_file, models = tmp_path / "h.html", []
    for name, model in (("segment", float_segmenter()), ("grade", float_grader())):
        (tmp_path / f"{name}.tflite").write_bytes(model)
        models += ["--float", tmp_path / f"{name}.tflite"]
    words = ("--bundle", tiny_bundle.path, "--data", data, "--html", page_file, "--against", tiny_bundle.path)
    assert asked(*words, "--grader", "darkness", *models) == DONE
    page = page_file.read_text()
    assert page.index('class="answer"') < page.index("<h2>Segmentation</h2>") < page.index("<h2>The worst masks</h2>")
    assert "This page holds pictures of patients" in page and "not for diagnosis" in page
    assert page.count("data:image/jpeg;base64,") == 16  # ten masks, and the six wrists that darkness grades wrong
    for plot in ("ROC curve", "reliability diagram", "Bland-Altman plot of the CSA"):
        assert f'aria-label="{plot}' in page
    assert "<h3>Confusion, INT8</h3>" in page and "DeLong" in page
    assert "<script" not in page and not re.search(r"(src|href)=.?https?:", page)


def test_an_answer_of_one_model_alone(data: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("keras", reason="the extra convert is not installed")
    import msgspec

    from tests.convert import calibration_frames as frames

    (tmp_path / "m.tflite").write_bytes(float_segmenter())
    record = msgspec.structs.replace(frames.record("segment"), mm_per_px=0.2)
    (tmp_path / "m.train.json").write_bytes(msgspec.json.encode(record))
    assert asked("--model", tmp_path / "m.tflite", "--data", data, "--json", tmp_path / "j.json") == DONE
    found = json.loads((tmp_path / "j.json").read_text())
    assert list(found["segment"]) == ["float"] and "grade" in found and not found["grade"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "m.keras", "--float", "f.keras"], "--float stands beside a bundle's INT8"),
        (["--model", "m.keras", "--grader", "g"], "--grader chooses one of a bundle's"),
        (["--model", "nowhere.keras"], r"nowhere\.keras: no such file"),
        (["--bundle", "nowhere"], "nowhere: no such bundle file"),
        (["--bundle", "TINY", "--view", "longitudinal"], "looks at the transverse plane"),
        (["--bundle", "TINY", "--against", "LONGITUDINAL"], "looks at the longitudinal plane, not the transverse"),
        (["--bundle", "TINY", "--json", "/nowhere/j.json"], "no folder /nowhere"),
        (["--bundle", "TINY", "--data", "/nowhere"], "no folder images/"),
        (["--bundle", "TINY", "--grader", "nosuch"], "has no grader 'nosuch'"),
    ],
)
def test_bad_use_is_one_line(tiny_bundle, longitudinal_bundle, data: Path, words: list[str], told: str) -> None:
    if "nowhere.keras" in words:
        pytest.importorskip("keras", reason="the extra convert is not installed")
    named = {"TINY": str(tiny_bundle.path), "LONGITUDINAL": str(longitudinal_bundle.path)}
    with pytest.raises(SonoEdgeError, match=told) as caught:
        asked("--data", data, *(named.get(word, word) for word in words))
    assert "\n" not in str(caught.value)
