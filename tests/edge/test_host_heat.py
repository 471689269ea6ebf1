"""How warm, how fast, and what held a processor back, out of copies of other machines' files."""

from __future__ import annotations

import pytest

from edge import heat
from tests.edge.sysfs import CPU, FIRMWARE, THROTTLED, jetson, pc, put, raspberry_pi

COOLING = "sys/class/thermal/cooling_device0/cur_state"


def changed(root, files):
    """What is said of a run during which these files became so."""
    before = heat.brakes(root)
    put(root, files)
    return heat.throttling([before, heat.brakes(root)])


@pytest.mark.parametrize(
    ("machine", "degrees", "mhz"), [(raspberry_pi, 61.836, 1800), (jetson, 49.125, 1510.4), (pc, 71.0, 4199.987)]
)
def test_the_hottest_zone_and_the_fastest_core(tmp_path, machine, degrees, mhz):
    root = machine(tmp_path)
    assert heat.temperature_c(root) == degrees
    assert heat.frequency_mhz(root) == mhz


def test_a_machine_that_says_nothing(tmp_path):
    assert heat.temperature_c(tmp_path) is None
    assert heat.frequency_mhz(tmp_path) is None
    assert heat.throttling([heat.brakes(tmp_path)]) == heat.Throttling(throttled=None)


@pytest.mark.parametrize("machine", [raspberry_pi, jetson, pc])
def test_a_run_that_nothing_held_back(tmp_path, machine):
    told = changed(machine(tmp_path), {})
    assert told.throttled is False
    assert told.why == ()
    assert told.watched


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        ("1", ["the supply's voltage is too low"]),
        ("50005", ["the supply's voltage is too low", "the processor is throttled"]),
        ("80000", ["the soft temperature limit is reached"]),  # came and went between two readings
        ("60002", ["the clock is capped", "the processor is throttled"]),
    ],
)
def test_what_a_raspberry_pi_says_of_a_run(tmp_path, bits, why):
    told = changed(raspberry_pi(tmp_path), {FIRMWARE: bits})
    assert (told.throttled, list(told.why)) == (True, why)


def test_what_befell_a_raspberry_pi_before_the_run_is_a_note(tmp_path):
    root = put(raspberry_pi(tmp_path), {FIRMWARE: "50000"})
    told = heat.throttling([heat.brakes(root)] * 3)
    assert told.throttled is False
    assert told.notes == (
        "since the machine was started, before the run: the supply's voltage is too low",
        "since the machine was started, before the run: the processor is throttled",
    )


def test_a_moment_in_the_middle_counts(tmp_path):
    root = put(raspberry_pi(tmp_path), {FIRMWARE: "80000"})
    quiet = heat.brakes(root)
    put(root, {FIRMWARE: "80008"})
    told = heat.throttling([quiet, heat.brakes(root), quiet])
    assert told.why == ("the soft temperature limit is reached",)


def test_what_a_firmware_says_that_is_no_number_is_nothing(tmp_path):
    assert heat.brakes(put(raspberry_pi(tmp_path), {FIRMWARE: "busy"})).firmware is None


def test_counters_count_from_the_start_of_the_run_and_a_packages_once(tmp_path):
    told = changed(
        pc(tmp_path),
        {
            THROTTLED: 19,
            **{f"{CPU}/cpu{core}/thermal_throttle/package_throttle_count": 45 for core in (0, 1)},
        },
    )
    assert told.throttled is True
    assert told.why == ("core_throttle_count rose by 2", "package_throttle_count rose by 5")


def test_over_current_on_a_jetson(tmp_path):
    assert changed(jetson(tmp_path), {"sys/class/hwmon/hwmon3/oc3_event_cnt": 9}).why == ("oc3_event_cnt rose by 7",)


def test_a_cooling_device_that_slows_the_processor(tmp_path):
    told = changed(jetson(tmp_path), {COOLING: 2})
    assert told.why == ("cpufreq-cpu0 (cooling_device0) slowed the processor down, state 2",)


def test_a_fan_that_turns_holds_nothing_back(tmp_path):
    assert changed(raspberry_pi(tmp_path), {COOLING: 4}).throttled is False


def test_a_clock_that_was_capped_during_the_run_and_one_before(tmp_path):
    told = changed(pc(tmp_path), {f"{CPU}/cpufreq/policy1/scaling_max_freq": 2100000})
    assert told.why == ("policy1: the highest clock allowed fell from 4200 to 2100 MHz",)
    assert told.notes == ("policy0 may run at 4200 of 4400 MHz, since before the run",)
