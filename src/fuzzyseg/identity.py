"""Whose image it is, comparable but not readable."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

# A key of this process alone: marks can be compared while it runs, and mean nothing after it.
_KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class Identity:
    """Marks of the patient, the visit and the frame of reference of an image.

    Two marks are equal where the identifiers they were made from are. The identifiers cannot be
    had back from them, and the same ones give other marks in the next process: whatever is
    written, no identity leaves with it.

    Parameters
    ----------
    patient, study, frame : str
        Marks made by `mark` of Patient ID, Study Instance UID and Frame of Reference UID;
        empty where the file names none.
    """

    patient: str = field(default="", repr=False)
    study: str = field(default="", repr=False)
    frame: str = field(default="", repr=False)

    def conflicts(self, other: Identity) -> tuple[str, ...]:
        """Name what two images both have and that differs: "patient", "study", "frame"."""
        return tuple(
            name
            for name in ("patient", "study", "frame")
            if getattr(self, name)
            and getattr(other, name)
            and getattr(self, name) != getattr(other, name)
        )


def mark(identifier: str) -> str:
    """Turn an identifier into a mark, the empty one into an empty mark."""
    text = identifier.strip()
    return hashlib.blake2b(text.encode(), key=_KEY, digest_size=16).hexdigest() if text else ""
