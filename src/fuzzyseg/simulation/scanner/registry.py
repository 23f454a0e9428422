"""The scanner protocols there are: the one list that the command line, `info` and cohorts read.

A scanner is a module of `cameras/` with a `PROTOCOL`, and its name here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import load
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from fuzzyseg.simulation.scanner.protocol import Protocol

_CAMERAS = (
    "discovery670",
    "symbia_t16",
)
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (load(f"{__package__}.cameras.{camera}:PROTOCOL") for camera in _CAMERAS)
}


def get_protocol(name: str) -> Protocol:
    """Look a protocol up by name.

    Raises
    ------
    InputError
        If no protocol has that name.
    """
    return entry_of(PROTOCOLS, name, "protocol")
