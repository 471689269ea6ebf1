"""What the link takes of a Cortex-M0+: flash, memory, stack, and no code that it did not bring."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.firmware_bridge.c.c_probe import SOURCES, STRICT, need

pytestmark = pytest.mark.firmware

M0 = ("arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-Os", *STRICT, "-Wcast-align=strict", f"-I{SOURCES}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("arm-none-eabi-gcc", "arm-none-eabi-size", "arm-none-eabi-nm")
    out = tmp_path_factory.mktemp("m0") / "link.o"
    subprocess.run([*M0, "-fcallgraph-info=su", "-c", SOURCES / "sonoedge_link.c", "-o", out], check=True)
    return out


def _said_by(tool: str, *words: str | Path) -> str:
    return subprocess.run([tool, *words], check=True, capture_output=True, text=True).stdout


def _sections(built: Path) -> dict[str, int]:
    """Bytes of each kind: text, rodata, data, bss."""
    sizes: dict[str, int] = defaultdict(int)
    for kind, size in re.findall(
        r"^\.(text|rodata|data|bss)\S*\s+(\d+)", _said_by("arm-none-eabi-size", "-A", built), re.M
    ):
        sizes[kind] += int(size)
    return sizes


def test_code_and_tables_take_less_than_two_kibibytes(built: Path):
    sizes = _sections(built)
    assert 1000 < sizes["text"] + sizes["rodata"] < 2048


@pytest.mark.parametrize(("payload", "limit"), [(256, 600), (64, 216)])
def test_a_link_takes_two_payloads_and_little_more(built: Path, tmp_path: Path, payload: int, limit: int):
    sizes = _sections(built)
    (tmp_path / "size.c").write_text('#include "sonoedge_link.h"\nchar size[sizeof(struct sonoedge_link)];\n')
    smaller = f"-DSONOEDGE_MAX_PAYLOAD={payload}"
    subprocess.run([*M0, smaller, "-c", SOURCES / "sonoedge_link.c", "-o", tmp_path / "link.o"], check=True)
    subprocess.run([*M0, smaller, "-c", tmp_path / "size.c", "-o", tmp_path / "size.o"], check=True)
    (struct,) = re.findall(r"^\S+ (\S+) B size$", _said_by("arm-none-eabi-nm", "-S", tmp_path / "size.o"), re.M)
    assert 2 * payload + 20 < int(struct, 16) + sizes["data"] + sizes["bss"] < limit


def test_nothing_is_linked_in_but_memcpy_and_memset(built: Path):
    assert set(re.findall(r"U (\S+)", _said_by("arm-none-eabi-nm", "-u", built))) <= {"memcpy", "memset"}


def test_the_stack_is_bounded(built: Path):
    """The deepest calls, without what the firmware's own callbacks take; a recursion would have no depth."""
    graph = built.with_suffix(".ci").read_text()
    own = {
        name: int(size) for name, size in re.findall(r'title: "([^"]+)" label: "[^"]*?(\d+) bytes \(static\)"', graph)
    }
    calls: dict[str, set[str]] = defaultdict(set)
    for caller, called in re.findall(r'sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
        calls[caller].add(called)

    def depth(name: str, above: tuple[str, ...] = ()) -> int:
        assert name not in above, f"{name} calls itself"
        return own.get(name, 0) + max((depth(each, (*above, name)) for each in calls[name]), default=0)

    assert {"sonoedge_feed", "sonoedge_poll", "sonoedge_send"} <= own.keys()
    assert "dynamic" not in graph
    assert 100 < max(depth(name) for name in own) <= 320
