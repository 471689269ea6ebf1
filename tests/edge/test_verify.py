"""Verify says yes to a sound bundle and, of an unsound one, exactly what is wrong."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from edge import inspect_bundle
from edge.bundle import Bundle
from edge.errors import BundleError, UsageError
from edge.manifest import InputSpec
from edge.verify import as_json, as_text, verify
from tests import tiny_tflite
from tests.conftest import GRADE, SECOND, SEGMENT, SEGMENT_SPEC, entry
from tests.golden_bundle import with_golden
from tests.tiny_tflite import Graph, Tensor, tflite

MODEL_CHECKS = {
    *("sha256", "input INT8", "output INT8", "input shape", "output shape", "input zero point", "input scale"),
    *("integer tensors", "runs here", "deterministic"),
}


def failures(verification):
    """(check, file) of all that failed."""
    assert verification.passed == all(check.passed for check in verification.checks)
    return {(check.name, check.model) for check in verification.checks if not check.passed}


def test_a_sound_bundle_passes_every_check_of_every_file(tiny_bundle):
    verification = verify(tiny_bundle)
    assert verification.passed
    assert failures(verification) == set()
    done = {model: {c.name for c in verification.checks if c.model == model} for model in tiny_bundle.manifest.files}
    assert done == {SEGMENT: MODEL_CHECKS, GRADE: MODEL_CHECKS, SECOND: MODEL_CHECKS, "model_card.md": {"sha256"}}
    assert [facts.file for facts in verification.models] == [SEGMENT, GRADE, SECOND]
    assert verification.models[0].operators == {"CONV_2D": 1}
    assert verification.models[0].tensors == {"int32": 1, "int8": 3}
    assert verification.models[0].size == tiny_bundle.manifest.files[SEGMENT].size


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (tiny_tflite.segmenter(192, scale=0.00389), {"input scale"}),
        (tiny_tflite.segmenter(192, zero_point=-127), {"input zero point", "runs here"}),
        (tiny_tflite.segmenter(96), {"input shape", "output shape"}),
        (tiny_tflite.segmenter(192, through_float=True), {"integer tensors"}),
        (tiny_tflite.segmenter(192, outputs=2), {"output INT8", "runs here"}),
        (tiny_tflite.grader(192), {"output shape"}),
        (tflite(Graph([Tensor((1, 192, 192, 1), tiny_tflite.FLOAT32)] * 2, [(114, [0], [1], 0, {})], [1])), None),
        (b"TFL3" + bytes(400), {"TFLite file"}),
        (b"no model at all", {"TFLite file"}),
    ],
    ids=["scale", "zero point", "size", "float tensor", "two outputs", "a grader", "float", "damaged", "text"],
)
def test_tells_what_is_wrong_with_a_model(make_bundle, model, wrong):
    found = failures(verify(make_bundle(files={SEGMENT: model})))
    assert {file for _, file in found} == {SEGMENT}
    if wrong is not None:
        assert {name for name, _ in found} == wrong
    else:
        assert {"input INT8", "output INT8", "input scale", "integer tensors", "runs here"} <= {n for n, _ in found}


def test_a_scale_is_right_to_float32_and_no_further(make_bundle):
    one_ulp = float(np.nextafter(np.float32(1 / 255), np.float32(1)))
    assert verify(make_bundle(files={SEGMENT: tiny_tflite.segmenter(192, scale=1 / 255)})).passed
    assert not verify(make_bundle(files={SEGMENT: tiny_tflite.segmenter(192, scale=one_ulp)})).passed


def test_float_tensors_that_the_recipe_names_are_allowed_and_no_others(make_bundle):
    files = {SEGMENT: tiny_tflite.segmenter(192, through_float=True)}
    named = msgspec.structs.replace(entry(SEGMENT, SEGMENT_SPEC, ("nerve",)), non_integer_tensors=("tensor4",))
    assert verify(make_bundle(files=files, segmenter=named)).passed
    assert failures(verify(make_bundle(segmenter=named))) == {("integer tensors", SEGMENT)}


def test_another_float_range_needs_another_scale(make_bundle):
    spec = InputSpec(height=192, width=192, mm_per_px=0.2, float_low=-1.0, float_high=1.0)
    segmenter = entry(SEGMENT, spec, ("nerve",))
    assert failures(verify(make_bundle(segmenter=segmenter))) == {("input scale", SEGMENT)}
    assert verify(make_bundle(files={SEGMENT: tiny_tflite.segmenter(192, scale=2 / 255)}, segmenter=segmenter)).passed


def test_changed_bytes_fail_by_their_sha256_and_are_not_run(damaged):
    bundle = damaged(b"# Tiny", b"# Tidy")
    assert failures(verify(bundle)) == {("sha256", "model_card.md")}
    bundle = damaged(b"TFL3", b"TFL4")
    verification = verify(bundle)
    assert len(failures(verification)) == 1
    ((name, model),) = failures(verification)
    assert name == "sha256"
    assert {check.name for check in verification.checks if check.model == model} == {"sha256"}


NOISY = """
from edge.interpreter import open_model

