"""The page: whole HTML and SVG, the record's numbers, nothing from outside and nothing unescaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest

from edge.bench import bench
from edge.bench.compare import compare
from edge.bench.page import comparison_page, page_of
from edge.bench.plots import Axis
from edge.heat import Throttling
from tests.edge.sysfs import put, raspberry_pi
from tests.edge.test_bench import ON_SCREEN, screens

VOID = {"meta", "br"}
NASTY = "<img src=x onerror=alert(1)>&\"'"


@pytest.fixture(scope="module")
def result(tiny_bundle, tmp_path_factory):
    root = raspberry_pi(tmp_path_factory.mktemp("pi"))
    warms = iter(range(62_000, 99_000, 1000))
    return bench(
        tiny_bundle,
        screens(5),  # of two, a slow machine's looks might always meet the same one: frozen
        ON_SCREEN,
        frames=60,
        warmup=20,
        budget_ms=60.0,
        fps=40.0,
        tick=lambda frames: put(root, {"sys/class/thermal/thermal_zone0/temp": next(warms)}),
        root=root,
    )


class Read(HTMLParser):
    """Checks that what is opened is closed; keeps the texts and the names of the elements."""

    def __init__(self, page):
        super().__init__()
        self.open, self.names, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def drawings(page):
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]  # noqa: S314  ours


def texts(drawing):
    return [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]


def test_the_page_holds_the_numbers_of_the_record(result):
    told = Read(page_of(result)).texts
    for times in (*result.stages.values(), result.frame_age_ms):
        assert {f"{value:.3f}" for value in msgspec.structs.astuple(times)} <= set(told)
    assert {f"{value:.3f}" for value in result.invoke_ms.values()} <= set(told)
    whole = " ".join(told)
    for words in (
        f"{result.overhead_ms:.3f} ms over them",
        f"{result.first_report_s:.3f} s",
        f"{result.rss_mib:.0f} MiB",
        f"{result.deadline_miss_ratio:.2%} missed the budget of 60 ms",
        result.environment.bundle_digest,
        result.environment.interpreter,
    ):
        assert words in whole


def test_the_plots_are_whole_and_marked(result):
    ages, line, warm, fast = drawings(page_of(result))
    assert {f"p50 {result.frame_age_ms.p50_ms:.3g} ms", "budget 60 ms"} <= set(texts(ages))
    assert {"wait", "segment", "grade", "record"} <= set(texts(line))
    assert "°C" in texts(warm)
    assert "MHz" in texts(fast)
    for drawing in (ages, line, warm, fast):
        width, height = map(float, drawing.get("viewBox").split()[2:])
        for each in drawing.iter():
            for name, most in (("x1", width), ("x2", width), ("cx", width), ("y1", height), ("y2", height)):
                assert 0 <= float(each.get(name, 0)) <= most


def test_nothing_comes_from_outside_and_nothing_runs(result):
    page = page_of(result)
    assert "default-src 'none'" in page
    assert not {"script", "img", "link", "iframe"} & set(Read(page).names)
    assert set(re.findall(r"https?://[^\"'\s<]*", page)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in page


def test_text_from_outside_is_escaped(result):
    named = msgspec.structs.replace(
        result,
        environment=msgspec.structs.replace(result.environment, cpu=NASTY, bundle=NASTY, grader=NASTY),
        invoke_ms={NASTY: 1.0},
        throttling=Throttling(throttled=True, why=(NASTY,), notes=(NASTY,)),
    )
    for page in (page_of(named), comparison_page(compare(named, result, (NASTY, NASTY)), named, result)):
        read = Read(page)
        assert "img" not in read.names
        assert any(NASTY in text for text in read.texts)
        drawings(page)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Throttling(throttled=True, why=("the clock is capped",)), "YES, these figures are of a device"),
        (Throttling(throttled=None), "cannot be told on this machine"),
        (Throttling(throttled=False, watched=("cooling devices",)), "no (watched: cooling devices)"),
    ],
)
def test_whether_it_was_throttled_is_said_at_the_top(result, told, words):
    page = page_of(msgspec.structs.replace(result, throttling=told))
    assert page.index(words) < page.index("<h2>")


def test_late_and_in_time_and_without_a_budget(result):
    late = msgspec.structs.replace(result, deadline_miss_ratio=0.25)
    assert "<strong>Late</strong>" in page_of(late)
    assert "25.00% missed" in page_of(late)
    assert "<strong>In time</strong>" in page_of(msgspec.structs.replace(result, deadline_miss_ratio=0.0))
    assert "<strong>No budget set</strong>" in page_of(msgspec.structs.replace(result, budget_ms=None))


def test_two_records_are_drawn_in_one_plot(result):
    (drawn,) = drawings(comparison_page(compare(result, result, ("one.json", "two.json")), result, result))
    assert {"A one.json", "B two.json"} <= set(texts(drawn))
    assert len([each for each in drawn.iter() if each.get("class") == "curve"]) == 2


def test_a_record_of_an_earlier_version_has_a_page_without_what_it_lacks(result):
    old = msgspec.convert(
        {"stages": {}, "frame_age_ms": msgspec.to_builtins(result.frame_age_ms), "frames": 3}, type(result)
    )
    assert drawings(page_of(old)) == []
    Read(page_of(old))
    Read(comparison_page(compare(old, result), old, result))


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [(0.0, 1.0, False), (0.3, 700.0, True), (8.0, 17.0, True), (0.0, 0.013, False), (61, 84, False)],
)
def test_ticks_are_round_numbers_within(low, high, log):
    axis = Axis(low, high, 0.0, 100.0, log)
    ticks = axis.ticks()
    assert 3 <= len(ticks) <= 11
    assert all(low <= tick <= high * 1.0001 for tick in ticks)
    assert all(float(f"{tick:.2g}") == pytest.approx(tick) for tick in ticks)
    assert [axis.at(tick) for tick in ticks] == sorted(axis.at(tick) for tick in ticks)
    assert (axis.at(low), axis.at(high), axis.at(high * 2)) == pytest.approx((0.0, 100.0, 100.0))
