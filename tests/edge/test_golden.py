"""Golden vectors: the file is read back or refused in one line, and a replay tells every difference that matters."""

from __future__ import annotations

import io
from functools import partial

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import BundleError
from edge.golden import MAX_CHANGED_SHARE, GoldenVectors, Replay, answer, decode_golden, encode_golden, replay
from edge.interpreter import open_model
from edge.manifest import InputSpec, ModelEntry
from tests.conftest import entry
from tests.tiny_tflite import grader, segmenter

SIZE = 16
SPEC = InputSpec(height=SIZE, width=SIZE, mm_per_px=0.2)
SEGMENT = msgspec.structs.replace(entry("segment.tflite", SPEC, ("nerve",)), golden="golden/segment.npy")
GRADE = msgspec.structs.replace(entry("grade.tflite", SPEC, ("mild", "moderate", "severe")), golden="golden/grade.npy")
CLASSIFY = msgspec.structs.replace(GRADE, task="classify", logits=("parrot", "cat", "dog"))
open_segmenter = partial(open_model, segmenter(SIZE))
open_grader = partial(open_model, grader(SIZE, (50.0, 55.0, 60.0)))


def flat(*levels: int) -> np.ndarray:
    """A picture of each grey level."""
    return np.stack([np.full((SIZE, SIZE), level, np.uint8) for level in levels])


def vectors(model, inputs: np.ndarray) -> GoldenVectors:
    return GoldenVectors(inputs, np.stack([answer(model, picture)[0] for picture in inputs]))


def replayed(made: ModelEntry, model, inputs: np.ndarray, change) -> Replay:
    """The replay of golden answers that `change` has been applied to."""
    golden = vectors(model, inputs)
    outputs = golden.outputs.astype(int)
    change(outputs)
    return replay(GoldenVectors(inputs, outputs.astype(np.int8)), model, made.task, made.temperature)


