"""`sonoedge convert` refuses: what is broken with one line and status 2, unfit frames by the rule's name and status 1.

Nothing is left behind, and an earlier bundle of the same name stays as it was.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the extra convert is not installed")

from onnx import ModelProto, helper  # noqa: E402

from convert.readers.onnx2tf import find_onnx2tf  # noqa: E402
from edge.bundle import Bundle  # noqa: E402
from edge.cli import ANSWER_IS_NO, BAD_USE, DONE  # noqa: E402
from tests.contracts.interpreter_contract import RAMP, RAMP_FLOAT  # noqa: E402
from tests.convert import calibration_frames as frames  # noqa: E402
from tests.convert import onnx_networks as networks  # noqa: E402
from tests.convert.commands.conftest import Done, Sonoedge  # noqa: E402

Made = Callable[[Path], Path]  # writes a model into a folder

SEGMENT = ("--task", "segment", "--mm-per-px", "1")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames enough for the gate, each of another subject."""
    return frames.write(tmp_path_factory.mktemp("frames") / "good", table=frames.rows(40))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A model that converts: a float .tflite."""
    return containing(RAMP_FLOAT, "m.tflite")(tmp_path)


def containing(data: bytes, name: str) -> Made:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return write


def onnx(proto: Callable[[], ModelProto]) -> Made:
    return lambda folder: networks.written(proto(), folder / "m.onnx")


def cut(make: Made) -> Made:
    """The first half of a file."""

    def write(folder: Path) -> Path:
        path = make(folder)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        return path

    return write


def spoilt(make: Made) -> Made:
    """A file as long as before, some bytes in its middle turned round."""

    def write(folder: Path) -> Path:
        path = make(folder)
        whole = path.read_bytes()
        middle = len(whole) // 2
        turned = bytes(255 - byte for byte in whole[middle : middle + 64])
        path.write_bytes(whole[:middle] + turned + whole[middle + 64 :])
        return path

    return write


def without_weights(folder: Path) -> Path:
    path = networks.external(folder)
    (folder / "weights.bin").unlink()
    return path


def keras_file(folder: Path, channels: int = 1) -> Path:
    picture = keras.Input((16, 16, channels))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(picture))
    path = folder / "m.keras"
    keras.Model(picture, keras.layers.Dense(3)(features)).save(path)
    return path


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(done: Done) -> str:
    """The one line of a command that could not go on."""
    assert (done.status, done.out) == (BAD_USE, "")
    *bars, last = done.err.split("\r")  # a progress bar that was wiped again
    assert "\n" not in "".join(bars)
    (line,) = last.splitlines()
    assert line.startswith("sonoedge: ")
    return line.removeprefix("sonoedge: ")


@pytest.mark.parametrize(
    ("make", "told", "mend"),
    [
        (containing(b"\x89PNG\r\n\x1a\n", "m.onnx"), "not an ONNX model", "export it again"),
        (cut(onnx(networks.classifier)), "not an ONNX model, or cut short", "export it again"),
        (cut(keras_file), "not a whole .keras file", "write it with model.save()"),
        (spoilt(keras_file), "not a whole .keras file", "write it with model.save()"),
        (cut(containing(RAMP_FLOAT, "m.tflite")), "not a whole TFLite model", "copy"),
        (onnx(lambda: networks.one("Gloss", domain="com.acme")), "operator Gloss of com.acme", "without it"),
        (without_weights, "external data weights.bin is missing", "copy it beside the model"),
        (onnx(networks.two_inputs), "2 inputs (x, second), not one", "export the model with the one to deploy"),
        (onnx(lambda: networks.taking(1, 1, 0, 16)), "a zero-size dimension in its input x", "export it again"),
        (onnx(networks.float16), "a float16 model", "export it in float32"),
        (onnx(networks.quantized), "already quantized (QuantizeLinear)", "give the float model"),
        (containing(RAMP, "m.tflite"), "already quantized", "give the float model"),
    ],
    ids=[
        *("not ONNX", "truncated ONNX", "truncated Keras", "damaged Keras", "truncated TFLite", "unsupported operator"),
        *(
            "external data missing",
            "two inputs",
            "zero-size dimension",
            "float16",
            "quantized ONNX",
            "quantized TFLite",
        ),
    ],
)
def test_a_broken_model_is_one_line(
    sonoedge: Sonoedge, good: Path, tmp_path: Path, make: Made, told: str, mend: str
) -> None:
    model = make(tmp_path)
    before = files(tmp_path)
    done = sonoedge("convert", model, *SEGMENT, "--calibration", good, "--out", tmp_path / "b.sonobundle")
    line = refusal(done)
    assert line.startswith(f"{model}: ") and told in line and line.index(mend) > line.index(told)
    assert files(tmp_path) == before


@pytest.mark.slow
def test_an_operator_that_tflite_lacks_is_one_line(sonoedge: Sonoedge, good: Path, tmp_path: Path) -> None:
    find_onnx2tf()
    determinant = networks.model([helper.make_node("Det", ["x"], ["y"])], (1, 3, 16, 16), (1, 3))
    model = networks.written(determinant, tmp_path / "m.onnx")
    done = sonoedge("convert", model, "--task", "classify", "--calibration", good, "--out", tmp_path / "b.sonobundle")
    line = refusal(done)
    assert line == f"{model}: TFLite has no operator for Det: export the model without it"
    assert list(files(tmp_path)) == [model]


@pytest.mark.parametrize("which", ["--calibration", "--gate"])
def test_labels_for_other_files_are_one_line(
    sonoedge: Sonoedge, good: Path, sound: Path, tmp_path: Path, which: str
) -> None:
    other = frames.write(tmp_path / "other", table=frames.rows(8))
    (other / "labels.csv").write_text("file,subject,grade,view\nwrist-1.png,P1,,transverse\n")
    folders = {"--calibration": good, "--gate": good} | {which: other}
    words = [word for pair in folders.items() for word in pair]
    line = refusal(sonoedge("convert", sound, *SEGMENT, *words, "--out", tmp_path / "b.sonobundle"))
    assert line == f"{other}/labels.csv:2: no file images/wrist-1.png: is this the table of another folder?"
    assert not list(tmp_path.glob("*.sonobundle"))


def test_masks_that_are_missing_are_one_line_before_the_work(sonoedge: Sonoedge, good: Path, tmp_path: Path) -> None:
    bare = frames.write(tmp_path / "bare", table=frames.rows(8), masks=False)
    nowhere = tmp_path / "nowhere.keras"  # it would be told, were the model read first
    words = ("--calibration", good, "--gate", bare, "--out", tmp_path / "b.sonobundle")
    line = refusal(sonoedge("convert", nowhere, *SEGMENT, *words))
    assert line.startswith(f"{bare}: none of its 8 frames has a mask: put masks/NAME beside each images/NAME")


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("absent/b.sonobundle", "make it first"),
        ("folder.sonobundle", "is a folder or a device: name a file"),
        ("file/b.sonobundle", "make it first"),
        ("/proc/self/b.sonobundle", "cannot be written"),  # it refuses root too
        ("n" * 300 + ".sonobundle", "File name too long"),
    ],
)
@pytest.mark.parametrize("option", ["--out", "--json", "--html"])
def test_what_cannot_be_written_is_one_line_before_the_work(
    sonoedge: Sonoedge, good: Path, tmp_path: Path, option: str, out: str, told: str
) -> None:
    (tmp_path / "folder.sonobundle").mkdir()
    (tmp_path / "file").write_bytes(b"")
    before = files(tmp_path)
    nowhere = tmp_path / "nowhere.keras"  # it would be told, were the model read first
    outputs = {"--out": tmp_path / "b.sonobundle"} | {option: tmp_path / out}
    words = [word for pair in outputs.items() for word in pair]
    line = refusal(sonoedge("convert", nowhere, *SEGMENT, "--calibration", good, *words))
    assert str(tmp_path / out) in line and told in line
    assert files(tmp_path) == before


def test_a_bundle_of_another_name_is_one_line_before_the_work(sonoedge: Sonoedge, good: Path, tmp_path: Path) -> None:
    words = ("--calibration", good, "--out", tmp_path / "b.zip")
    line = refusal(sonoedge("convert", tmp_path / "nowhere.keras", *SEGMENT, *words))
    assert line == f"--out {tmp_path}/b.zip: the name of a bundle ends in .sonobundle"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes: the system refuses, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_out_of_disk_is_one_line_and_the_old_bundle_stays(
    sonoedge: Sonoedge, good: Path, sound: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b.sonobundle"
    words = ("convert", sound, *SEGMENT, "--calibration", good, "--out", out)
    assert sonoedge(*words).status == DONE
    before = files(tmp_path)
    with largest_file(4096):
        line = refusal(sonoedge(*words))
    assert line == f"{out}: cannot be written: File too large: free or choose another place"
    assert files(tmp_path) == before
    Bundle.open(out).verify_files()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
def test_a_report_for_which_there_is_no_space_is_one_line(
    sonoedge: Sonoedge, good: Path, sound: Path, tmp_path: Path
) -> None:
    words = ("--calibration", good, "--out", tmp_path / "b.sonobundle", "--json", "/dev/full")
    line = refusal(sonoedge("convert", sound, *SEGMENT, *words))
    assert line == "/dev/full: cannot be written: No space left on device: free or choose another place"


@pytest.mark.parametrize(
    ("change", "rule", "told"),
    [
        (lambda p: p, "", ""),
        (lambda p: p / np.float32(255), "range", "the scale is 0..1, the device feeds 0..255"),
        (lambda p: p // 128, "range", "the scale is 0..1, the device feeds 0..255"),
        (lambda p: np.stack([p] * 3), "layout", "channel-first (3, 220, 320): transpose it"),
    ],
    ids=["as they should be", "wrong scale", "wrong scale in 8 bits", "wrong layout"],
)
def test_frames_in_the_wrong_form_are_stopped_by_name(
    sonoedge: Sonoedge, sound: Path, tmp_path: Path, change: Callable[[Any], Any], rule: str, told: str
) -> None:
    fed = frames.write(tmp_path / "fed", change, table=frames.rows(40), suffix=".npy")
    done = sonoedge("convert", sound, *SEGMENT, "--calibration", fed, "--out", tmp_path / "b.sonobundle")
    stopped_by(done, rule, told, tmp_path)


RED, BLUE = np.s_[..., ::1], np.s_[..., ::-1]


@pytest.mark.parametrize(("order", "rule"), [(RED, ""), (BLUE, "channel-order")], ids=["RGB", "BGR for RGB"])
def test_red_and_blue_swapped_are_stopped_by_name(sonoedge: Sonoedge, tmp_path: Path, order: Any, rule: str) -> None:
    def reddish(picture: Any) -> Any:
        return (picture[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.uint8)[order]

    fed = frames.write(tmp_path / "fed", reddish, table=frames.rows(40), suffix=".npy")
    feeding = ("--task", "classify", "--order", "rgb", "--white", "255", "--mean", "123,117,104")
    words = ("--calibration", fed, "--margin", "given_up=1", "--out", tmp_path / "b.sonobundle")
    done = sonoedge("convert", keras_file(tmp_path, channels=3), *feeding, *words)
    stopped_by(done, rule, "BGR for RGB", tmp_path)


def stopped_by(done: Done, rule: str, told: str, folder: Path) -> None:
    """The lint's `rule` stopped the conversion; none did where it is empty."""
    *findings, answer = done.out.splitlines()
    if not rule:
        assert (done.status, answer) == (DONE, "b.sonobundle: written")
        return
    assert (done.status, done.err) == (ANSWER_IS_NO, "")
    assert answer.startswith("no bundle: calibration lint: ") and rule in answer
    (finding,) = (line for line in findings if line.startswith(f"FAIL    {rule} "))
    assert any(told in line for line in findings), finding
    assert not list(folder.glob("*.sonobundle"))
