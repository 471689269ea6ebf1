"""How far an INT8 file's answer depends on the kernels that run it, seen on one machine.

LiteRT's own INT8 kernels, without XNNPACK, answer bit for bit as tflite-runtime 2.14 does (three graders; of the
scale-attentional U-Net's 283 operators all but one, by 1 LSB), so that the two interpreters can be held against each
other where only one is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from convert.quantizing.parity import Decision, decide
from edge.errors import InterpreterError
from edge.frame import Pixels
from edge.interpreter import Model, RawOutput, TFLiteModel, open_model
from edge.quiet import quiet_stderr

PICTURES = 16  # the plain kernels are 6 to 9 times slower: so many pictures, spread over the set
MAX_LSB = 1  # the largest spread that counts as the same answer


@dataclass(frozen=True)
class KernelSpread:
    """One file's answers with XNNPACK against those with LiteRT's plain kernels."""

    pictures: int
    max_lsb: int  # largest difference of an output, in its steps
    changed_decisions: float  # share of the decisions that differ, 0..1

    @property
    def same(self) -> bool:
        """At most one step apart, and nothing decided otherwise."""
        return self.max_lsb <= MAX_LSB and self.changed_decisions == 0.0


def kernel_spread(int8: bytes, pictures: Sequence[Pixels], decision: Decision = "sign") -> KernelSpread:
    """Run the file with both sets of kernels on up to 16 of the pictures.

    Raises:
        InterpreterError: one of them cannot run it.
    """
    models = open_model(int8, backend="litert"), _with_plain_kernels(int8)
    chosen = [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, PICTURES).astype(int))]
    scale, zero_point = models[0].output_quantization
    largest, changed, decisions = 0, 0, 0
    for picture in chosen:
        fast, plain = (_answer(model, picture).astype(np.int32) - zero_point for model in models)
        largest = max(largest, int(np.abs(fast - plain).max()))
        differ = decide(fast * np.float32(scale), decision) != decide(plain * np.float32(scale), decision)
        changed += int(np.count_nonzero(differ))
        decisions += differ.size
    return KernelSpread(len(chosen), largest, changed / decisions)


def _answer(model: Model, picture: Pixels) -> RawOutput:
    model.write_input(picture)
    model.invoke()
    return model.output()


def _with_plain_kernels(int8: bytes) -> Model:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with quiet_stderr():
            interpreter = Interpreter(model_content=int8, num_threads=1, experimental_op_resolver_type=plain)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise InterpreterError(
            f"LiteRT's plain kernels cannot load the model: {' '.join(str(error).split())}"
        ) from error
    return TFLiteModel(interpreter, backend="litert, plain kernels", runtime_version=metadata.version("ai-edge-litert"))
