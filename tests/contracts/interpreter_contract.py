"""What every interpreter behind `edge.interpreter.open_model` must do; subclass it and name the backend.

The model of the contract is `ramp_int8.tflite`: (1, 8, 32, 1) in and out, logit = 2 * pixel / 255 - 0.5.
`tests/convert/quantizing/test_quantize.py` holds the network that it is made from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InterpreterError, UsageError
from edge.interpreter import Model, open_model
from tests import tiny_tflite

GOLDEN = Path(__file__).parents[1] / "golden"
RAMP = (GOLDEN / "ramp_int8.tflite").read_bytes()
RAMP_FLOAT = (GOLDEN / "ramp_float.tflite").read_bytes()
ALL_GREYS = np.arange(256, dtype=np.uint8).reshape(8, 32)


class InterpreterContract:
    backend: str

    @pytest.fixture
    def model(self) -> Model:
        return open_model(RAMP, backend=self.backend)

    def logits(self, model: Model, picture: np.ndarray) -> np.ndarray:
        model.write_input(picture)
        model.invoke()
        scale, zero_point = model.output_quantization
        return (model.output()[0, :, :, 0].astype(np.float64) - zero_point) * scale

    def test_says_what_it_is(self, model: Model) -> None:
        assert model.backend == self.backend
        assert model.runtime_version[0].isdigit()
        assert model.input_shape == model.output_shape == (1, 8, 32, 1)
        assert model.input_quantization == (float(np.float32(1 / 255)), -128)

    @pytest.mark.parametrize("threads", [1, 2])
    def test_every_grey_level_gives_its_logit(self, threads: int) -> None:
        model = open_model(RAMP, threads=threads, backend=self.backend)
        one_lsb = model.output_quantization[0]
        for picture in (ALL_GREYS, ALL_GREYS[::-1, ::-1]):  # the second is a view with negative strides
            expected = 2 * (picture / 255) - 0.5
            assert np.abs(self.logits(model, picture) - expected).max() <= one_lsb

    def test_output_is_the_callers_own(self, model: Model) -> None:
        self.logits(model, ALL_GREYS)
        first = model.output()
        kept = first.copy()
        self.logits(model, 255 - ALL_GREYS)
        assert np.array_equal(first, kept)
        assert not np.array_equal(model.output(), kept)

    def test_output_can_be_written_where_the_caller_says(self, model: Model) -> None:
        self.logits(model, ALL_GREYS)
        place = np.zeros(model.output_shape, np.int8)
        assert model.output(out=place) is place
        assert np.array_equal(place, model.output())

    def test_a_colour_model_takes_red_green_and_blue_in_this_order(self) -> None:
        model = open_model(tiny_tflite.classifier(8), backend=self.backend)
        assert model.input_shape == (1, 8, 8, 3)
        wide = np.full((16, 8, 3), 7, np.uint8)
        wide[::2] = (255, 128, 0)
        model.write_input(wide[::2])  # a view with gaps
        model.invoke()
        scale, zero_point = model.output_quantization
        answer = (model.output()[0].astype(np.float64) - zero_point) * scale
        assert np.abs(answer - np.array([255, 128, 0]) / 255).max() <= scale

    @pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 4), (3, 8, 8), (1, 8, 8, 3)])
    def test_a_colour_model_refuses_other_pictures(self, shape: tuple[int, ...]) -> None:
        model = open_model(tiny_tflite.classifier(8), backend=self.backend)
        with pytest.raises(InterpreterError, match=r"takes \(8, 8, 3\) uint8"):
            model.write_input(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize(
        "picture",
        [
            np.zeros((32, 8), np.uint8),
            np.zeros((1, 32), np.uint8),  # would broadcast
            np.zeros((8, 32, 3), np.uint8),
            np.zeros((8, 32), np.float32),
        ],
        ids=["turned", "one row", "colour", "float"],
    )
    def test_refuses_a_picture_that_does_not_fit(self, model: Model, picture: np.ndarray) -> None:
        with pytest.raises(InterpreterError, match=r"takes \(8, 32\) uint8"):
            model.write_input(picture)

    def test_refuses_a_float_model(self) -> None:
        with pytest.raises(InterpreterError, match="float32, not int8"):
            open_model(RAMP_FLOAT, backend=self.backend)

    @pytest.mark.parametrize("length", [0, 7, 8, 40, 500, len(RAMP) - 200])
    def test_refuses_a_file_cut_short(self, length: int) -> None:
        with pytest.raises(InterpreterError, match=r"^[^\n]+$"):
            open_model(RAMP[:length], backend=self.backend)

    def test_refuses_no_threads(self) -> None:
        with pytest.raises(UsageError, match="1 or more"):
            open_model(RAMP, threads=0, backend=self.backend)
