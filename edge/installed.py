"""Whether the packages that were loaded are ours: their names are generic, and taken on the public index."""

from __future__ import annotations

import json
from importlib import metadata, util
from pathlib import Path
from urllib.parse import unquote, urlparse

from edge.cli import DISTRIBUTION
from edge.errors import SonoEdgeError

PACKAGES = ("edge", "convert", "firmware_bridge")


def check_packages() -> None:
    """Refuse to run with somebody else's `edge` or `convert`: the names are generic, and taken on the public index.

    Raises:
        SonoEdgeError: one of our packages was not loaded from where our distribution has it.
    """
    try:
        ours = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise SonoEdgeError("sonoedge is not installed here: pip install . in an environment of its own") from None
    home = _home_of(ours)
    for package in PACKAGES:
        spec = util.find_spec(package)
        found = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if found != home:
            raise SonoEdgeError(
                f"the package {package!r} here is not sonoedge's ({found or 'not found'}): "
                "install sonoedge in an environment of its own"
            )


def _home_of(distribution: metadata.Distribution) -> Path | None:
    """The folder that holds our packages: site-packages, or the checkout of an editable install."""
    direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        return Path(unquote(urlparse(direct["url"]).path)).resolve()
    return Path(str(distribution.locate_file(""))).resolve()
