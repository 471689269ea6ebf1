"""How far an INT8 file's answer depends on the kernels that run it, seen on one machine.

LiteRT's own INT8 kernels, without XNNPACK, answer bit for bit as tflite-runtime 2.14 does (three graders; of the
scale-attentional U-Net's 283 operators all but one, by 1 LSB), so that the two interpreters can be held against each
other where only one is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import numpy as np

from edge.errors import InterpreterError
from edge.frame import Pixels
from edge.golden import GoldenVectors, Replay, answer, replay
from edge.interpreter import Model, TFLiteModel, open_model
from edge.manifest import Task
from edge.quiet import quiet_stderr

PICTURES = 32  # the plain kernels are 6 to 9 times slower: so many pictures, spread over the set


def kernel_spread(int8: bytes, pictures: Sequence[Pixels], task: Task = "segment") -> Replay:
    """LiteRT's plain kernels against XNNPACK's answers to up to 32 of the pictures, by the rule of golden vectors.

    Raises:
        InterpreterError: one of them cannot run it.
    """
    fast, plain = open_model(int8, backend="litert"), _with_plain_kernels(int8)
    chosen = np.stack([pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, PICTURES).astype(int))])
    answers = np.stack([answer(fast, picture)[0] for picture in chosen])
    return replay(GoldenVectors(chosen, answers), plain, task)


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
