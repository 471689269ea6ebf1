"""The grader that a device can afford: the rule, the measurement, its cache, and the word of it in the report."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle import ASSETS
from edge.choice import AS_FAST, Combination, accuracy, choose
from edge.device_times import KEPT_FOR_S, _place, combinations
from edge.manifest import Proof, ProofFigure
from edge.pipeline import Options
from edge.report import decode
from tests.pictures import CENTRED, frame, wrist


def ways(**times: dict[int, float]) -> list[Combination]:
    accuracies = {"small": 0.80, "large": 0.90, "unproved": None}
    return [
        Combination(grader=grader, threads=threads, p95_ms=ms, accuracy=accuracies[grader])
        for grader, by_threads in times.items()
        for threads, ms in by_threads.items()
    ]


def taken(measured, budget_ms, default="small"):
    choice = choose(measured, budget_ms, default)
    return choice.grader, choice.threads, choice.fits


def test_the_most_accurate_that_fits():
    both = ways(small={1: 40.0}, large={1: 90.0})
    assert taken(both, 100) == ("large", 1, True)
    assert taken(both, 60) == ("small", 1, True)
    assert taken(both, 20) == ("small", 1, False)


def test_more_threads_where_only_they_keep_the_budget_or_are_much_faster():
    assert taken(ways(large={1: 120.0, 4: 60.0}), 100) == ("large", 4, True)
    assert taken(ways(large={1: 50.0, 2: 48.0, 4: 70.0}), 100) == ("large", 1, True)
    assert taken(ways(large={1: 90.0, 2: 50.0, 4: 49.0}), 100) == ("large", 2, True)


def test_of_equals_the_bundles_default_and_the_proved_before_the_unproved():
    equal = [Combination(grader=name, threads=1, p95_ms=9.0, accuracy=0.9) for name in ("one", "other")]
    assert taken(equal, 100, default="other") == ("other", 1, True)
    assert taken(ways(unproved={1: 1.0}, small={1: 9.0}), 100, default="unproved") == ("small", 1, True)


@given(
    st.lists(
        st.builds(
            Combination,
            grader=st.sampled_from("abc"),
            threads=st.integers(1, 8),
            p95_ms=st.floats(0.1, 200),
            accuracy=st.none() | st.floats(0, 1),
        ),
        min_size=1,
        unique_by=lambda each: (each.grader, each.threads),
    )
)
def test_whenever_something_fits_what_is_taken_fits(measured):
    choice = choose(measured, 100.0, "a")
    took = next(each for each in measured if (each.grader, each.threads) == (choice.grader, choice.threads))
    assert choice.fits == any(each.p95_ms <= 100.0 for each in measured)
    if choice.fits:
        assert took.p95_ms <= 100.0
    else:
        assert took.p95_ms <= AS_FAST * min(each.p95_ms for each in measured)


def proof(labelled: bool) -> Proof:
    figure = ProofFigure(unit="share", in_float=0.9, in_int8=0.88, bound=0.01, margin=None)
    return Proof(labelled=labelled, frames=9, subjects=3, figures={"accuracy": figure})


def test_only_labelled_evidence_is_accuracy(tiny_bundle):
    entry = tiny_bundle.manifest.graders["brightness"]
    assert accuracy(entry) is None
    assert accuracy(msgspec.structs.replace(entry, proof=proof(False))) is None
    assert accuracy(msgspec.structs.replace(entry, proof=proof(True))) == 0.88


def test_a_device_is_measured_once(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = []

    def frames():
        for index in range(4):
            asked.append(index)
            yield frame(wrist(CENTRED, seed=index), index=index)

    def measured(graders=("brightness", "darkness")):
        return combinations(tiny_bundle, frames(), Options(), graders, (1, 2))

    first = measured()
    assert [(each.grader, each.threads) for each in first] == [
        ("brightness", 1),
        ("darkness", 1),
        ("brightness", 2),
        ("darkness", 2),
    ]
    assert all(0.0 < each.p95_ms < 10_000.0 for each in first)
    assert asked == [0, 1, 2, 3]
    assert measured() == first
    assert asked == [0, 1, 2, 3], "out of the cache"
    measured(("brightness",))
    assert len(asked) == 8, "another question"
    for kept in tmp_path.rglob("*.json"):
        os.utime(kept, (0, time.time() - KEPT_FOR_S - 1))
    measured()
    assert len(asked) == 12, "a week later"


def test_a_cache_that_is_torn_or_cannot_be_written_costs_a_measurement(tiny_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    frames = [frame(wrist(CENTRED, seed=index), index=index) for index in range(3)]
    combinations(tiny_bundle, frames, Options(), ("brightness",), (1,))
    (kept,) = tmp_path.rglob("*.json")
    kept.write_bytes(b"[{")
    assert len(combinations(tiny_bundle, frames, Options(), ("brightness",), (1,))) == 1
    assert capsys.readouterr().err == ""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(combinations(tiny_bundle, frames, Options(), ("brightness",), (1,))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}/file/" in line and "Not a directory" in line and "XDG_CACHE_HOME" in line


def test_a_cache_on_a_full_disk_is_told_in_the_same_words(tiny_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    frames = [frame(wrist(CENTRED))]
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        combinations(tiny_bundle, frames, Options(), ("brightness",), (1,))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    (line,) = capsys.readouterr().err.splitlines()
    assert "(File too large)" in line and "XDG_CACHE_HOME" in line


def test_a_user_without_home_or_account_keeps_nothing_where_it_happens_to_stand(tiny_bundle, monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert _place(tiny_bundle, Options(), (), ()).parent == Path("/.cache/sonoedge/device-times")


@pytest.mark.parametrize(
    ("words", "measured"),
    [([], None), (["--budget-ms", "5000"], 3), (["--budget-ms", "5000", "--grader", "mobilenet_v2"], None)],
    ids=["no budget named", "a budget", "a budget and a grader"],
)
def test_run_says_what_it_chose_and_why(tmp_path, words, measured):
    clip = ASSETS / "demo-transverse.mp4"
    environment = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(
        [sys.executable, "-m", "edge.cli", "run", "--source", str(clip), "--frames", "2", "--report", "r.json", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    bundle = decode((tmp_path / "r.json").read_bytes(), "r.json").bundle
    if measured is None:
        assert bundle.choice is None and bundle.grader == "mobilenet_v2" and "chosen" not in said
        return
    assert len(bundle.choice.measured) == measured
    assert bundle.grader == bundle.choice.grader
    best = max(bundle.choice.measured, key=lambda each: each.accuracy)
    assert bundle.grader == best.grader
    assert f"chosen       {best.grader} on 1 thread, p95 {best.p95_ms:.1f} ms" in said