class Noisy:
    def __init__(self, model):
        self.model, self.answers = model, 0

    def __getattr__(self, name):
        return getattr(self.model, name)

    def output(self, out=None):
        self.answers += 1
        return self.model.output(out) ^ self.answers

def open_noisy(model, threads):
    return Noisy(open_model(model, threads=threads))
"""


def test_a_third_partys_interpreter_whose_answers_vary_is_found_out(tiny_bundle, tmp_path, monkeypatch):
    info = tmp_path / "noisy_interpreter-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy-interpreter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sonoedge.interpreters]\nnoisy = noisy_interpreter:open_noisy\n")
    (tmp_path / "noisy_interpreter.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    assert failures(verify(tiny_bundle, "noisy")) == {("deterministic", file) for file in (SEGMENT, GRADE, SECOND)}


def test_an_interpreter_that_nobody_has_is_bad_use(tiny_bundle):
    with pytest.raises(UsageError, match="no interpreter is called 'abacus'"):
        verify(tiny_bundle, "abacus")


def test_text_and_json_say_the_same(tiny_bundle, make_bundle):
    sound, unsound = verify(tiny_bundle), verify(make_bundle(files={SEGMENT: tiny_tflite.segmenter(96)}))
    assert as_text(sound).splitlines()[-1].endswith("whole, all-integer as its recipes say, and runs here")
    assert "FAIL" not in as_text(sound)
    assert as_text(unsound).count("FAIL") == 2
    assert as_text(unsound).splitlines()[-1].endswith("2 checks failed")
    assert json.loads(as_json(unsound))["passed"] is False
    assert len(json.loads(as_json(sound))["checks"]) == len(sound.checks)


class TestGoldenVectors:
    GOLDEN = "golden/segment.npy"

    def test_are_replayed_for_every_model(self, tiny_bundle, tmp_path):
        verification = verify(with_golden(tiny_bundle, tmp_path / "golden.sonobundle"))
        assert verification.passed
        found = {check.model: check.detail for check in verification.checks if check.name == "golden vectors"}
        assert set(found) == {SEGMENT, GRADE, SECOND}
        assert all("4 pictures: 0 LSB apart at most" in detail for detail in found.values())
        assert [facts.golden for facts in verification.models] == [
            *(self.GOLDEN, "golden/brightness.npy", "golden/darkness.npy")
        ]
        assert "none" not in as_text(verification).splitlines()[-2]

    def test_a_bundle_without_any_is_said_to_have_none(self, tiny_bundle):
        verification = verify(tiny_bundle)
        assert verification.passed and "golden vectors" not in {check.name for check in verification.checks}
        assert as_text(verification).count("golden vectors: none") == 3

    def test_tell_a_model_that_answers_otherwise(self, tiny_bundle, tmp_path):
        other = {SEGMENT: tiny_tflite.segmenter(192, 142)}  # two grey levels, two steps
        verification = verify(with_golden(tiny_bundle, tmp_path / "other.sonobundle", other))
        assert failures(verification) == {("golden vectors", SEGMENT)}
        assert "2 LSB apart at most" in next(c.detail for c in verification.checks if not c.passed)

    @pytest.mark.parametrize("data", [b"", b"no vectors", b"\x93NUMPY\x01\x00"])
    def test_that_are_none_fail_in_one_line(self, tiny_bundle, tmp_path, data):
        verification = verify(with_golden(tiny_bundle, tmp_path / "broken.sonobundle", {self.GOLDEN: data}))
        assert failures(verification) == {("golden vectors", SEGMENT)}
        (line,) = [line for line in as_text(verification).splitlines() if line.startswith("FAIL")]
        assert f"{self.GOLDEN}: not whole golden vectors" in line

    def test_a_model_of_another_shape_is_told_by_both(self, tiny_bundle, tmp_path):
        other = {GRADE: tiny_tflite.grader(75, (1.0, 2.0, 3.0, 4.0))}
        verification = verify(with_golden(tiny_bundle, tmp_path / "other.sonobundle", other))
        assert failures(verification) == {("golden vectors", GRADE), ("output shape", GRADE)}

    def test_changed_on_the_way_fail_by_their_sha256_and_are_not_replayed(self, tiny_bundle, tmp_path):
        whole = with_golden(tiny_bundle, tmp_path / "whole.sonobundle")
        data = bytearray(whole.path.read_bytes())
        data[data.index(whole.read(self.GOLDEN)) + 5000] ^= 1
        (tmp_path / "changed.sonobundle").write_bytes(data)
        verification = verify(Bundle.open(tmp_path / "changed.sonobundle"))
        assert failures(verification) == {("sha256", self.GOLDEN)}
        assert ("golden vectors", SEGMENT) not in {(check.name, check.model) for check in verification.checks}

    def test_that_the_manifest_names_must_be_in_the_bundle(self, make_bundle):
        named = msgspec.structs.replace(entry(SEGMENT, SEGMENT_SPEC, ("nerve",)), golden=self.GOLDEN)
        with pytest.raises(BundleError, match=self.GOLDEN):
            make_bundle(segmenter=named)
        with pytest.raises(ValueError, match="no name for a file in a bundle"):
            msgspec.structs.replace(named, golden="../golden.npy")


class TestInspect:
    def test_text_names_what_is_inside(self, tiny_bundle):
        text = inspect_bundle.as_text(tiny_bundle)
        for said in (
            *("tiny: transverse, format 1", tiny_bundle.digest, "tests", "labelled", "Apache-2.0", "made up"),
            *("192 x 192 px grey at 0.2 mm", "grader brightness (default)", "grader darkness\n", "recipe by hand"),
            *("0" * 64, "max_nerve_mm2", "unscaled_crop_share", "model_card.md", SEGMENT, "zero point -128"),
        ):
            assert said in text

    def test_json_is_the_whole_manifest(self, tiny_bundle):
        said = json.loads(inspect_bundle.as_json(tiny_bundle))
        assert said["digest"] == tiny_bundle.digest
        assert said["size"] == tiny_bundle.path.stat().st_size
        assert msgspec.convert(said["manifest"], type(tiny_bundle.manifest)) == tiny_bundle.manifest

    def test_a_segmenter_alone_and_a_grader_alone(self, measuring_bundle, make_bundle):
        assert "graders: none" in inspect_bundle.as_text(measuring_bundle)
        assert "segmenter: none" in inspect_bundle.as_text(make_bundle(segmenter=None))

    def test_reads_no_model(self, damaged):
        bundle = damaged(b"TFL3", b"TFL4")
        assert SEGMENT in inspect_bundle.as_text(bundle)
        with pytest.raises(BundleError):
            Bundle.verify_files(bundle)
