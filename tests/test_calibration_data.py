"""The calibration set that ships is the one that its manifest and its generator say."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.data.dataset import read_data_folder
from convert.reference.calibration_data import GROUPS, MANIFEST, SEED, Group, frames, sha256_of_files
from edge.findings import GRADES

FOLDER = Path(__file__).resolve().parents[1] / "calibration_data"
SHIPPED_BYTES = 14_000_000


def test_manifest_names_every_file_and_its_sha256():
    manifest = json.loads((FOLDER / MANIFEST).read_text())
    assert manifest["sha256"] == sha256_of_files(FOLDER)
    assert manifest["licence"] == "Apache-2.0"
    assert manifest["population_seed"] == SEED
    assert len(manifest["sha256"]) == 2 * 200 + 2


def test_two_data_folders_one_frame_a_subject():
    folders = [read_data_folder(FOLDER / name) for name in ("transverse", "longitudinal")]
    assert [len(folder) for folder in folders] == [130, 70]
    assert len(set(folders[0].subjects) | set(folders[1].subjects)) == 200
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.png")) < SHIPPED_BYTES


@pytest.mark.parametrize("view", ["transverse", "longitudinal"])
def test_every_sample_has_a_nerve_a_spacing_and_its_view(view: str):
    for sample in read_data_folder(FOLDER / view):
        assert sample.view == view
        assert sample.mask().shape == sample.image().shape
        assert sample.mask().any()
        assert sample.spacing.mm_per_px is not None
        assert (sample.grade in GRADES) == (sample.settings["level"] == "DWC")


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.plane)
def test_first_frames_can_be_made_again(group: Group):
    """Byte by byte; where a processor rounds a pixel to the neighbouring grey, the pictures differ by no more."""
    samples = {sample.file: sample for sample in read_data_folder(FOLDER / group.folder)}
    for row, image, mask in itertools.islice(frames(group), 3):
        sample = samples[row[0]]
        made = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE).astype(int)
        apart = np.abs(made - sample.image())
        assert apart.max() <= 1
        assert np.mean(apart > 0) < 1e-4
        assert sample.mask_path is not None
        assert sample.mask_path.read_bytes() == mask
        if not apart.any():
            assert sample.image_path.read_bytes() == image


def test_making_a_frame_twice_gives_the_same_bytes():
    one, other = (next(frames(GROUPS[0])) for _ in range(2))
    assert one == other
