"""The table of messages as a C header, for the firmware: `python -m firmware_bridge.c_tables` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from pathlib import Path

from firmware_bridge.link.messages import (
    FORMS,
    Action,
    Button,
    Capability,
    Form,
    Freeze,
    GradeCode,
    Level,
    Message,
    SideCode,
)
from firmware_bridge.link.packet import MAJOR, MINOR
from firmware_bridge.link.reason_codes import REASON_CODES

HEADER = Path(__file__).with_name("c") / "sonoedge_messages.h"
VALUES: tuple[type[IntEnum | IntFlag], ...] = (Capability, Freeze, SideCode, Button, Action, Level, GradeCode)

TEMPLATE = """\
/* The messages of the link. `python -m firmware_bridge.c_tables` made this of link/messages.py: change that.
 * docs/protocol.md says what each field means. A text is not among the fields: it is what follows them. */
#ifndef SONOEDGE_MESSAGES_H
#define SONOEDGE_MESSAGES_H

#include <stdint.h>

#define SONOEDGE_MAJOR {major}u
#define SONOEDGE_MINOR {minor}u
#define SONOEDGE_LONGEST_FIELDS {longest}u /* bytes of a message but for what follows its fields */

{ids}

{values}

{structs}

/* Which one it is, the message's id says. */
union sonoedge_fields {{
{members}
}};

#ifdef SONOEDGE_TABLES /* for sonoedge_link.c alone */

#include <stddef.h>

struct sonoedge_field {{
    uint8_t offset, size; /* in the message's struct; on the wire they follow one another */
}};

struct sonoedge_form {{
    uint16_t id;
    uint8_t first, count; /* its fields */
}};

#define SONOEDGE_FIELD(type, field) {{offsetof(struct type, field), sizeof(((struct type *)0)->field)}}

static const struct sonoedge_field sonoedge_fields[] = {{
{fields}
}};

static const struct sonoedge_form sonoedge_forms[] = {{
{forms}
}};

#endif
#endif
"""


def header() -> str:
    """The text of sonoedge_messages.h."""
    structs = {cls: form for cls, form in FORMS.items() if _fields(form)}
    return TEMPLATE.format(
        major=MAJOR,
        minor=MINOR,
        longest=max(form.numbers.size for form in FORMS.values()),
        ids=_enum("id", {_snake(cls): form.id for cls, form in FORMS.items()}, hexadecimal=True),
        values="\n\n".join(_values()),
        structs="\n\n".join(_struct(cls, form) for cls, form in structs.items()),
        members="\n".join(f"    struct sonoedge_{_snake(cls)} {_snake(cls)};" for cls in structs),
        fields="\n".join(
            f"    SONOEDGE_FIELD(sonoedge_{_snake(cls)}, {name}),"
            for cls, form in FORMS.items()
            for name in _fields(form)
        ),
        forms="\n".join(_forms()),
    )


def _snake(cls: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


def _fields(form: Form) -> list[str]:
    return [name for name, wire in form.wires if wire.code != "text"]


def _enum(name: str, values: dict[str, int], prefix: str = "", *, hexadecimal: bool = False) -> str:
    shown = {each: f"0x{value:04x}" if hexadecimal else str(value) for each, value in values.items()}
    lines = [f"    SONOEDGE_{prefix}{each.upper()} = {value}," for each, value in shown.items()]
    return "\n".join([f"enum sonoedge_{name} {{", *lines, "};"])


def _values() -> Iterator[str]:
    for kind in VALUES:
        prefix = _snake(kind).removesuffix("_code").upper() + "_"
        yield _enum(_snake(kind), {each.name or "": each.value for each in kind}, prefix)
    reasons = {"none": 0} | {reason.name: code for reason, code in REASON_CODES.items()} | {"newer": 255}
    yield _enum("reason", reasons, "REASON_")


def _struct(cls: type[Message], form: Form) -> str:
    kind = "numbered" if form.numbered else "passing"
    told = (cls.__doc__ or "").splitlines()[0]
    text = f", text: {form.wires[-1][0]}" if form.has_text else ""
    lines = [f"    {wire.c_type} {name};" for name, wire in form.wires if wire.code != "text"]
    return "\n".join(
        [f"/* {told}\n * Said by: {form.speaker}, {kind}{text}. */", f"struct sonoedge_{_snake(cls)} {{", *lines, "};"]
    )


def _forms() -> Iterator[str]:
    first = 0
    for cls, form in FORMS.items():
        count = len(_fields(form))
        yield f"    {{SONOEDGE_{_snake(cls).upper()}, {first}, {count}}},"
        first += count


if __name__ == "__main__":
    HEADER.write_text(header())
