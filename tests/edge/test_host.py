"""Who the machine is, out of the files of its kernel: this one's, and copies of others'."""

from __future__ import annotations

import platform

from edge import host
from tests.edge.sysfs import jetson, pc, raspberry_pi


def test_this_machine_tells_what_it_can():
    assert host.usable_cores() >= 1
    assert (host.peak_rss_mib() or 0) > 10
    assert host.cpu_model()


def test_a_board_is_called_by_its_own_name_and_a_pc_by_its_processor(tmp_path):
    assert host.cpu_model(raspberry_pi(tmp_path / "pi")) == "Raspberry Pi 4 Model B Rev 1.4"
    assert host.cpu_model(jetson(tmp_path / "jetson")) == "NVIDIA Jetson Orin Nano Developer Kit"
    assert host.cpu_model(pc(tmp_path / "pc")) == "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz"
    assert host.cpu_model(tmp_path / "nothing") == platform.machine()


def test_peak_memory_is_read_in_kib(tmp_path):
    assert host.peak_rss_mib(pc(tmp_path)) == 100.0
    assert host.peak_rss_mib(tmp_path / "nothing") is None


def test_what_is_no_number_is_none(tmp_path):
    (tmp_path / "word").write_text("on\n")
    (tmp_path / "minus").write_text("-1\n")
    (tmp_path / "folder").mkdir()
    assert [host.number(tmp_path / name) for name in ("word", "minus", "folder", "absent")] == [None, -1, None, None]
    assert [value for _, value in host.numbers(tmp_path, "*")] == [-1]
