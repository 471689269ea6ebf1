"""Structs and ioctl numbers of the kernel's video interface (linux/videodev2.h), as far as they are used here.

Constants keep the kernel's names; a struct `v4l2_bt_timings` is `BtTimings` with the kernel's field names. Sizes come
from ctypes and the numbers from the sizes, so that they are right for 32-bit too, where a time stamp is two C longs.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_int32, c_long, c_uint8, c_uint32, c_uint64, c_void_p, sizeof
from typing import TypeAlias

Argument: TypeAlias = ctypes.Structure | c_int

VIDEO_MAJOR = 81  # of every video node's device number

V4L2_CAP_VIDEO_CAPTURE = 0x00000001
V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x00001000
V4L2_CAP_STREAMING = 0x04000000
V4L2_CAP_DEVICE_CAPS = 0x80000000

V4L2_BUF_TYPE_VIDEO_CAPTURE = 1
V4L2_MEMORY_MMAP = 1
V4L2_BUF_FLAG_ERROR = 0x00000040
V4L2_BUF_FLAG_TIMESTAMP_MASK = 0x0000E000
V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = 0x00002000

V4L2_COLORSPACE_JPEG = 7
V4L2_QUANTIZATION_DEFAULT = 0
V4L2_QUANTIZATION_FULL_RANGE = 1

V4L2_CAP_TIMEPERFRAME = 0x00001000
V4L2_FRMSIZE_TYPE_DISCRETE = 1
V4L2_FRMIVAL_TYPE_DISCRETE = 1

V4L2_CTRL_FLAG_NEXT_CTRL = 0x80000000
V4L2_CID_DV_RX_POWER_PRESENT = 0x00A00964

V4L2_EVENT_SOURCE_CHANGE = 5
V4L2_EVENT_SRC_CH_RESOLUTION = 1

V4L2_IN_CAP_DV_TIMINGS = 0x00000002
V4L2_IN_ST_NO_SIGNAL = 0x00000002
V4L2_IN_ST_NO_H_LOCK = 0x00000100

V4L2_DV_BT_656_1120 = 0
V4L2_DV_VSYNC_POS_POL = 1
V4L2_DV_HSYNC_POS_POL = 2


class Capability(ctypes.Structure):
    _fields_ = (
        ("driver", c_uint8 * 16),
        ("card", c_uint8 * 32),
        ("bus_info", c_uint8 * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class Fmtdesc(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_uint8 * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class PixFormat(ctypes.Structure):
    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    )


class _AnyFormat(ctypes.Union):
    # `window` of the kernel's union holds pointers: it sets the alignment.
    _fields_ = (("pix", PixFormat), ("raw_data", c_uint8 * 200), ("pointer", c_void_p))


class Format(ctypes.Structure):
    _fields_ = (("type", c_uint32), ("fmt", _AnyFormat))


class Requestbuffers(ctypes.Structure):
    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    )


class Timeval(ctypes.Structure):
    _fields_ = (("tv_sec", c_long), ("tv_usec", c_long))


class Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", c_long), ("tv_nsec", c_long))


class Timecode(ctypes.Structure):
    _fields_ = (
        ("type", c_uint32),
        ("flags", c_uint32),
        ("frames", c_uint8),
        ("seconds", c_uint8),
        ("minutes", c_uint8),
        ("hours", c_uint8),
        ("userbits", c_uint8 * 4),
    )


class _Place(ctypes.Union):
    _fields_ = (("offset", c_uint32), ("planes", c_void_p))


class Buffer(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp", Timeval),
        ("timecode", Timecode),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _Place),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    )


class Control(ctypes.Structure):
    _fields_ = (("id", c_uint32), ("value", c_int32))


class Queryctrl(ctypes.Structure):
    _fields_ = (
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_uint8 * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    )


class EventSubscription(ctypes.Structure):
    _fields_ = (("type", c_uint32), ("id", c_uint32), ("flags", c_uint32), ("reserved", c_uint32 * 5))


class EventSrcChange(ctypes.Structure):
    _fields_ = (("changes", c_uint32),)


class _AnyEvent(ctypes.Union):
    # `ctrl` of the kernel's union holds a 64-bit value: it sets the alignment.
    _fields_ = (("src_change", EventSrcChange), ("data", c_uint8 * 64), ("value64", c_uint64))


class Event(ctypes.Structure):
    _fields_ = (
        ("type", c_uint32),
        ("u", _AnyEvent),
        ("pending", c_uint32),
        ("sequence", c_uint32),
        ("timestamp", Timespec),
        ("id", c_uint32),
        ("reserved", c_uint32 * 8),
    )


class Input(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("name", c_uint8 * 32),
        ("type", c_uint32),
        ("audioset", c_uint32),
        ("tuner", c_uint32),
        ("std", c_uint64),
        ("status", c_uint32),
        ("capabilities", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class Edid(ctypes.Structure):
    _fields_ = (
        ("pad", c_uint32),
        ("start_block", c_uint32),
        ("blocks", c_uint32),
        ("reserved", c_uint32 * 5),
        ("edid", c_void_p),
    )


class Fract(ctypes.Structure):
    _fields_ = (("numerator", c_uint32), ("denominator", c_uint32))


class FrmsizeDiscrete(ctypes.Structure):
    _fields_ = (("width", c_uint32), ("height", c_uint32))


class FrmsizeStepwise(ctypes.Structure):
    _fields_ = (
        ("min_width", c_uint32),
        ("max_width", c_uint32),
        ("step_width", c_uint32),
        ("min_height", c_uint32),
        ("max_height", c_uint32),
        ("step_height", c_uint32),
    )


class _AnyFrmsize(ctypes.Union):
    _fields_ = (("discrete", FrmsizeDiscrete), ("stepwise", FrmsizeStepwise))


class Frmsizeenum(ctypes.Structure):
    _anonymous_ = ("any",)
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("any", _AnyFrmsize),
        ("reserved", c_uint32 * 2),
    )


class FrmivalStepwise(ctypes.Structure):
    _fields_ = (("min", Fract), ("max", Fract), ("step", Fract))


class _AnyFrmival(ctypes.Union):
    _fields_ = (("discrete", Fract), ("stepwise", FrmivalStepwise))


class Frmivalenum(ctypes.Structure):
    _anonymous_ = ("any",)
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("any", _AnyFrmival),
        ("reserved", c_uint32 * 2),
    )


class Captureparm(ctypes.Structure):
    _fields_ = (
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("timeperframe", Fract),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    )


class _AnyParm(ctypes.Union):
    _fields_ = (("capture", Captureparm), ("raw_data", c_uint8 * 200))


class Streamparm(ctypes.Structure):
    _fields_ = (("type", c_uint32), ("parm", _AnyParm))


class BtTimings(ctypes.Structure):
    _pack_ = 1
    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("interlaced", c_uint32),
        ("polarities", c_uint32),
        ("pixelclock", c_uint64),
        ("hfrontporch", c_uint32),
        ("hsync", c_uint32),
        ("hbackporch", c_uint32),
        ("vfrontporch", c_uint32),
        ("vsync", c_uint32),
        ("vbackporch", c_uint32),
        ("il_vfrontporch", c_uint32),
        ("il_vsync", c_uint32),
        ("il_vbackporch", c_uint32),
        ("standards", c_uint32),
        ("flags", c_uint32),
        ("picture_aspect", Fract),
        ("cea861_vic", c_uint8),
        ("hdmi_vic", c_uint8),
        ("reserved", c_uint8 * 46),
    )


class _AnyTimings(ctypes.Union):
    _pack_ = 1
    _fields_ = (("bt", BtTimings), ("reserved", c_uint32 * 32))


class DvTimings(ctypes.Structure):
    _pack_ = 1
    _anonymous_ = ("any",)
    _fields_ = (("type", c_uint32), ("any", _AnyTimings))


class EnumDvTimings(ctypes.Structure):
    _fields_ = (("index", c_uint32), ("pad", c_uint32), ("reserved", c_uint32 * 2), ("timings", DvTimings))


_WRITE, _READ = 1, 2  # asm-generic/ioctl.h: seen from the program


def _ioc(direction: int, number: int, argument: type[Argument]) -> int:
    return direction << 30 | sizeof(argument) << 16 | ord("V") << 8 | number


VIDIOC_QUERYCAP = _ioc(_READ, 0, Capability)
VIDIOC_ENUM_FMT = _ioc(_READ | _WRITE, 2, Fmtdesc)
VIDIOC_G_FMT = _ioc(_READ | _WRITE, 4, Format)
VIDIOC_S_FMT = _ioc(_READ | _WRITE, 5, Format)
VIDIOC_REQBUFS = _ioc(_READ | _WRITE, 8, Requestbuffers)
VIDIOC_QUERYBUF = _ioc(_READ | _WRITE, 9, Buffer)
VIDIOC_QBUF = _ioc(_READ | _WRITE, 15, Buffer)
VIDIOC_DQBUF = _ioc(_READ | _WRITE, 17, Buffer)
VIDIOC_STREAMON = _ioc(_WRITE, 18, c_int)
VIDIOC_STREAMOFF = _ioc(_WRITE, 19, c_int)
VIDIOC_G_PARM = _ioc(_READ | _WRITE, 21, Streamparm)
VIDIOC_S_PARM = _ioc(_READ | _WRITE, 22, Streamparm)
VIDIOC_ENUMINPUT = _ioc(_READ | _WRITE, 26, Input)
VIDIOC_G_CTRL = _ioc(_READ | _WRITE, 27, Control)
VIDIOC_S_CTRL = _ioc(_READ | _WRITE, 28, Control)
VIDIOC_QUERYCTRL = _ioc(_READ | _WRITE, 36, Queryctrl)
VIDIOC_G_INPUT = _ioc(_READ, 38, c_int)
VIDIOC_S_INPUT = _ioc(_READ | _WRITE, 39, c_int)
VIDIOC_G_EDID = _ioc(_READ | _WRITE, 40, Edid)
VIDIOC_S_EDID = _ioc(_READ | _WRITE, 41, Edid)
VIDIOC_ENUM_FRAMESIZES = _ioc(_READ | _WRITE, 74, Frmsizeenum)
VIDIOC_ENUM_FRAMEINTERVALS = _ioc(_READ | _WRITE, 75, Frmivalenum)
VIDIOC_S_DV_TIMINGS = _ioc(_READ | _WRITE, 87, DvTimings)
VIDIOC_G_DV_TIMINGS = _ioc(_READ | _WRITE, 88, DvTimings)
VIDIOC_DQEVENT = _ioc(_READ, 89, Event)
VIDIOC_SUBSCRIBE_EVENT = _ioc(_WRITE, 90, EventSubscription)
VIDIOC_ENUM_DV_TIMINGS = _ioc(_READ | _WRITE, 98, EnumDvTimings)
VIDIOC_QUERY_DV_TIMINGS = _ioc(_READ, 99, DvTimings)
