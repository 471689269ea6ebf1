"""The program `sonoedge` as a process of its own, installed or not: a distribution is what its metadata says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Before a command: a job in the background ignores Ctrl-C, one under nohup its closed terminal, and so do its children.
INTERRUPTIBLE = ("env", "--default-signal=INT,HUP")
HEAVY = ("tensorflow", "keras", "scipy", "matplotlib")


def install(folder: Path, name: str, entry_points: str, *, editable: Path | None = None) -> None:
    """What `pip install` leaves of a distribution beside its packages."""
    info = folder / f"{name}-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    (info / "entry_points.txt").write_text(entry_points)
    if editable is not None:
        (info / "direct_url.json").write_text(f'{{"url": "{editable.as_uri()}", "dir_info": {{"editable": true}}}}')


def own_entry_points() -> str:
    """The entry points of pyproject.toml as an installed distribution lists them."""
    text = (ROOT / "pyproject.toml").read_text()
    groups = re.findall(r'^\[project\.entry-points\."([\w.]+)"\]\n((?:.+\n)*)', text, re.MULTILINE)
    return "\n".join(f"[{group}]\n{lines.replace(chr(34), '')}" for group, lines in groups)


def run(
    *command: str, first_on_path: Path, root: Path = ROOT, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Python with `first_on_path` and then `root` before everything that is installed."""
    path = os.pathsep.join([str(first_on_path), str(root)])
    return subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        cwd=first_on_path,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
