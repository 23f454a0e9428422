"""What results were made of: told at a glance by files, for certain by what images hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.io.sidecar import sidecar_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fuzzyseg.batch.source import Source
    from fuzzyseg.quantification.measuring import Measuring
    from fuzzyseg.volume import Study

# Headers whose voxels lie in a file that they name: they may stay as they are when it does not.
_APART = (".hdr", ".mhd", ".nhdr")


def input_digest(study: Study, measuring: Measuring) -> str:
    """Tell what a result is made of from anything else, wherever it lies and however it is packed.

    Parameters
    ----------
    study : Study
        As it was read.
    measuring : Measuring
        With the patient's own values.

    Returns
    -------
    str
        sha256, in hexadecimal digits, of values, places, units and the patient's figures.
    """
    digest = hashlib.sha256(json.dumps(asdict(measuring), sort_keys=True).encode())
    for volume in study.volumes:
        told = [
            volume.modality, volume.unit, volume.nuclide, volume.half_life_s, volume.shape,
            volume.affine.tolist(), asdict(volume.administration),
        ]  # fmt: skip
        digest.update(json.dumps(told).encode())
        digest.update(np.ascontiguousarray(volume.array.T).data)  # no copy of what readers return
    return digest.hexdigest()


def glance(source: Source) -> str:
    """Tell whether a source's files are as they were, without opening them.

    Returns
    -------
    str
        sha256 of their paths, sizes and times of change, and of what the source says of the
        patient; empty where that does not suffice, or a file cannot be found.
    """
    own = [source.series, source.ct_series, source.modality, sorted(source.measuring.items())]
    paths = [path for path in (source.image, source.ct) if path is not None]
    if any(path.suffix.lower() in _APART for path in paths):
        return ""
    try:
        found = [list(_looks(path)) for path in paths]
    except OSError:
        return ""
    return hashlib.sha256(json.dumps([own, found]).encode("utf-8", "surrogateescape")).hexdigest()


def _looks(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """Path, size and times of a file, its JSON file, or each in a folder.

    Nobody can set the last time.
    """
    path = path.resolve(strict=True)
    inside = path.rglob("*") if path.is_dir() else (path, sidecar_path(path))
    files = sorted(p for p in inside if p.is_file())
    for file in files:
        told = file.stat()
        yield str(file), told.st_size, told.st_mtime_ns, told.st_ctime_ns
