"""How fine the steps of the INT8 answer may be: no finer than what different kernels agree on.

Two interpreters that break rounding ties differently differ in a thousandth of the first layer's elements; by the last
layer of a deep network that has become some steps of the answer, and no quantizer avoids it. A step finer than that
says nothing of the picture, only of the kernels. So where the kernels lie N steps apart at the calibrated range of the
answer, the range is made N times as wide: the same distance is then about one step. If it is not, once more.
"""

from __future__ import annotations

from convert.quantizing.ranges import Ranges
from edge.golden import MAX_LSB
from edge.tflite_file import read_tflite

WIDEST = 4
"""Beyond that the answer has fewer than 64 levels: then its network is at fault, and the kernels are let differ."""

_PASSED_ON = ("DEPTH_TO_SPACE", "RESHAPE", "SQUEEZE", "TRANSPOSE")  # the result has the scale of the source


def next_widening(widening: int, apart_lsb: int) -> int | None:
    """How many times as wide to try next, after kernels lay `apart_lsb` steps apart at `widening`; None = as it is."""
    wider = widening + apart_lsb - MAX_LSB
    return wider if widening < wider <= WIDEST else None


def widened(float_tflite: bytes, ranges: Ranges, widening: int) -> Ranges:
    """The ranges, with that of the model's answer so many times as wide about 0."""
    file = read_tflite(float_tflite)
    answer = {file.outputs[0].name}
    for step in reversed(file.steps):
        if step.operator in _PASSED_ON and file.tensors[step.outputs[0]].name in answer:
            answer.add(file.tensors[step.inputs[0]].name)
    return {
        name: (low * widening, high * widening) if name in answer else (low, high)
        for name, (low, high) in ranges.items()
    }
