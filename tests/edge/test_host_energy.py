"""Energy, out of copies of other machines' files."""

from __future__ import annotations

import pytest

from edge.energy import open_meter
from tests.edge.sysfs import ENERGY, jetson, pc, put, raspberry_pi


def test_a_pcs_package_and_memory_are_added_and_nothing_twice(tmp_path):
    root = pc(tmp_path)
    meter = open_meter(0.0, root)
    assert meter.name == "RAPL: package-0, dram"
    put(root, {ENERGY: 262143200000, "sys/class/powercap/intel-rapl:0:2/energy_uj": 1500000})
    put(root, {"sys/class/powercap/intel-rapl:0:0/energy_uj": 99000000})  # within the package
    assert meter.joules(1.0) == pytest.approx(0.2 + 0.5)


def test_a_counter_that_starts_again(tmp_path):
    root = pc(tmp_path)
    meter = open_meter(0.0, root)
    put(root, {ENERGY: 1000000})
    assert meter.joules(1.0) == pytest.approx((262143328850 - 262143000000 + 1000000) / 1e6)
    put(root, {ENERGY: 3000000})
    assert meter.joules(2.0) == pytest.approx((262143328850 - 262143000000 + 3000000) / 1e6)


def test_a_counter_that_goes_away_keeps_what_it_said(tmp_path):
    root = pc(tmp_path)
    meter = open_meter(0.0, root)
    put(root, {ENERGY: 262143200000})
    meter.joules(1.0)
    (root / ENERGY).unlink()
    assert meter.joules(2.0) == pytest.approx(0.2)


def test_a_jetsons_inlet_is_the_whole(tmp_path):
    root = jetson(tmp_path)
    meter = open_meter(10.0, root)
    assert meter.name == "INA3221: VDD_IN"
    put(root, {"sys/class/hwmon/hwmon1/curr1_input": 2000})  # from 6 to 10 watts
    assert meter.joules(12.0) == pytest.approx(16.0)
    assert meter.joules(13.0) == pytest.approx(26.0)


def test_rails_without_an_inlet_are_added(tmp_path):
    root = jetson(tmp_path)
    put(root, {"sys/class/hwmon/hwmon1/in1_label": "VDD_GPU_SOC"})
    meter = open_meter(0.0, root)
    assert meter.name == "INA3221: VDD_GPU_SOC, VDD_CPU_GPU_CV, VDD_SOC"
    assert meter.joules(2.0) == pytest.approx(2 * 9.5)


def test_most_machines_tell_nothing(tmp_path):
    assert open_meter(0.0, raspberry_pi(tmp_path)) is None
