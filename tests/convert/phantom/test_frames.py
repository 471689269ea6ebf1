"""The simulator against what it claims: areas, populations, speckle, and what severity does to a nerve."""

from __future__ import annotations

import itertools
from dataclasses import astuple, replace

import cv2
import numpy as np
import pytest

from convert.data.dataset import read_data_folder
from convert.phantom import bmode, nerve
from convert.phantom.acquisition import Settings, draw_settings
from convert.phantom.clip import steady_sweep, true_ap_diameter_mm
from convert.phantom.folder import Population, exam, write_population
from convert.phantom.frames import FOREARM, LONGITUDINAL, TRANSVERSE, PhantomFrame, render
from convert.phantom.subject import Subject, draw_subject
from convert.phantom.tissue import TissueMap, area_mm2
from edge.findings import GRADES
from edge.metrics import auc

SUBJECTS = [draw_subject(index, 9) for index in range(2000)]
SETTINGS = [draw_settings(index, 9) for index in range(2000)]
HAS_CTS = np.array([subject.grade != "normal" for subject in SUBJECTS])
CSA = np.array([subject.csa_mm2 for subject in SUBJECTS])
BIFID = next(subject for subject in SUBJECTS if subject.bifid)
SINGLE = next(subject for subject in SUBJECTS if not subject.bifid)


def settings_at(mm_per_px: float) -> Settings:
    return replace(SETTINGS[0], width_mm=38.0, depth_mm=20.0, mm_per_px=mm_per_px, looks=1)


def same(one: PhantomFrame, other: PhantomFrame) -> bool:
    return np.array_equal(one.pixels, other.pixels) and np.array_equal(one.mask, other.mask)


@pytest.mark.parametrize("plane", [TRANSVERSE, FOREARM, LONGITUDINAL])
def test_same_seed_same_frame_and_another_seed_another_speckle(plane):
    def again(seed: int) -> PhantomFrame:
        return render(SINGLE, settings_at(0.15), plane, along_mm=1.0, seed=seed)

    assert same(again(5), again(5))
    assert not np.array_equal(again(5).pixels, again(6).pixels)
    assert np.array_equal(again(5).mask, again(6).mask)


def test_everyone_differs():
    assert len({astuple(subject) for subject in SUBJECTS}) == len(SUBJECTS)


@pytest.mark.parametrize("subject", [SINGLE, BIFID], ids=["single", "bifid"])
def test_outlines_hold_exactly_the_area(subject: Subject):
    _, strands = nerve.transverse_strands(subject, subject.csa_mm2, 0.0, 5.0)
    assert len(strands) == (2 if subject.bifid else 1)
    assert sum(map(area_mm2, strands)) == pytest.approx(subject.csa_mm2, rel=1e-9)


@pytest.mark.parametrize("subject", [SINGLE, BIFID], ids=["single", "bifid"])
def test_mask_in_the_picture_has_the_area_of_the_subject(subject: Subject):
    frame = render(subject, settings_at(0.03), TRANSVERSE)
    assert frame.csa_mm2 == pytest.approx(subject.csa_mm2, rel=0.03)
    assert cv2.connectedComponents(frame.mask)[0] - 1 == (2 if subject.bifid else 1)


def test_mask_on_a_machines_own_grid_has_the_area_of_the_subject():
    errors = []
    for subject, settings in list(zip(SUBJECTS, SETTINGS, strict=True))[:40]:
        tissue = TissueMap(settings.shape, settings.mm_per_px, 0.0)
        _, strands = nerve.transverse_strands(subject, subject.csa_mm2, 0.0, 5.0)
        pixels = int(tissue.mostly_inside(strands).sum())
        errors.append(pixels * settings.mm_per_px**2 / subject.csa_mm2 - 1)
    assert abs(np.mean(errors)) < 0.015 and np.abs(errors).max() < 0.04


def test_controls_and_patients_have_the_papers_areas():
    control, patients = CSA[~HAS_CTS], CSA[HAS_CTS]
    assert control.mean() == pytest.approx(8.2, abs=0.35)
    assert control.std() == pytest.approx(2.4, abs=0.35)
    assert patients.mean() == pytest.approx(14.7, abs=0.6)
    assert patients.std() == pytest.approx(5.3, abs=0.4)
    means = [CSA[[s.grade == grade for s in SUBJECTS]].mean() for grade in GRADES]
    assert means == sorted(means)


def test_area_alone_separates_as_in_life_and_no_better():
    assert 0.80 <= auc(HAS_CTS, CSA) <= 0.90


