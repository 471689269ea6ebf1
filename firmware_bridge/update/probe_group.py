"""What SMP has no word for, in a group of our own (64 and above are the application's): one question, two answers.

    read, group 0x534F, command 0 -> {"counter": uint, "test": "running" | "passed" | why it failed}

`counter` is the lowest security counter that the boot loader accepts; `test` is the firmware's word on its own test
after this start. Firmware without the group answers "not supported" (8), and MCUboot alone decides on the counter.
"""

from __future__ import annotations

from smp import error, message
from smp.os_management import OS_MGMT_RET_RC

GROUP, COMMAND = 0x534F, 0  # "SO"
RUNNING, PASSED = "running", "passed"


class ProbeReadRequest(message.ReadRequest):
    """What of the probe?"""

    _GROUP_ID = GROUP
    _COMMAND_ID = COMMAND


class ProbeReadResponse(message.ReadResponse):
    """This of the probe."""

    _GROUP_ID = GROUP
    _COMMAND_ID = COMMAND

    counter: int
    test: str


class ProbeErrorV1(error.ErrorV1):
    """The group is not there."""

    _GROUP_ID = GROUP


class ProbeErrorV2(error.ErrorV2[OS_MGMT_RET_RC]):
    """The group has no answer."""

    _GROUP_ID = GROUP


class ProbeRead(ProbeReadRequest):
    """`ProbeReadRequest` with its answers, as smpclient wants them."""

    _Response = ProbeReadResponse
    _ErrorV1 = ProbeErrorV1
    _ErrorV2 = ProbeErrorV2
