"""What the firmware's README shows can be built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.firmware_bridge.c.c_probe import SOURCES, compile_

pytestmark = pytest.mark.firmware

FIRMWARES_OWN = """
#include "sonoedge_link.h"
uint64_t ticks_us(void *context);
void put(void *context, uint8_t byte);
void show(uint8_t grade, uint8_t reason);
uint32_t another_random_number_than_last_time(void);
size_t read_what_came(uint8_t *bytes, size_t room);
uint8_t is_frozen(void);
uint16_t depth_tenths_mm(void);
"""


def test_the_wiring_compiles(tmp_path: Path):
    wiring = re.search(r"## Wire it up\n\n```c\n(.*?)```", (SOURCES / "README.md").read_text(), re.S)
    assert wiring
    (tmp_path / "main.c").write_text(FIRMWARES_OWN + wiring[1])
    undefined = ("-shared", "-fPIC", "-Wno-unused-parameter")  # a program but for the firmware's own functions
    compile_(tmp_path / "firmware", tmp_path / "main.c", options=undefined)
