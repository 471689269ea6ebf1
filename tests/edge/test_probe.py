"""A probe by its address, what it may say, and the contract on the one that the tests play."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import ProbeError
from edge.probe import ProbeState, open_probe
from tests.contracts.probe_contract import Ends, ProbeContract
from tests.program import install
from tests.scripted_probe import ScriptedProbe


class TestScriptedProbe(ProbeContract):
    @pytest.fixture
    def ends(self) -> Ends:
        probe = ScriptedProbe()
        return probe, probe


@pytest.mark.parametrize(
    ("what", "value"),
    [("depth_mm", 4.9), ("depth_mm", 400.1), ("depth_mm", float("nan")), ("gain_percent", 101), ("frequency_mhz", 0.0)],
)
def test_a_probe_is_not_set_to_what_none_can(what: str, value: float) -> None:
    with pytest.raises(ValueError, match=what):
        ProbeState(**{what: value})


def test_a_package_adds_a_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = "[sonoedge.probes]\nplayed = handpiece_of_a_friend:open_probe\nbroken = nothing_there:open_probe\n"
    install(tmp_path, "handpiece-of-a-friend", points)
    (tmp_path / "handpiece_of_a_friend.py").write_text(
        "from tests.scripted_probe import ScriptedProbe\n"
        "def open_probe(rest):\n    probe = ScriptedProbe()\n    probe.rest = rest\n    return probe\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert open_probe("played:/dev/ttyACM0?x=1:2").rest == "/dev/ttyACM0?x=1:2"
    with pytest.raises(ProbeError, match=r"^broken:0: the probe 'broken' cannot be loaded [^\n]*install its package"):
        open_probe("broken:0")


@pytest.mark.parametrize("uri", ["", "nobody", "nobody:/dev/ttyACM0", ":"])
def test_a_wrong_address_is_told_in_one_line(uri: str) -> None:
    with pytest.raises(ProbeError, match=r"no probe called '\w*'; the probes are [^\n]+$"):
        open_probe(uri)
