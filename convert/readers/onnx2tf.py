"""Runs the program onnx2tf, which has an environment of its own: an ONNX file in, a float TFLite file out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from convert.errors import ModelError
from convert.readers.graph_edit import custom_operators
from convert.readers.onnx_model import INPUT, OnnxModel
from edge.progress import counter

EXECUTABLE_VARIABLE = "SONOEDGE_ONNX2TF"
ENVIRONMENT = ".venv-onnx2tf"
TIME_LIMIT_S = 600.0
TICK_S = 0.5

_ERROR_LINE = re.compile(r"(?:ERROR:|[A-Za-z]*(?:Error|Exception):) *(.+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class _Done(NamedTuple):
    """How a program ended, and all that it printed."""

    status: int
    output: str


def find_onnx2tf() -> Path:
    """The executable: the one that SONOEDGE_ONNX2TF names, else that of `make onnx2tf`, beside pyproject.toml or here.

    Raises:
        ModelError: there is none.
    """
    if named := os.environ.get(EXECUTABLE_VARIABLE):
        if not Path(named).is_file():
            raise ModelError(f"{EXECUTABLE_VARIABLE}={named}: no such file: name the executable onnx2tf")
        return Path(named).absolute()
    for folder in (Path(__file__).parents[2], Path.cwd()):
        if (found := folder / ENVIRONMENT / "bin" / "onnx2tf").is_file():
            return found
    raise ModelError(
        "ONNX models need the program onnx2tf: run `make onnx2tf`, here or where the project lies, "
        f"or name it in {EXECUTABLE_VARIABLE}"
    )


def onnx2tf_version(executable: Path) -> str:
    """Such as "2.6.9".

    Raises:
        ModelError: it does not run.
    """
    done = _run(executable, "--version")
    if done.status or not done.output.strip():
        raise ModelError(f"{executable}: does not run ({_reason(done)}): run `make onnx2tf` again")
    return done.output.split()[-1]


def run_onnx2tf(model: OnnxModel, executable: Path) -> bytes:
    """The float TFLite file of a checked model: the same input, output and operators, by onnx2tf.

    Raises:
        ModelError: onnx2tf cannot convert it, or takes longer than `TIME_LIMIT_S`.
    """
    with tempfile.TemporaryDirectory(prefix="sonoedge-onnx2tf-") as folder:
        source, results = Path(folder) / "model.onnx", Path(folder) / "tflite"
        source.write_bytes(model.proto.SerializeToString())
        # The input is (1, H, W, C) already: kept as it is, not taken for (1, C, H, W).
        done = _run(
            executable, "-i", str(source), "-o", str(results), "--keep_shape_absolutely_input_names", INPUT, "-n"
        )
        made = results / "model_float32.tflite"
        if not made.is_file():
            raise ModelError(f"onnx2tf cannot convert it ({_reason(done)}): export the model without that")
        tflite = made.read_bytes()
    if unsupported := custom_operators(tflite):
        known = {operator.upper(): operator for operator in model.operators}
        names = [known.get(name.removeprefix("ONNX_"), name) for name in unsupported]
        raise ModelError(f"TFLite has no operator for {', '.join(names)}: export the model without it")
    return tflite


def _run(executable: Path, *arguments: str) -> _Done:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # onnx2tf calls the onnxsim beside it by name.
    environment["PATH"] = f"{executable.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    try:
        program = subprocess.Popen(  # noqa: S603  the program that the user installed, on our own temporary file
            [str(executable), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ModelError(f"{executable}: cannot be run ({error.strerror}): run `make onnx2tf` again") from error
    with program:
        try:
            output = _awaited(program)
        finally:
            if program.poll() is None:  # too long, or interrupted: end it with the programs that it started itself
                os.killpg(program.pid, signal.SIGKILL)
    return _Done(program.returncode, output)


def _awaited(program: subprocess.Popen[str]) -> str:
    """All that it prints until its end; meanwhile the time it takes is shown, as it does not tell how far it is."""
    latest = time.monotonic() + TIME_LIMIT_S
    with counter("onnx2tf", bar_format="{desc}: {elapsed}") as clock:
        while time.monotonic() < latest:
            with suppress(subprocess.TimeoutExpired):
                return program.communicate(timeout=TICK_S)[0]
            clock.update()
    raise ModelError(f"onnx2tf was still at work after {TIME_LIMIT_S:g} s: export a smaller model")


def _reason(done: _Done) -> str:
    """The last line that tells of an error, else how it ended."""
    lines = _COLOUR.sub("", done.output).replace("\r", "\n").splitlines()
    told = [match[1].strip() for line in lines if (match := _ERROR_LINE.search(line)) and match[1].strip()]
    return told[-1][:200] if told else f"it ended with status {done.status}"