@pytest.mark.parametrize(
    "of",
    ["width_mm", "depth_mm", "frequency_mhz", "dynamic_range_db", "gain_db", "gamma", "looks", "mm_per_px", "focus_mm"],
)
def test_no_setting_tells_the_grade(of: str):
    assert auc(HAS_CTS, [getattr(settings, of) for settings in SETTINGS]) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("of", ["fat_mm", "nerve_x_mm", "tunnel_mm", "forearm_csa_mm2", "bifid"])
def test_no_other_trait_tells_the_grade(of: str):
    assert auc(HAS_CTS, [float(getattr(subject, of)) for subject in SUBJECTS]) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("looks", [1, 4])
def test_speckle_of_a_uniform_medium_is_rayleigh(looks: int):
    """Mean over SD of a Rayleigh envelope is sqrt(pi / (4 - pi)) = 1.91, and sqrt(looks) times it when compounded."""
    settings = replace(settings_at(0.05), looks=looks)
    fields = bmode.speckle(settings.shape, looks, np.random.default_rng(1))
    ones, nothing = np.ones(settings.shape, np.float32), np.zeros(settings.shape, np.float32)
    envelope = np.mean([bmode._envelope(ones, nothing, field, settings) for field in fields], axis=0)
    rows = settings.shape[0] // (2 * bmode.SLABS)  # within half the first slab one beam alone is at work
    patch = envelope[:rows]
    assert patch.mean() / patch.std() == pytest.approx(1.913 * np.sqrt(looks), rel=0.06)
    assert np.mean(patch**2) == pytest.approx(1.0 if looks == 1 else (1 - np.pi / 4) / 4 + np.pi / 4, rel=0.06)


def test_severity_darkens_the_nerve_against_what_lies_about_it():
    def contrast(grade: str, index: int) -> float:
        subject = replace(draw_subject(index, 9, grade), csa_mm2=12.0, bifid=False)
        frame = render(subject, draw_settings(index, 9, px_across=300))
        about = cv2.dilate(frame.mask, np.ones((25, 25), np.uint8)) - cv2.dilate(frame.mask, np.ones((5, 5), np.uint8))
        inner = cv2.erode(frame.mask, np.ones((3, 3), np.uint8))
        return float(frame.pixels[inner > 0].mean() - frame.pixels[about > 0].mean())

    change = [contrast("severe", index) - contrast("normal", index) for index in range(8)]
    assert np.mean(change) < -10
    assert np.mean(np.array(change) < 0) >= 0.75


def test_neighbouring_frames_of_a_steady_sweep_show_one_anatomy():
    """Tendons must not jump: with the speckle averaged away, hardly a grey level changes anywhere."""
    settings = replace(settings_at(0.1), looks=4)
    first, second = [frame.pixels for frame in itertools.islice(steady_sweep(SINGLE, settings, TRANSVERSE, 36), 2)]
    smooth = [cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 6) for pixels in (first, second)]
    assert np.abs(smooth[0] - smooth[1]).max() < 12
    assert not np.array_equal(first, second)


def test_true_diameter_is_the_thickness_of_the_band_that_is_drawn():
    settings = settings_at(0.05)
    band = render(SINGLE, settings, LONGITUDINAL).mask
    thickness_mm = np.median(band.sum(axis=0)) * settings.mm_per_px
    assert true_ap_diameter_mm(SINGLE, settings) == pytest.approx(thickness_mm, rel=0.05)


def test_population_becomes_a_data_folder_that_is_read_again(tmp_path):
    population = Population(9, 2, {"transverse": 1, "forearm": 1, "longitudinal": 1}, px_across=120)
    assert write_population(tmp_path, population) == 6
    folder = read_data_folder(tmp_path)
    assert [sample.grade for sample in folder] == ["normal", None, "normal", "mild", None, "mild"]
    assert [sample.view for sample in folder][:3] == ["transverse", "transverse", "longitudinal"]
    for sample, frame in zip(folder, [frame for index in range(2) for frame in exam(population, index)], strict=True):
        assert np.array_equal(sample.image(), frame.pixels)
        assert np.array_equal(sample.mask(), frame.mask)
        assert sample.spacing.mm_per_px == pytest.approx(frame.mm_per_px, abs=1e-6)


def test_a_population_of_one_machine_is_scanned_on_that_one() -> None:
    population = Population(9, 6, {"transverse": 1}, px_across=120, machine="portable-c")
    frames = [frame for index in range(6) for frame in exam(population, index)]
    assert {frame.settings.machine for frame in frames} == {"portable-c"}
    assert len({frame.settings.depth_mm for frame in frames}) > 1  # the knobs are still each exam's own
