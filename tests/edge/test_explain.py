"""Where the model looked: a feature that was planted is found, at the cost that was promised, within the time given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.commands import explain as command
from edge.commands.demo import demo_clip
from edge.explain import heat_map
from edge.explain.explanation import Settings, as_json, explain
from edge.explain.sight import OF, blind, sight
from edge.explain.support import coarse, hottest, lifted
from edge.findings import Reason
from edge.frame import Roi, Spacing
from edge.pipeline import Options, Pipeline, load_model
from edge.stages.placement import Box
from tests import tiny_tflite
from tests.conftest import GRADE
from tests.pictures import CENTRED, MM_PER_PX, SHAPE, Oval, frame, screen, tissue, wrist
from tests.program import ROOT, install, own_entry_points, run
from tests.terminal import open_terminal, read
from tests.tiny_tflite import Graph, Tensor

CROP_PX, CROP_MM = 75, 15.0  # of the tiny graders
PLANTED = 130  # grey level: brighter than tissue, not bright enough for the tiny segmenter
METHODS = ["occlusion", "lime"]


def needs_lime(method):
    if method == "lime":
        pytest.importorskip("skimage", reason="the extra explain is not installed")


def blob_grader(where: np.ndarray) -> bytes:
    """A grader that sees nothing but the mean of `where` (CROP_PX, CROP_PX): logits (mean - cut) / 8 grey levels."""
    pixels = int(np.count_nonzero(where))
    cuts = np.array([100.0, 140.0, 160.0])
    weight_scale = 255 / 8 / pixels
    bias = np.round(-cuts / 8 / (tiny_tflite.INPUT_SCALE * weight_scale)).astype(np.int32)
    weights = np.tile(where.ravel().astype(np.int8), (3, 1))
    tensors = [
        Tensor((1, CROP_PX, CROP_PX, 1), scale=tiny_tflite.INPUT_SCALE, zero_point=-128),
        Tensor(weights.shape, scale=weight_scale, values=weights),
        Tensor((3,), tiny_tflite.INT32, scale=tiny_tflite.INPUT_SCALE * weight_scale, values=bias),
        Tensor((1, 3), scale=0.1),
    ]
    step = (tiny_tflite.FULLY_CONNECTED, [0, 1, 2], [3], tiny_tflite.FULLY_CONNECTED_OPTIONS, {})
    return tiny_tflite.tflite(Graph(tensors, [step], [3]))


def planted(make_bundle, x_mm, y_mm):
    """A bundle whose grader answers only to a blob so far from the nerve, a wrist with one there, and where it is."""
    blob = Oval(CENTRED.x + x_mm, CENTRED.y + y_mm, 1.6, 1.6)
    y, x = (np.mgrid[:CROP_PX, :CROP_PX] + 0.5) * CROP_MM / CROP_PX
    at_crop = Oval(CROP_MM / 2 + x_mm, CROP_MM / 2 + y_mm, 1.6, 1.6).covers(x, y)
    picture = wrist(CENTRED)
    y, x = (np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5) * MM_PER_PX
    picture[blob.covers(x, y)] = PLANTED
    return make_bundle({GRADE: blob_grader(at_crop)}), picture, blob.covers(x, y)


def looked(bundle, pixels, settings=Settings(), options=Options(), **stated):  # noqa: B008  both are frozen
    pipeline = Pipeline(bundle, options, stream=False)
    seen = pipeline(frame(pixels, **stated))
    return seen, explain(bundle, pipeline, seen, settings)


def over_scan(seen, explained):
    """The support of each pixel of the scan; nan outside what the model saw."""
    support = np.full(seen.scan.pixels.shape, np.nan)
    explained.placement.source.of(support)[:] = lifted(explained.support.pixels, explained.placement)
    return support


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("offset_mm", [(4.5, 4.0), (-4.5, 4.0), (0.0, -4.5)])
def test_a_planted_feature_is_found(make_bundle, method, offset_mm):
    needs_lime(method)
    bundle, picture, blob = planted(make_bundle, *offset_mm)
    seen, explained = looked(bundle, picture, Settings(method))
    support = over_scan(seen, explained)
    hot = hottest(support)
    assert explained.record.baseline > 0.8
    assert blob[np.unravel_index(np.nanargmax(support), support.shape)]
    assert hot[blob].mean() > 0.6
    assert blob[hot].mean() > 5 * blob[~np.isnan(support)].mean()  # the share that chance would give
    assert explained.record.hottest_on_nerve < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_the_shipped_grader_looks_at_the_nerve_of_a_phantom(method):
    needs_lime(method)
    bundle, clip = Bundle.open(packaged_bundle("transverse")), demo_clip("transverse")
    video = cv2.VideoCapture(str(clip.path))
    read, pixels = video.read()
    video.release()
    assert read
    explanation = looked(bundle, pixels, Settings(method), mm_per_px=clip.mm_per_px)[1].record
    assert explanation.hottest_on_nerve > 2 * explanation.nerve_in_box


def test_the_segmenter_looks_at_its_nerve(tiny_bundle):
    seen, explained = looked(tiny_bundle, wrist(CENTRED), Settings(of="segmenter"))
    assert explained.record.hottest_on_nerve > 2 * explained.record.nerve_in_box
    assert explained.record.model == "segmenter"
    assert explained.record.baseline > 0.8
    assert not np.isnan(over_scan(seen, explained)).any()


def test_what_speaks_for_a_grade_speaks_against_another(make_bundle):
    bundle, picture, _ = planted(make_bundle, 4.5, 4.0)
    for_cts, for_normal = (looked(bundle, picture, Settings(of=of))[1].record for of in ("cts", "normal"))
    assert for_normal.baseline == pytest.approx(1 - for_cts.baseline)
    assert np.allclose(for_normal.grid, -np.array(for_cts.grid))


class Counted:
    """A real model that counts its invokes."""

    def __init__(self, model):
        self.model, self.invokes = model, 0

    def invoke(self):
        self.invokes += 1
        self.model.invoke()

    def __getattr__(self, name):
        return getattr(self.model, name)


def test_a_map_of_64_patches_costs_65_invokes(tiny_bundle):
    pipeline = Pipeline(tiny_bundle, Options(), stream=False, load=lambda *asked: Counted(load_model(*asked)))
    seen = pipeline(frame(wrist(CENTRED)))
    before = pipeline.grader.model.invokes, pipeline.segmenter.model.invokes
    explained = explain(tiny_bundle, pipeline, seen, Settings())
    assert pipeline.grader.model.invokes - before[0] == explained.record.invokes == 65
    assert pipeline.segmenter.model.invokes == before[1]


@pytest.mark.slow  # alone on its processor: what runs beside it counts
def test_the_shipped_grader_needs_less_than_1_2_times_its_bare_invokes():
    bundle, clip = Bundle.open(packaged_bundle("transverse")), demo_clip("transverse")
    pixels = cv2.VideoCapture(str(clip.path)).read()[1]
    pipeline = Pipeline(bundle, Options(), stream=False)
    seen = pipeline(frame(pixels, mm_per_px=clip.mm_per_px))
    assert blind(seen, "cts") is None

    def cpu_s(act):
        began = time.process_time()
        act()
        return time.process_time() - began

    def bare():
        for _ in range(64):
            pipeline.grader.model.invoke()

    def mapped():
        explain(bundle, pipeline, seen, Settings())

    times = np.array([(cpu_s(bare), cpu_s(mapped)) for _ in range(5)])
    assert np.min(times[:, 1]) <= 1.2 * np.min(times[:, 0])


@pytest.mark.parametrize("method", METHODS)
def test_when_the_time_is_up_it_says_so_with_what_it_has(tiny_bundle, method):
    needs_lime(method)
    seen, explained = looked(tiny_bundle, wrist(CENTRED), Settings(method, budget_s=1e-9))
    explanation = explained.record
    assert explanation.tried == 1 < explanation.planned
    assert "the time was up" in command.summary(explanation)
    assert heat_map.draw(seen, explained).shape[2] == 3
    assert json.loads(as_json(explanation))["tried"] == 1
    if method == "occlusion":
        assert sum(value is None for row in explanation.grid for value in row) >= 48


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_map(make_bundle, method):
    needs_lime(method)
    bundle, picture, _ = planted(make_bundle, 4.5, 4.0)
    first, again, other = (looked(bundle, picture, Settings(method, seed=seed))[1].support.pixels for seed in (1, 1, 2))
    assert np.array_equal(first, again, equal_nan=True)
    assert method == "occlusion" or not np.array_equal(first, other, equal_nan=True)


@pytest.mark.parametrize("method", METHODS)
def test_where_there_is_no_picture_nothing_is_tried(tiny_bundle, method):
    needs_lime(method)
    near_the_skin = Oval(19.0, 3.0, 4.0, 2.0)  # 4.5 mm of the crop lie above the picture
    explained = looked(tiny_bundle, wrist(near_the_skin), Settings(method))[1]
    box, tried = explained.record.box, ~np.isnan(explained.support.pixels)
    assert (box.y, box.width, box.height) == (0, 150, pytest.approx(105, abs=1))
    top = explained.placement.target.top
    assert CROP_PX * 0.25 < top < CROP_PX * 0.35
    assert tried[top:].all() and not tried[:top].any()
    assert all(value is not None for row in explained.record.grid for value in row)


def test_the_box_is_told_in_pixels_of_the_frame(tiny_bundle):
    options = Options(roi=Roi(200, 90, SHAPE[1], SHAPE[0]), spacing=Spacing(MM_PER_PX, "manual"))
    on_screen = looked(tiny_bundle, screen(wrist(CENTRED)), options=options, mm_per_px=None, whole=False)[1].record
    alone = looked(tiny_bundle, wrist(CENTRED))[1].record
    assert on_screen.box == Roi(alone.box.x + 200, alone.box.y + 90, alone.box.width, alone.box.height)


def test_the_rest_of_the_screen_is_not_drawn(tiny_bundle):
    pixels = screen(wrist(CENTRED))
    cv2.putText(pixels, "DOE^JANE", (1200, 60), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (0, 0, 255), 3)
    options = Options(roi=Roi(200, 90, SHAPE[1], SHAPE[0]), spacing=Spacing(MM_PER_PX, "manual"))
    on_screen = looked(tiny_bundle, pixels, options=options, mm_per_px=None, whole=False)
    assert np.array_equal(heat_map.draw(*on_screen), heat_map.draw(*looked(tiny_bundle, wrist(CENTRED))))


def test_the_heat_lies_where_the_feature_lies(make_bundle):
    bundle, picture, blob = planted(make_bundle, 4.5, 4.0)
    drawn = heat_map.draw(*looked(bundle, picture))[: -heat_map.overlay.PANEL_PX, : -heat_map.LEGEND_PX].astype(int)
    where = cv2.resize(blob.astype(np.uint8), drawn.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    redness = drawn[:, :, 2] - drawn[:, :, 1]
    assert redness[where].mean() > 40
    assert redness[: where.shape[0] // 4, : where.shape[1] // 4].max() == 0  # outside what the model saw


@pytest.mark.parametrize("shape", [(80, 300), (600, 900), (301, 377)])
def test_odd_sizes_are_drawn(tiny_bundle, shape):
    seen, explained = looked(tiny_bundle, wrist(Oval(shape[1] / 20, 4.0, 3.0, 1.5), shape=shape))
    assert heat_map.draw(seen, explained).shape[1] >= heat_map.overlay.MIN_WIDTH_PX + heat_map.LEGEND_PX


def test_what_never_changes_has_no_hottest_tenth(tiny_bundle):
    # The other grader's first cut lies at 250: whatever is hidden, the answer is the least that INT8 can say.
    seen, explained = looked(tiny_bundle, wrist(CENTRED), options=Options(grader="darkness"))
    assert explained.record.hottest_on_nerve is None
    assert not hottest(explained.support.pixels).any()
    assert "nowhere" in command.summary(explained.record)
    assert heat_map.draw(seen, explained).size


def test_nothing_is_explained_of_what_is_not_graded(tiny_bundle):
    pipeline = Pipeline(tiny_bundle, Options(), stream=False)
    seen = pipeline(frame(tissue()))
    assert blind(seen, "cts") is blind(seen, "segmenter") is Reason.NO_NERVE
    with pytest.raises(ValueError, match="no nerve found"):
        sight(pipeline, seen, tiny_bundle.manifest, "cts")
    unscaled = pipeline(frame(wrist(CENTRED), mm_per_px=None))
    assert blind(unscaled, "cts") is Reason.NO_SPACING
    assert blind(unscaled, "segmenter") is None


def test_the_grid_is_the_mean_of_its_cells():
    pixels = np.full((6, 8), np.nan)
    pixels[1:5, :4] = np.arange(16).reshape(4, 4)
    assert coarse(pixels, Box(0, 1, 4, 5), 2) == ((2.5, 4.5), (10.5, 12.5))
    assert coarse(pixels, Box(0, 1, 8, 5), 2) == ((3.5, None), (11.5, None))


def test_the_hottest_are_the_largest_either_way():
    pixels = np.linspace(-1.0, 0.5, 100).reshape(10, 10)
    assert np.array_equal(np.flatnonzero(hottest(pixels)), np.arange(10))
    pixels[:5] = np.nan
    assert np.count_nonzero(hottest(pixels)) == 5


def test_the_fit_finds_known_shares():
    needs_lime("lime")
    from edge.explain.lime import weighted_ridge

    rng = np.random.default_rng(0)
    x, shares = (rng.random((200, 6)) < 0.5).astype(float), np.array([0.5, -0.25, 0.0, 0.1, 0.0, 0.3])
    gains, r2 = weighted_ridge(x, 0.2 + x @ shares, rng.uniform(0.5, 1.0, 200), ridge=1e-9)
    assert np.allclose(gains, shares)
    assert r2 == pytest.approx(1.0)
    # One column, by hand: slope = sum w x0 y0 / (sum w x0² + ridge).
    column, y, weights = np.array([[0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0])
    gains, _ = weighted_ridge(column, y, weights, ridge=1.0)
    assert gains == pytest.approx([1.5 / 2.0])
    assert weighted_ridge(column, np.ones(3), weights)[1] is None


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    install(folder, "sonoedge", own_entry_points(), editable=ROOT)
    return folder


@pytest.fixture
def still(tmp_path):
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), wrist(CENTRED))
    return path


def words(bundle, still, out, *more):
    return ["-m", "edge.cli", *map(str, ("explain", still, "--bundle", bundle.path, "--out", out, *more))]


SCALE = ("--spacing-mm", MM_PER_PX, "--roi", f"0,0,{SHAPE[1]},{SHAPE[0]}")


def test_the_command_writes_the_picture_and_the_numbers(installed, tiny_bundle, still, tmp_path):
    out, numbers = tmp_path / "heat.png", tmp_path / "heat.json"
    done = run(*words(tiny_bundle, still, out, "--json", numbers, *SCALE, "--patches", 16), first_on_path=installed)
    assert done.returncode == 0, done.stderr
    assert cv2.imread(str(out)) is not None
    said = json.loads(numbers.read_text())
    assert (said["method"], said["bundle_digest"], said["tried"], said["invokes"]) == (
        "occlusion",
        tiny_bundle.digest,
        16,
        17,
    )
    assert np.array(said["grid"]).shape == (4, 4)
    assert said["source"] == "still.png"
    assert {"grade", "baseline", "box", "seconds"} <= said.keys()
    assert "hottest tenth" in done.stdout


def test_an_ungradable_picture_is_one_line_and_status_1(installed, tiny_bundle, still, tmp_path):
    done = run(*words(tiny_bundle, still, tmp_path / "heat.png", *SCALE[2:]), first_on_path=installed)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "still.png: UNGRADABLE: no spacing: nothing to explain\n"
    assert not (tmp_path / "heat.png").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--patches", "60"), "--patches 60: give a square number"),
        (("--patches", "-4"), "--patches -4"),
        (("--samples", "0"), "--samples 0"),
        (("--seed", "-1"), "--seed -1"),
        (("--budget-s", "0"), "--budget-s 0"),
        (("--budget-s", "nan"), "--budget-s nan"),
        (("--frame", "7"), "has no frame 7"),
        (("--grader", "gone"), "has no grader 'gone'"),
        (("--out", "heat.jpg"), "ends in .png"),
        (("--out", "/no/such/folder/heat.png", *map(str, SCALE)), "/no/such/folder"),
    ],
)
def test_a_mistake_is_one_line(installed, tiny_bundle, still, tmp_path, more, says):
    done = run(*words(tiny_bundle, still, tmp_path / "heat.png", *more), first_on_path=installed)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert says in line


def test_lime_without_its_extra_names_it(installed, tiny_bundle, still, tmp_path):
    code = "import sys; sys.modules['skimage'] = None; from edge.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = words(tiny_bundle, still, tmp_path / "heat.png", "--method", "lime", *SCALE)[2:]
    done = run("-c", code, *argv, first_on_path=installed)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("sonoedge: LIME needs a package that is not installed: install the extra 'explain'")


def test_ctrl_c_leaves_nothing_behind(installed, tiny_bundle, still, tmp_path):
    needs_lime("lime")
    folder = tmp_path / "out"
    folder.mkdir()
    more = ("--json", folder / "heat.json", "--method", "lime", "--samples", 300_000, *SCALE)
    ours, theirs = open_terminal()
    process = subprocess.Popen(
        [sys.executable, *words(tiny_bundle, still, folder / "heat.png", *more)],
        env=os.environ | {"PYTHONPATH": f"{installed}:{ROOT}", "PYTHONSAFEPATH": "1"},
        cwd=installed,
        stderr=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  a background job ignores it
    )
    os.close(theirs)
    said = b""
    while b"%" not in said and (part := read(ours)):
        said += part
    process.send_signal(signal.SIGINT)
    while read(ours):
        pass
    os.close(ours)
    process.wait(timeout=60)
    assert b"asking" in said  # the progress bar: it was at work
    assert process.returncode == 130
    assert list(folder.iterdir()) == []


def test_the_command_offers_what_can_be_explained():
    assert command.OF == OF
