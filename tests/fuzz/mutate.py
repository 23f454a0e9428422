"""Mutators: what accidents, broken exporters and attackers do to files; each from a seed."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from dicom_bytes import PIXEL_DATA, build, parse, with_value

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from corpus import Study

# Numbers that no image has, and some that it may have, as texts of VR DS and IS.
NUMBERS = (
    b"inf",
    b"-inf",
    b"nan",
    b"-1",
    b"0",
    b"1e9",
    b"-1e9",
    b"1e308",
    b"1e-30",
    b"",
    b"x",
    b"7",
)
BINARY = {b"US": "<H", b"SS": "<h", b"UL": "<I", b"FD": "<d", b"FL": "<f"}
OTHER_VRS = (b"PN", b"AT", b"UT", b"SQ", b"DS", b"US", b"UN", b"FD", b"OB", b"LO", b"ZZ")
FLOATS = (float("inf"), float("nan"), -1.0, 0.0, 1e9, 1e308, 1e-30, 7.0)
# Fields of the NIfTI-1 header: offset and type (nifti1.h).
NIFTI_FIELDS = (
    *(
        (0, "<i"),
        (40, "<h"),
        (42, "<h"),
        (44, "<h"),
        (46, "<h"),
        (48, "<h"),
        (70, "<h"),
        (72, "<h"),
    ),
    *((76 + 4 * i, "<f") for i in range(8)),
    *((108, "<f"), (112, "<f"), (116, "<f"), (123, "<B"), (252, "<h"), (254, "<h")),
    *((256 + 4 * i, "<f") for i in range(18)),
)


def flip_bytes(raw: bytes, rng: random.Random) -> bytes:
    """Change one to eight bytes, mostly of the header."""
    changed = bytearray(raw)
    end = len(raw) if rng.random() < 0.3 else min(len(raw), 2500)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(end)] = rng.choice((0, 255, rng.randrange(256)))
    return bytes(changed)


def cut(raw: bytes, rng: random.Random) -> bytes:
    """Keep the beginning."""
    return raw[: rng.randrange(len(raw))]


def insert(raw: bytes, rng: random.Random) -> bytes:
    """Put bytes in between."""
    at = rng.randrange(len(raw))
    return raw[:at] + rng.randbytes(rng.randint(1, 40)) + raw[at:]


def append(raw: bytes, rng: random.Random) -> bytes:
    """Put bytes behind."""
    return raw + rng.randbytes(rng.randint(1, 2000))


def dicom_element(raw: bytes, rng: random.Random) -> bytes:
    """Change one element: its value, VR, length, number of values, presence or order."""
    elements = parse(raw)
    assert elements is not None
    at = rng.randrange(len(elements))
    element = elements[at]
    how = rng.randrange(8)
    if how == 0:
        del elements[at]
    elif how == 1:
        elements.insert(rng.randrange(len(elements) + 1), element)
    elif how == 2:
        elements[at] = replace(element, vr=rng.choice(OTHER_VRS), undefined=False)
    elif how == 3:
        values = element.value.rstrip(b" \0").split(b"\\")
        elements[at] = with_value(element, b"\\".join(values * 2 if values != [b""] else [b"1"]))
    elif how == 4 and element.tag != PIXEL_DATA:
        elements[at] = with_value(element, rng.randbytes(rng.choice((0, 1, 2, 3, 8, 64))))
    elif element.vr in BINARY:
        elements[at] = replace(element, value=_binary(BINARY[element.vr], rng))
    elif element.vr == b"SQ":
        elements[at] = replace(element, value=_inside(element.value, rng))
    elif element.tag != PIXEL_DATA:
        values = element.value.rstrip(b" \0").split(b"\\")
        values[rng.randrange(len(values))] = rng.choice(NUMBERS)
        elements[at] = with_value(element, b"\\".join(values))
    return build(raw, elements)


def dicom_number(raw: bytes, rng: random.Random) -> bytes:
    """Change an element that holds a number and changes the image."""
    elements = parse(raw)
    assert elements is not None
    groups = (0x0028, 0x0054, 0x0018, 0x0020, 0x0040)
    places = [
        i
        for i, e in enumerate(elements)
        if e.tag[0] in groups and (e.vr in BINARY or e.vr in (b"DS", b"IS", b"SQ"))
    ]
    at = rng.choice(places)
    element = elements[at]
    if element.vr in BINARY:
        elements[at] = replace(element, value=_binary(BINARY[element.vr], rng))
    elif element.vr == b"SQ":
        elements[at] = replace(element, value=_inside(element.value, rng))
    else:
        values = element.value.rstrip(b" \0").split(b"\\")
        values[rng.randrange(len(values))] = rng.choice(NUMBERS)
        elements[at] = with_value(element, b"\\".join(values))
    return build(raw, elements)


def _binary(form: str, rng: random.Random) -> bytes:
    size = struct.calcsize(form)
    if form in ("<d", "<f"):
        value = rng.choice(FLOATS)
        return struct.pack(form, min(value, 3e38) if form == "<f" and value < 1e400 else value)
    return rng.choice(
        (b"\0" * size, b"\xff" * size, b"\x07" + b"\0" * (size - 1), rng.randbytes(size))
    )


def _inside(value: bytes, rng: random.Random) -> bytes:
    """Change a few bytes inside a sequence, or a number there to another of the same length."""
    changed = bytearray(value or b"\0\0")
    at = rng.randrange(len(changed))
    if rng.random() < 0.5:
        other = rng.choice(NUMBERS)
        changed[at : at + len(other)] = other
        changed = changed[: len(value)]
    else:
        changed[at] = rng.randrange(256)
    return bytes(changed)


def nifti_field(raw: bytes, rng: random.Random) -> bytes:
    """Give one field of the header another value."""
    offset, form = rng.choice(NIFTI_FIELDS)
    changed = bytearray(raw)
    if form == "<f":
        value = rng.choice(FLOATS)
        struct.pack_into(form, changed, offset, value if value != 1e308 else 1e30)
    else:
        size = struct.calcsize(form)
        changed[offset : offset + size] = rng.choice(
            (b"\0" * size, b"\xff" * size, b"\x07" + b"\0" * (size - 1), rng.randbytes(size))
        )
    return bytes(changed)


MUTATORS: dict[str, tuple[Callable[[bytes, random.Random], bytes], ...]] = {
    "dicom": (flip_bytes, cut, insert, append, *[dicom_element] * 4, *[dicom_number] * 4),
    "nifti": (flip_bytes, cut, insert, append, *[nifti_field] * 6),
    "opaque": (flip_bytes, cut, insert, append),
}


def mutant(study: Study, rng: random.Random) -> tuple[dict[str, bytes], str]:
    """Mutate one file of a study, or leave one out; returns all files, and what was done."""
    files = dict(study.files)
    name = rng.choice(sorted(files))
    if len(files) > 1 and rng.random() < 0.02:  # an inner one: no file says how many there were
        del files[rng.choice(sorted(files)[1:-1])]
        return files, "leave_out"
    how = rng.choice(MUTATORS[study.kind])
    times = 1 if rng.random() < 0.8 else 2
    for _ in range(times):
        if study.kind == "dicom" and parse(files[name]) is None:
            break
        if files[name]:
            files[name] = how(files[name], rng)
    return files, how.__name__
