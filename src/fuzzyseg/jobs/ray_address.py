"""Whether a Ray cluster answers, told in seconds where Ray itself waits for minutes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line

_ANSWERS_S = 5.0  # a cluster that is there answers at once
# Ray's ports speak gRPC, which is HTTP/2: a client says this, and the server's first frame is its
# settings (RFC 9113, sections 3.4 and 6.5).
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_FRAME_HEAD, _TYPE, _SETTINGS = 9, 3, 4


def cluster_address(address: str | None) -> str | None:
    """Find the cluster that is meant, and make sure that it answers.

    Parameters
    ----------
    address : str or None
        HOST:PORT of the head, or ray://HOST:PORT; None: what RAY_ADDRESS says, else what
        `ray start` wrote down on this machine.

    Returns
    -------
    str or None
        None where nothing says so: Ray looks among the processes of this machine.

    Raises
    ------
    InputError
        If nothing answers there, or what does is no Ray cluster.
    """
    address = address or os.environ.get("RAY_ADDRESS") or _written_down()
    if address is not None and address != "auto":
        _require_answer(address)
    return address


def _written_down() -> str | None:
    """Address that `ray start` left on this machine, where its cluster may be long gone."""
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - Ray's
    try:
        return (Path(folder) / "ray" / "ray_current_cluster").read_text("utf-8").strip() or None
    except OSError:
        return None


def _require_answer(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _ANSWERS_S) as connection:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return
            connection.sendall(_HELLO)
            head = connection.recv(_FRAME_HEAD, socket.MSG_WAITALL)
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"expected a Ray cluster at {address}, found no answer there "
            f"({one_line(error)}); give the HOST:PORT that ray start --head shows"
        ) from error
    if len(head) < _FRAME_HEAD or head[_TYPE] != _SETTINGS:
        raise InputError(
            f"expected a Ray cluster at {address}, found something else there; give the HOST:PORT "
            "that ray start --head shows"
        )
