"""The firmware's C code as a shared library, with a clock and a port that the test holds."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import firmware_bridge
from firmware_bridge.link.messages import BY_ID, FORMS, Hello, Message
from tests.firmware_bridge.vectors import HOST, HOSTS_HELLO, MAKERS_OWN, PROBE, PROBES_HELLO, host

SOURCES = Path(firmware_bridge.__file__).parent / "c"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
CTYPES = {
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "int16_t": ctypes.c_int16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
}


def need(*tools: str) -> None:
    """Fail where one of them is missing."""
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        pytest.fail(
            f"no {', '.join(missing)}: as root, apt-get install gcc clang gcc-arm-none-eabi libnewlib-arm-none-eabi"
        )


def compile_(out: Path, *sources: Path, compiler: str = "gcc", options: tuple[str, ...] = ()) -> Path:
    """Compiled for this machine, with the link's code."""
    need(compiler)
    flags = ("-O2", "-g", *STRICT, f"-I{SOURCES}", *options)
    subprocess.run([compiler, *flags, *sources, SOURCES / "sonoedge_link.c", "-o", out], check=True)
    return out


def library(folder: Path, *options: str) -> ctypes.CDLL:
    """The link alone; what C leaves undefined ends the process."""
    traps = ("-shared", "-fPIC", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    loaded = ctypes.CDLL(str(compile_(folder / f"link{'_'.join(options)}.so", options=(*traps, *options))))
    for name in ("sonoedge_send", "sonoedge_pass", "sonoedge_silent"):
        getattr(loaded, name).restype = ctypes.c_bool
    return loaded


def _numbers(cls: type[Message]) -> list[tuple[str, type]]:
    return [(name, CTYPES[wire.c_type]) for name, wire in FORMS[cls].wires if wire.code != "text"]


STRUCTS = {cls: type(cls.__name__, (ctypes.Structure,), {"_fields_": _numbers(cls)}) for cls in FORMS}
NAMES = {cls: f"m{FORMS[cls].id}" for cls in FORMS}


class _Fields(ctypes.Union):
    _fields_ = [(NAMES[cls], struct) for cls, struct in STRUCTS.items()]  # noqa: RUF012  ctypes wants it so


class _Message(ctypes.Structure):
    _fields_ = [
        ("id", ctypes.c_uint16),
        ("length", ctypes.c_uint16),
        ("bytes", ctypes.c_void_p),
        ("fields", _Fields),
    ]


_TICKS = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)
_PUT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint8)
_UP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_bool)
_HANDLE = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.POINTER(_Message))


class _Io(ctypes.Structure):
    _fields_ = [
        ("context", ctypes.c_void_p),
        ("ticks_us", _TICKS),
        ("put", _PUT),
        ("up", _UP),
        ("handle", _HANDLE),
        ("hello", ctypes.POINTER(_Message)),
    ]


class _Link(ctypes.Structure):
    _fields_ = [  # its beginning, and room for the rest
        ("io", ctypes.POINTER(_Io)),
        ("damaged", ctypes.c_uint16),
        ("stale", ctypes.c_uint16),
        ("skipped", ctypes.c_uint16),
        ("rest", ctypes.c_uint8 * 1024),
    ]


def to_c(number: int, message: Message | bytes) -> _Message:
    """A message of the table field by field; of any other id, its payload."""
    made = _Message(id=number)
    text = message if isinstance(message, bytes) else b""
    if isinstance(message, Message):
        into = getattr(made.fields, NAMES[type(message)])
        for name, wire in FORMS[type(message)].wires:
            value = getattr(message, name)
            if wire.code == "text":
                text = value.encode()
            else:
                setattr(into, name, value)
    made.kept = ctypes.create_string_buffer(text, len(text))  # as long as the struct that points to it
    made.bytes, made.length = ctypes.addressof(made.kept), len(text)
    return made


def from_c(made: _Message) -> Message | bytes:
    """The same, back."""
    rest = ctypes.string_at(made.bytes, made.length)
    cls = BY_ID.get(made.id)
    if cls is None:
        return rest
    fields = getattr(made.fields, NAMES[cls])
    values: list[int | str] = [getattr(fields, name) for name, _ in _numbers(cls)]
    return cls(*values, *([rest.decode(errors="replace")] if FORMS[cls].has_text else []))


class CProbe:
    """One link in C: what it said, what it handed on."""

    def __init__(self, code: ctypes.CDLL, session: int = PROBE, hello: Hello = PROBES_HELLO, now_us: int = 0) -> None:
        self.now_us = now_us
        self.handed: list[tuple[int, Message | bytes]] = []
        self.ups: list[bool] = []  # whether a message was lost, at each host that came
        self._said = bytearray()
        self._code, self._link = code, _Link()
        self._io = _Io(
            ticks_us=_TICKS(lambda _: self.now_us),
            put=_PUT(lambda _, byte: self._said.append(byte)),
            up=_UP(lambda _, lost: self.ups.append(lost)),
            handle=_HANDLE(self._handle),
            hello=ctypes.pointer(to_c(FORMS[Hello].id, hello)),
        )
        code.sonoedge_start(ctypes.byref(self._link), ctypes.byref(self._io), ctypes.c_uint32(session))

    def _handle(self, _: object, message: ctypes._Pointer[_Message]) -> bool:
        self.handed.append((message.contents.id, from_c(message.contents)))
        return message.contents.id in BY_ID or message.contents.id == MAKERS_OWN

    def feed(self, data: bytes) -> None:
        self._code.sonoedge_feed(ctypes.byref(self._link), data, ctypes.c_size_t(len(data)))

    def poll(self, at_us: int | None = None) -> bytes:
        self.now_us = self.now_us if at_us is None else at_us
        self._code.sonoedge_poll(ctypes.byref(self._link))
        return self.said()

    def send(self, message: Message | bytes, number: int | None = None) -> bool:
        """Numbered."""
        return self._say(self._code.sonoedge_send, message, number)

    def pass_(self, message: Message | bytes, number: int | None = None) -> bool:
        return self._say(self._code.sonoedge_pass, message, number)

    def _say(self, call: Callable[..., bool], message: Message | bytes, number: int | None) -> bool:
        number = FORMS[type(message)].id if isinstance(message, Message) else number or MAKERS_OWN
        return call(ctypes.byref(self._link), ctypes.byref(to_c(number, message)))

    def said(self) -> bytes:
        """The bytes since the last call."""
        said = bytes(self._said)
        self._said.clear()
        return said

    @property
    def silent(self) -> bool:
        return bool(self._code.sonoedge_silent(ctypes.byref(self._link)))

    @property
    def damaged(self) -> int:
        return self._link.damaged

    @property
    def stale(self) -> int:
        return self._link.stale

    @property
    def skipped(self) -> int:
        return self._link.skipped

    def meet(self, session: int = HOST, probe: int = PROBE) -> CProbe:
        """A host comes that knows this probe already."""
        self.feed(host(HOSTS_HELLO, session=session, probe=probe))
        assert self.ups
        self.said()
        return self
