"""What packages register with us under a name, found through entry points: sources and probes by their scheme."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from edge.errors import SonoEdgeError


def names(group: str) -> set[str]:
    """All that is registered in a group."""
    return set(entry_points(group=group).names)


def registered(group: str, name: str, uri: str, fault: type[SonoEdgeError]) -> Any | None:
    """What is registered as `name`, None where nothing is; `uri` is what the user asked for, for the error.

    Raises:
        fault: its package is broken.
    """
    found = entry_points(group=group)
    if name not in found.names:
        return None
    try:
        return found[name].load()
    except (ImportError, AttributeError) as error:
        kind = group.rpartition(".")[2].removesuffix("s")
        raise fault(f"{uri}: the {kind} '{name}' cannot be loaded ({error}); install its package again") from error
