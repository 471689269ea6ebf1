"""Copies of other machines' /proc and /sys, file by file as their kernels write them."""

from __future__ import annotations

from pathlib import Path

CPU = "sys/devices/system/cpu"
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
THROTTLED = f"{CPU}/cpu0/thermal_throttle/core_throttle_count"
ENERGY = "sys/class/powercap/intel-rapl:0/energy_uj"


def put(root: Path, files: dict[str, object]) -> Path:
    """Writes the files below `root`, each with a new line at its end, as a kernel does."""
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    return root


def raspberry_pi(root: Path) -> Path:
    """A Raspberry Pi 4 with a fan, never throttled."""
    policy, thermal = f"{CPU}/cpufreq/policy0", "sys/class/thermal"
    put(
        root,
        {
            f"{thermal}/thermal_zone0/type": "cpu-thermal",
            f"{thermal}/thermal_zone0/temp": 61836,
            f"{thermal}/cooling_device0/type": "pwm-fan",
            f"{thermal}/cooling_device0/cur_state": 3,
            f"{policy}/scaling_cur_freq": 1800000,
            f"{policy}/scaling_max_freq": 1800000,
            f"{policy}/cpuinfo_max_freq": 1800000,
            FIRMWARE: "0",  # in hex, without 0x
        },
    )
    board = root / "proc/device-tree/model"
    board.parent.mkdir(parents=True)
    board.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    return root


def jetson(root: Path) -> Path:
    """A Jetson Orin Nano, its GPU's sensor off; it has had two over-current events."""
    hwmon, thermal = "sys/class/hwmon", "sys/class/thermal"
    put(
        root,
        {
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit",
            f"{thermal}/thermal_zone0/type": "cpu-thermal",
            f"{thermal}/thermal_zone0/temp": 48343,
            f"{thermal}/thermal_zone1/type": "gpu-thermal",
            f"{thermal}/thermal_zone2/type": "tj-thermal",
            f"{thermal}/thermal_zone2/temp": 49125,
            f"{thermal}/cooling_device0/type": "cpufreq-cpu0",
            f"{thermal}/cooling_device0/cur_state": 0,
            f"{hwmon}/hwmon1/name": "ina3221",
            **_rail(f"{hwmon}/hwmon1", 1, "VDD_IN", 5000, 1200),
            **_rail(f"{hwmon}/hwmon1", 2, "VDD_CPU_GPU_CV", 5000, 400),
            **_rail(f"{hwmon}/hwmon1", 3, "VDD_SOC", 5000, 300),
            f"{hwmon}/hwmon1/in7_label": "sum of shunt voltages",
            f"{hwmon}/hwmon3/name": "soctherm_oc",
            f"{hwmon}/hwmon3/oc1_event_cnt": 0,
            f"{hwmon}/hwmon3/oc3_event_cnt": 2,
            f"{hwmon}/hwmon3/oc3_throt_en": 1,
            f"{CPU}/cpufreq/policy0/scaling_cur_freq": 1510400,
            f"{CPU}/cpufreq/policy0/scaling_max_freq": 1510400,
            f"{CPU}/cpufreq/policy0/cpuinfo_max_freq": 1510400,
        },
    )
    (root / thermal / "thermal_zone1/temp").mkdir()  # reading it fails, as of a sensor that is off
    return root


def pc(root: Path) -> Path:
    """A PC with two cores, capped by its owner, that has been throttled before; its energy may be read."""
    rapl, thermal = "sys/class/powercap", "sys/class/thermal"
    files: dict[str, object] = {
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz",
        "proc/self/status": "Name:\tpython3\nVmHWM:\t  102400 kB\nVmRSS:\t   51200 kB",
        f"{thermal}/thermal_zone0/type": "acpitz",
        f"{thermal}/thermal_zone0/temp": 25000,
        f"{thermal}/thermal_zone1/type": "x86_pkg_temp",
        f"{thermal}/thermal_zone1/temp": 71000,
        f"{thermal}/cooling_device0/type": "Processor",
        f"{thermal}/cooling_device0/cur_state": 0,
        f"{thermal}/cooling_device1/type": "intel_powerclamp",
        f"{thermal}/cooling_device1/cur_state": -1,
        f"{rapl}/intel-rapl/enabled": 1,
        f"{rapl}/intel-rapl:1/name": "psys",
        f"{rapl}/intel-rapl:1/energy_uj": 77,
        f"{rapl}/intel-rapl:1/max_energy_range_uj": 262143328850,
    }
    for zone, name, energy in (("0", "package-0", 262143000000), ("0:0", "core", 5), ("0:2", "dram", 1000000)):
        files[f"{rapl}/intel-rapl:{zone}/name"] = name
        files[f"{rapl}/intel-rapl:{zone}/energy_uj"] = energy
        files[f"{rapl}/intel-rapl:{zone}/max_energy_range_uj"] = 262143328850
    for core, clock in ((0, 1900000), (1, 4199987)):
        files[f"{CPU}/cpu{core}/thermal_throttle/core_throttle_count"] = 17
        files[f"{CPU}/cpu{core}/thermal_throttle/package_throttle_count"] = 40
        files[f"{CPU}/cpufreq/policy{core}/scaling_cur_freq"] = clock
        files[f"{CPU}/cpufreq/policy{core}/scaling_max_freq"] = 4200000
        files[f"{CPU}/cpufreq/policy{core}/cpuinfo_max_freq"] = 4200000 if core else 4400000
    return put(root, files)


def _rail(hwmon: str, channel: int, label: str, millivolts: int, milliamperes: int) -> dict[str, object]:
    return {
        f"{hwmon}/in{channel}_label": label,
        f"{hwmon}/in{channel}_input": millivolts,
        f"{hwmon}/curr{channel}_input": milliamperes,
    }
