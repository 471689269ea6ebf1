"""A small data folder of bright discs in grain: large discs are severe, small ones normal."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

HEADER = "file,subject,grade,view,spacing_mm\n"
RADII = {"normal": 9, "mild": 12, "moderate": 15, "severe": 18}
SIZE = (150, 180)


def disc_folder(path: Path, grades: list[str], *, frames: int = 2, spacing: float = 0.2) -> Path:
    """One subject a grade, `frames` frames each."""
    rng = np.random.default_rng(5)
    rows = []
    for subject, grade in enumerate(grades):
        for frame in range(frames):
            name = f"S{subject:02d}-{frame}.png"
            centre = rng.uniform((60, 50), (120, 100))
            write_frame(path, name, centre, RADII.get(grade, 12), rng)
            rows.append(f"{name},S{subject:02d},{grade},transverse,{spacing}")
    (path / "labels.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return path


def write_frame(
    path: Path, name: str, centre: np.ndarray, radius: int, rng: np.random.Generator, size: tuple[int, int] = SIZE
) -> None:
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[: size[0], : size[1]]
    mask = ((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 < radius**2).astype(np.uint8)
    picture = np.clip(60 + 120 * mask + rng.normal(0, 12, size), 1, 255).astype(np.uint8)
    cv2.imwrite(str(path / "images" / name), picture)
    cv2.imwrite(str(path / "masks" / name), mask * 255)
