"""`sonoedge convert` proves: what INT8 broke is stopped or mended, and named; what it kept gives a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the extra convert is not installed")

from convert.readers.onnx2tf import find_onnx2tf  # noqa: E402
from edge.bundle import Bundle  # noqa: E402
from edge.cli import ANSWER_IS_NO, DONE  # noqa: E402
from edge.frame import Pixels  # noqa: E402
from edge.interpreter import open_model  # noqa: E402
from tests.convert import calibration_frames as frames  # noqa: E402
from tests.convert import swish_network  # noqa: E402
from tests.convert.commands.conftest import Sonoedge  # noqa: E402
from tests.convert.outlier_network import OUTLIER_CHANNEL, OUTLIER_LAYER, u_net  # noqa: E402

PUBLIC_MODELS = Path(__file__).parents[4] / "shared" / "data" / "public_models"


def named(layer: str) -> str:
    """As its author called it: Keras numbers the layers of a model that is called again."""
    return layer.removesuffix("_1")


@pytest.mark.parametrize("factor", [30.0, 1000.0])
def test_a_layer_with_a_huge_channel_is_found_named_and_mended(
    sonoedge: Sonoedge, tmp_path: Path, factor: float
) -> None:
    model, report, page = (tmp_path / name for name in ("m.tflite", "r.json", "r.html"))
    model.write_bytes(u_net(factor))
    good = frames.write(tmp_path / "good", table=frames.rows(64))  # as many as a gate by agreement should have
    words = ("--calibration", good, "--json", report, "--html", page, "--out", tmp_path / "b.sonobundle")
    done = sonoedge("convert", model, "--task", "segment", "--mm-per-px", "2", *words)
    told = json.loads(report.read_text())
    found = {(named(each["layer"]), each["channel"], each["of"]) for each in told["outliers"]}
    assert found == {(OUTLIER_LAYER, OUTLIER_CHANNEL, "weights"), (OUTLIER_LAYER, OUTLIER_CHANNEL, "activation")}
    for of in ("weights", "activation"):
        (line,) = (line for line in done.out.splitlines() if f"channel {OUTLIER_CHANNEL} of its {of}" in line)
        assert line.startswith(f"outlier: layer {OUTLIER_LAYER}")
        assert f"channel {OUTLIER_CHANNEL} of its {of}" in page.read_text()
    assert done.status == DONE  # as the recipe leaves it, or as the search does
    if told["trials"] is not None:
        plain, *_, last = told["trials"]
        assert not plain["passed"] and last["passed"]
        assert len(last["layers"]) == 1


def test_noise_is_stopped_twice_and_the_exams_own_frames_pass(sonoedge: Sonoedge, tmp_path: Path) -> None:
    """Swish and squeeze-excitation: the collapse that calibration on noise is known for."""
    rng = np.random.default_rng(0)
    model = swish_network.written(tmp_path / "m.keras")
    good = swish_network.frames(tmp_path / "good", range(40))
    noise = swish_network.frames(tmp_path / "noise", range(40), lambda p: rng.integers(0, 256, p.shape, np.uint8))
    gate = swish_network.frames(tmp_path / "gate", range(100, 140))
    bundle, report = tmp_path / "b.sonobundle", tmp_path / "r.json"
    asked = ("convert", model, "--task", "segment", "--mm-per-px", str(swish_network.MM_PER_PX))
    proof = ("--gate", gate, "--json", report, "--out", bundle)

    stopped = sonoedge(*asked, "--calibration", noise, *proof)
    assert stopped.status == ANSWER_IS_NO
    assert stopped.out.splitlines()[-1].startswith("no bundle: calibration lint: texture")

    findings = json.loads(report.read_text())["lint"]["findings"]
    waived = [word for f in findings if f["level"] == "fail" for word in ("--waive", f["rule"])]
    forced = sonoedge(*asked, "--calibration", noise, *waived, "--no-search", *proof)
    assert forced.status == ANSWER_IS_NO
    assert forced.out.splitlines()[-1].startswith("no bundle: gate failed: DSC")
    assert dsc(report)["float"] > 0.95
    assert dsc(report)["int8"] < 0.5
    assert not bundle.exists()

    passed = sonoedge(*asked, "--calibration", good, *proof)
    assert (passed.status, passed.out.splitlines()[-1]) == (DONE, "b.sonobundle: written")
    assert dsc(report)["int8"] == pytest.approx(dsc(report)["float"], abs=0.01)
    entry = Bundle.open(bundle).manifest.segmenter
    assert entry is not None and entry.waived == ()


def dsc(report: Path) -> dict[str, float]:
    """The gate's figure."""
    (gate,) = json.loads(report.read_text())["gates"]
    (figure,) = (figure for figure in gate["figures"] if figure["name"] == "DSC")
    return figure


@pytest.fixture(scope="module")
def pictures() -> dict[str, Pixels]:
    """The parrot and the cat that the public models come with, (H, W, 3) BGR, by the class that float gives them."""
    if not PUBLIC_MODELS.is_dir():
        pytest.skip("the shared public models are not here")
    files = {"macaw": "parrot.jpg", "Egyptian cat": "cat.bmp"}
    return {name: cv2.imread(str(PUBLIC_MODELS / "coral" / file)) for name, file in files.items()}


@pytest.mark.slow
def test_squeezenet_in_int8_knows_the_parrot_and_the_cat(
    sonoedge: Sonoedge, pictures: dict[str, Pixels], tmp_path: Path
) -> None:
    import onnxruntime

    find_onnx2tf()
    source, bundle, classes = PUBLIC_MODELS / "squeezenet_v1.0_imagenet.onnx", tmp_path / "b.sonobundle", "classes.txt"
    labels = (PUBLIC_MODELS / "coral" / "imagenet_labels.txt").read_text().splitlines()[1:]  # the first is no class
    (tmp_path / classes).write_text("\n".join(labels))
    crops(pictures, tmp_path / "crops")
    feeding = ("--order", "bgr", "--white", "255", "--mean", "104,117,123", "--classes", tmp_path / classes)
    words = ("--calibration", tmp_path / "crops", "--out", bundle)
    done = sonoedge("convert", source, "--task", "classify", *feeding, *words)
    assert done.status == DONE, done

    opened = Bundle.open(bundle)
    (entry,) = opened.manifest.classifiers.values()
    int8 = open_model(opened.read(entry.file))
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    for name, whole in pictures.items():
        picture = cv2.resize(whole, (227, 227), interpolation=cv2.INTER_AREA)
        fed = (picture - np.float32([104, 117, 123])).astype(np.float32).transpose(2, 0, 1)[None]
        in_float = session.run(None, {session.get_inputs()[0].name: fed})[0].ravel()
        int8.write_input(np.ascontiguousarray(picture[..., ::-1]))
        int8.invoke()
        in_int8 = int8.output().ravel()
        first, *_ = top = np.argsort(-in_float)[:5]
        assert entry.logits[first] == entry.logits[int(in_int8.argmax())] == name
        fifth = np.sort(in_int8)[-5]
        assert set(top) <= set(np.flatnonzero(in_int8 >= fifth))  # two classes may share an INT8 step


def crops(pictures: dict[str, Pixels], folder: Path) -> None:
    """40 squares of each picture, from half of its shorter side up."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, whole in pictures.items():
        shorter = min(whole.shape[:2])
        for number in range(40):
            side = int(rng.uniform(0.5, 1.0) * shorter)
            top, left = (rng.integers(0, size - side + 1) for size in whole.shape[:2])
            square = cv2.resize(whole[top : top + side, left : left + side], (227, 227), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / "images" / f"{name} {number:02d}.png"), square)
