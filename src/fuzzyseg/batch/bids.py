"""BIDS data sets: studies in them, and names of results as BIDS wants derivatives."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from fuzzyseg.batch.source import Source
from fuzzyseg.conventions import CLASSES, COLOURS
from fuzzyseg.io.output import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Suffixes of emission images. BIDS 1.10 has pet; spect and nm are what people write meanwhile.
_EMISSION = ("spect", "nm", "pet")
_IMAGE = re.compile(
    rf"(?P<name>sub-[A-Za-z0-9]+(?:_[a-z]+-[A-Za-z0-9+]+)*)_(?P<suffix>{'|'.join(_EMISSION)}|ct)"
    r"\.nii(?:\.gz)?"
)
_SESSION = re.compile(r"sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9+]+)?")
_BIDS_VERSION = "1.10.0"


def is_bids(folder: Path) -> bool:
    """Tell whether a folder is a BIDS data set: it says so, or has folders named sub-LABEL."""
    return (folder / "dataset_description.json").is_file() or any(
        p.is_dir() for p in folder.glob("sub-*")
    )


def bids_sources(folder: Path) -> tuple[Source, ...]:
    """List the emission images of a BIDS data set, each with the CT of the same session.

    A CT of the very same entities comes first; else the session's, where it has but one. A
    session with a CT alone is a study of it.
    """
    images: list[tuple[str, Path]] = []
    cts: dict[str, list[tuple[str, Path]]] = {}
    for subject in sorted(folder.glob("sub-*")):
        for path in sorted(subject.rglob("*.nii*")):
            match = _IMAGE.fullmatch(path.name)
            if match is None:
                continue
            if match["suffix"] == "ct":
                cts.setdefault(_session(match["name"]), []).append((match["name"], path))
            else:
                images.append((match["name"], path))
    found = []
    with_image = {_session(name) for name, _ in images}
    for name, path in images:
        of_session = cts.get(_session(name), [])
        fitting = [ct for ct_name, ct in of_session if ct_name == name]
        fitting = fitting or [ct for _, ct in of_session]
        ct = fitting[0] if len(fitting) == 1 else None
        found.append(Source(name, path, ct, place=_place(path, folder)))
    for session, of_session in cts.items():
        if session not in with_image:
            found += [
                Source(name, ct, modality="CT", place=_place(ct, folder)) for name, ct in of_session
            ]
    return tuple(sorted(found, key=lambda source: source.name))


def _session(name: str) -> str:
    match = _SESSION.match(name)
    return name if match is None else match[0]


def _place(path: Path, folder: Path) -> PurePath:
    return path.relative_to(folder).parent


@dataclass(frozen=True)
class Derivative:
    """Where results of a study go in a BIDS derivative.

    Parameters
    ----------
    folder : PurePath
        Relative to the derivative.
    prefix : str
        What the names of its files begin with.
    """

    folder: PurePath
    prefix: str


_BIDS_NAMES = {"labels.nii.gz": "dseg.nii.gz", "memberships.nii.gz": "probseg.nii.gz"}


def derivative_of(source: Source) -> Derivative:
    """Name the results of a study; one that comes from no BIDS data set is a subject of its own."""
    if source.place is not None:
        return Derivative(source.place, source.name)
    label = "sub-" + re.sub(r"[^A-Za-z0-9]", "", source.name.removeprefix("sub-"))
    return Derivative(PurePath(label), label)


def derivative_name(prefix: str, file: str) -> str:
    """Name of a file of results in a derivative: labels are _dseg, memberships _probseg."""
    return f"{prefix}_{_BIDS_NAMES.get(file, file)}"


def derivative_files(prefix: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names in a derivative of results and of what BIDS wants beside; the last stays last."""
    *others, last = (derivative_name(prefix, name) for name in names)
    return (*others, f"{prefix}_dseg.tsv", f"{prefix}_probseg.json", last)


def as_derivative(folder: Path, prefix: str) -> None:
    """Rename results as BIDS wants derivatives, and write the classes' names beside them."""
    classes = json.loads((folder / "run.json").read_text("utf-8"))["classes"]
    for path in tuple(folder.iterdir()):
        path.rename(folder / derivative_name(prefix, path.name))
    lines = ["index\tname\tcolor"]
    for name, told in classes.items():
        k = told["label"]
        lines.append(f"{k}\t{name}\t{COLOURS[(k - 1) % len(COLOURS)] if k else '#000000'}")
    (folder / f"{prefix}_dseg.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = json.dumps({"LabelMap": list(classes)}, indent=2) + "\n"
    (folder / f"{prefix}_probseg.json").write_text(told, encoding="utf-8")


def write_description(out: Path) -> None:
    """Write dataset_description.json, and .bidsignore for what BIDS has no name for."""
    described: Mapping[str, object] = {
        "Name": f"fuzzyseg: {', '.join(CLASSES)}",
        "BIDSVersion": _BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "fuzzyseg", "Version": metadata.version("fuzzyseg")}],
    }
    write_text(out / "dataset_description.json", json.dumps(described, indent=2) + "\n")
    ignored = (
        "cohort.*", "batch.json", "*.html", "*.png", "*.csv", "*.dcm", "*.seg.nrrd",
        "*_spect.nii.gz", "*_ct.nii.gz", "*_summary.json", "*_run.json",
    )  # fmt: skip
    write_text(out / ".bidsignore", "\n".join(ignored) + "\n")
