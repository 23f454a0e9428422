"""DICOM files as lists of raw elements: an independent parser of explicit VR, little endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

PREAMBLE = 132
# These have a length of four bytes after two that are reserved (PS3.5 7.1.2).
LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UT", b"UN", b"UC", b"UR"}
PIXEL_DATA = (0x7FE0, 0x0010)
UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Element:
    """One element of the top level; `value` of a sequence is its bytes."""

    tag: tuple[int, int]
    vr: bytes
    value: bytes
    undefined: bool = False

    def to_bytes(self) -> bytes:
        """As it stands in a file."""
        length = UNDEFINED if self.undefined else len(self.value)
        head = struct.pack("<HH", *self.tag) + self.vr
        if self.vr in LONG:
            return head + struct.pack("<HI", 0, length) + self.value
        return head + struct.pack("<H", length & 0xFFFF) + self.value


def parse(raw: bytes) -> list[Element] | None:
    """List the elements after the preamble; None where the bytes do not hold together."""
    found, at = [], PREAMBLE
    while at < len(raw):
        if at + 8 > len(raw):
            return None
        tag = struct.unpack_from("<HH", raw, at)
        vr = raw[at + 4 : at + 6]
        if vr in LONG:
            if at + 12 > len(raw):
                return None
            (length,) = struct.unpack_from("<I", raw, at + 8)
            at += 12
        else:
            (length,) = struct.unpack_from("<H", raw, at + 6)
            at += 8
        undefined = length == UNDEFINED
        if undefined:
            if tag != PIXEL_DATA:
                return None
            length = len(raw) - at
        if at + length > len(raw):
            return None
        found.append(Element(tag, vr, raw[at : at + length], undefined))
        at += length
    return found


def build(raw: bytes, elements: list[Element]) -> bytes:
    """Put elements behind the preamble of `raw`."""
    return raw[:PREAMBLE] + b"".join(element.to_bytes() for element in elements)


def with_value(element: Element, value: bytes) -> Element:
    """Change a value, padded to even length."""
    return replace(element, value=value + b" " * (len(value) % 2))