class TestFile:
    @given(count=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
    def test_what_is_written_is_read(self, count: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        written = GoldenVectors(
            rng.integers(0, 256, (count, SIZE, SIZE), np.uint8), rng.integers(-128, 128, (count, 3), np.int8)
        )
        data = encode_golden(written)
        read = decode_golden(data, GRADE, open_grader())
        assert np.array_equal(read.inputs, written.inputs) and np.array_equal(read.outputs, written.outputs)
        assert encode_golden(read) == data
        assert np.array_equal(np.load(io.BytesIO(data), allow_pickle=False)["output"], written.outputs)

    @given(data=st.data())
    def test_damage_is_refused_in_one_line_or_leaves_whole_vectors(self, data: st.DataObject) -> None:
        model = open_grader()
        whole = bytearray(encode_golden(vectors(model, flat(1, 2))))
        header = len(whole) - 2 * (SIZE * SIZE + 3)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, header + 2))
            whole[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
        self.refused_or_whole(bytes(whole), model)

    @pytest.mark.parametrize(
        "data", [b"", b"no vectors", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{" + bytes(300), b"PK\3\4"]
    )
    def test_another_file_is_refused(self, data: bytes) -> None:
        with pytest.raises(BundleError, match=r"golden/grade\.npy: not whole golden vectors of grade\.tflite"):
            decode_golden(data, GRADE, open_grader())

    def test_a_pickle_is_not_opened(self) -> None:
        stream = io.BytesIO()
        np.save(stream, np.array([{}], object), allow_pickle=True)
        with pytest.raises(BundleError, match="not whole golden vectors"):
            decode_golden(stream.getvalue(), GRADE, open_grader())

    def test_vectors_of_another_model_are_refused(self) -> None:
        data = encode_golden(vectors(open_segmenter(), flat(1, 2)))
        with pytest.raises(BundleError, match="not whole golden vectors"):
            decode_golden(data, GRADE, open_grader())
        with pytest.raises(BundleError, match="output shape"):
            decode_golden(data, SEGMENT, open_grader())

    @pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0"])
    def test_missing_or_surplus_bytes_are_refused(self, change) -> None:
        with pytest.raises(BundleError, match="not whole golden vectors"):
            decode_golden(change(encode_golden(vectors(open_grader(), flat(1, 2)))), GRADE, open_grader())

    def refused_or_whole(self, data: bytes, model) -> None:
        try:
            read = decode_golden(data, GRADE, model)
        except BundleError as error:
            assert "\n" not in str(error) and str(error).startswith("golden/grade.npy: ")
        else:
            assert read.inputs.shape[1:] == (SIZE, SIZE) and read.outputs.shape == (len(read.inputs), 3)


class TestReplay:
    @pytest.mark.parametrize(("made", "opener"), [(SEGMENT, open_segmenter), (GRADE, open_grader)])
    def test_the_same_interpreter_repeats_itself(self, made: ModelEntry, opener) -> None:
        found = replayed(made, opener(), flat(0, 70, 139, 255), lambda outputs: None)
        assert found == Replay(pictures=4, max_lsb=0, mean_lsb=0.0, changed_share=0.0, changed_decisions=0)
        assert found.same

    def test_differences_are_counted_in_steps_without_overflow(self) -> None:
        def whole_range(outputs: np.ndarray) -> None:
            outputs[0] = -128

        bright = replayed(SEGMENT, open_segmenter(), flat(255, 255), whole_range)
        assert bright.max_lsb == 128 + 115  # 40 * 115 / 255 logits at 40 / 255 a step
        assert bright.mean_lsb == bright.max_lsb / 2
        assert bright.changed_share == 1.0 and bright.changed_decisions == 1 and not bright.same

    @pytest.mark.parametrize(("step", "same"), [(1, True), (-1, True), (2, False), (-2, False)])
    def test_one_step_is_rounding_and_two_are_not(self, step: int, same: bool) -> None:
        def shift(outputs: np.ndarray) -> None:
            outputs[1] += step

        # Far from a threshold: the decision stays.
        for made, model, inputs in ((SEGMENT, open_segmenter(), flat(0, 90)), (GRADE, open_grader(), flat(0, 52))):
            found = replayed(made, model, inputs, shift)
            assert (found.max_lsb, found.changed_decisions, found.same) == (2 - same, 0, same)

    def test_one_step_that_changes_the_grade_is_told(self) -> None:
        model = open_grader()
        inputs = flat(40, 50)  # 50 is the cut of the first logit: the two grades are as likely

        def shift(outputs: np.ndarray) -> None:
            outputs[1, 0] += 1

        found = replayed(GRADE, model, inputs, shift)
        assert (found.max_lsb, found.changed_share, found.changed_decisions) == (1, 1.0, 1) and not found.same

    def test_the_temperature_of_the_entry_is_used(self) -> None:
        def shift(outputs: np.ndarray) -> None:
            outputs[:, 0] -= 30  # the first logit from 1.3 to -1.7

        hot = msgspec.structs.replace(GRADE, temperature=50.0)  # normal before and after
        assert replayed(GRADE, open_grader(), flat(52), shift).changed_decisions == 1
        assert replayed(hot, open_grader(), flat(52), shift).changed_decisions == 0

    def test_one_step_that_changes_the_class_is_told(self) -> None:
        model = open_model(grader(SIZE, (50.0, 50.0, 60.0)))  # the first two classes are as likely

        def shift(outputs: np.ndarray) -> None:
            outputs[1, 1] += 1

        found = replayed(CLASSIFY, model, flat(0, 52), shift)
        assert (found.max_lsb, found.changed_share, found.changed_decisions, found.same) == (1, 1.0, 1, False)

    @pytest.mark.parametrize(("pixels", "changed"), [(0, 0), (3, 0), (4, 1)])
    def test_a_segmenter_decides_otherwise_when_many_pixels_change_sides(self, pixels: int, changed: int) -> None:
        size = 128
        spec = InputSpec(height=size, width=size, mm_per_px=0.2)
        model = open_model(segmenter(size))
        inputs = np.full((2, size, size), 140, np.uint8)  # the level itself: the last that is no nerve

        def over(outputs: np.ndarray) -> None:
            outputs[1, 0, :pixels] += 1

        found = replayed(entry("segment.tflite", spec, ("nerve",)), model, inputs, over)
        assert found.changed_share == pixels / size**2 and found.max_lsb == min(pixels, 1)
        assert (found.changed_decisions, found.same) == (changed, not changed)
        assert 3 / size**2 < MAX_CHANGED_SHARE < 4 / size**2

    def test_the_threshold_of_the_bundle_is_used(self) -> None:
        model, inputs = open_segmenter(), flat(140)
        golden = vectors(model, inputs)
        over = GoldenVectors(inputs, golden.outputs + np.int8(1))
        assert replay(over, model, "segment", nerve_probability=0.5).changed_share == 1.0
        assert replay(over, model, "segment", nerve_probability=0.9).changed_share == 0.0
