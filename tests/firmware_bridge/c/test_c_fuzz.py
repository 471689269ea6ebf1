"""libFuzzer against the link, with the sanitizers, from the vectors on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.link.framing import Unframer
from firmware_bridge.link.packet import MAX_PACKET
from tests.firmware_bridge.c.c_probe import SOURCES, STRICT, need
from tests.firmware_bridge.vectors import VECTORS

pytestmark = pytest.mark.firmware

RUNS = 200_000
BYTES, PACKET, LATER, SEND = range(4)  # as fuzz_link.c has them
MS = 7 << 3  # a count of LATER, shifted so far, is in 128 us


def step(kind: int, data: bytes) -> bytes:
    """One step of the fuzzer's input."""
    return bytes([kind | (len(data) >> 8) << 2, len(data) & 0xFF]) + data


def seed(dialogue: dict[str, Any]) -> bytes:
    """A dialogue as the fuzzer's input."""
    made, now_us = bytearray(), 0
    for each in dialogue["steps"]:
        later, now_us = each["at_us"] - now_us, each["at_us"]
        made += bytes([LATER | MS, min(later // 128, 255)])
        for whole in Unframer(MAX_PACKET)(bytes.fromhex(each.get("hears", ""))):
            made += step(PACKET, whole)
        if "sends" in each:
            made += step(SEND, bytes(17))
    return bytes(made)


def test_libfuzzer_finds_nothing(tmp_path: Path):
    need("clang")
    vectors = json.loads(VECTORS.read_text())
    seeds = [seed(each) for each in vectors["dialogues"]["all"]]
    seeds += [step(BYTES, bytes.fromhex(each["bytes"])[:511]) for each in vectors["damaged"]]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, data in enumerate(seeds):
        (corpus / str(number)).write_bytes(data)
    sanitize = ("-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
    fuzzer = tmp_path / "fuzz_link"
    subprocess.run(["clang", *STRICT, *sanitize, SOURCES / "fuzz_link.c", "-o", fuzzer], check=True)
    done = subprocess.run(
        [fuzzer, f"-runs={RUNS}", "-seed=8", "-max_len=2048", f"-artifact_prefix={tmp_path}/", corpus],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
