"""What a device knows of itself reaches the report: that no signal arrives, what befell it, what nobody got."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from edge.budget import Budget
from edge.examine import Examination
from edge.findings import Reason
from edge.frame import Frame, FrameSource, LiveSource, SourceEvent, Spacing
from edge.pipeline import Options, Pipeline
from edge.report import Report, encode
from edge.screen.read import ScreenReader
from tests.pictures import CENTRED, MM_PER_PX, Listed, frame, wrist


class Device:
    """A cable that was out for one frame."""

    stream = True
    dropped = 7

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Frame]:
        yield frame(wrist(CENTRED, seed=1), index=0)
        yield Frame(None, time.monotonic_ns(), 1, fault="no signal: cable out", no_signal=True)
        yield frame(wrist(CENTRED, seed=2), index=2)

    def events(self) -> tuple[SourceEvent, ...]:
        return SourceEvent(3, "live", "frames come"), SourceEvent(5, "no signal", "cable out")

    def close(self) -> None:
        """Nothing is open."""


def examined(bundle, source: FrameSource) -> Report:
    pipeline = Pipeline(bundle, Options(spacing=Spacing(MM_PER_PX, "manual")), stream=source.stream)
    exam = Examination(bundle, pipeline, source, "v4l2:/dev/video0", Budget(None))
    exam.run()
    return exam.report()


def test_a_device_that_says_no_signal_is_believed():
    reading = ScreenReader(stream=True)(Frame(None, 0, 0, fault="no signal", no_signal=True))
    assert (reading.signal, reading.scan, reading.reason) == ("no signal", None, Reason.NO_SIGNAL)
    unreadable = ScreenReader(stream=True)(Frame(None, 0, 0, fault="cut short"))
    assert (unreadable.signal, unreadable.reason) == ("unreadable", Reason.UNREADABLE)


def test_what_befell_a_device_is_in_the_report(tiny_bundle):
    report = examined(tiny_bundle, Device())
    assert isinstance(Device(), LiveSource)
    assert report.source.dropped == 7
    assert [event.state for event in report.source.events] == ["live", "no signal"]
    assert report.frames[1].reason is Reason.NO_SIGNAL
    assert report.frames[2].reason is None
    assert msgspec.json.decode(encode(report), type=Report) == report


def test_a_file_has_no_device_behind_it(tiny_bundle):
    source = Listed([frame(wrist(CENTRED), index=0)], stream=True)
    report = examined(tiny_bundle, source)
    assert not isinstance(source, LiveSource)
    assert (report.source.dropped, report.source.events) == (None, None)
