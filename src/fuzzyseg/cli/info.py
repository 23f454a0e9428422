"""`fuzzyseg info`."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from fuzzyseg.cli.study_info import study_facts, study_lines
from fuzzyseg.cli.terminal import progress, say
from fuzzyseg.io.output import to_json

if TYPE_CHECKING:
    from fuzzyseg.clustering.registry import Method


@dataclass(frozen=True)
class Command:
    """Show versions, methods and formats, or the contents of a study.

    Parameters
    ----------
    path
        Folder, zip or file: list its series, and what segment would do with each.
    names
        Show descriptions and file names, which may contain patients' names.
    json
        Print JSON.
    debug
        Show a traceback on errors.
    """

    path: Annotated[Path | None, tyro.conf.Positional] = None
    names: bool = False
    json: bool = False
    debug: bool = False

    def run(self) -> None:
        """Print what `facts`, or `study_facts`, finds."""
        if self.path is not None:
            with progress(self.json) as step:
                study = study_facts(self.path, names=self.names, progress=step("reading"))
            for line in [to_json(study).rstrip()] if self.json else study_lines(study):
                say(line)
            return
        found = facts()
        if self.json:
            say(to_json(found).rstrip())
            return
        for title, entries in found.items():
            say(title)
            for name, value in entries.items():
                say(f"  {name:<28} {value}")


def facts() -> dict[str, dict[str, Any]]:
    """Collect versions, the machine, engines, protocols, methods and DICOM compressions."""
    from fuzzyseg.inference.engines import installed_engines
    from fuzzyseg.io import READERS
    from fuzzyseg.losses.registry import LOSSES
    from fuzzyseg.networks.registry import NETWORKS
    from fuzzyseg.provenance import versions
    from fuzzyseg.segmentation.methods import METHODS
    from fuzzyseg.simulation.scanner.registry import PROTOCOLS

    return {
        "versions": versions(),
        "machine": {
            "platform": platform.platform(),
            "processors": os.cpu_count() or 1,
        },
        "engines": installed_engines(),
        "protocols": {name: p.about for name, p in PROTOCOLS.items()},
        "methods": {name: _method(name, method) for name, method in METHODS.items()},
        "losses": {name: entry.about for name, entry in LOSSES.items()},
        "networks": {name: entry.about for name, entry in NETWORKS.items()},
        "formats": {reader.name: reader.about for reader in READERS},
        "dicom compressions": _compressions(),
    }


def _method(name: str, method: Method) -> str:
    from fuzzyseg.segmentation.methods import settings_read

    reads = ", ".join(settings_read(name)) if method.estimator else ""
    return f"{method.about}; reads {reads}" if reads else method.about


def _compressions() -> dict[str, str]:
    from pydicom import uid
    from pydicom.pixels.decoders.base import get_decoder

    found: dict[str, str] = {}
    for syntax in (
        uid.RLELossless,
        uid.JPEGBaseline8Bit,
        uid.JPEGLosslessSV1,
        uid.JPEGLSLossless,
        uid.JPEG2000Lossless,
        uid.JPEG2000,
        uid.HTJ2KLossless,
    ):
        readable = get_decoder(syntax).is_available
        found[syntax.name.split(" (")[0]] = (
            "yes" if readable else 'no; pip install "fuzzyseg[codecs]"'
        )
    return found
