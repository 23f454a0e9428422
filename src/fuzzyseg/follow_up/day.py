"""What is known of a patient on one day: the results of `fuzzyseg segment`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fuzzyseg.conventions import MEASURED_CT, MEASURED_SPECT
from fuzzyseg.errors import InputError
from fuzzyseg.identity import Identity, mark
from fuzzyseg.io import read_nifti
from fuzzyseg.io.results.formats import result_files
from fuzzyseg.quantification.pieces import components
from fuzzyseg.quantification.summary_document import SCHEMA_VERSION, document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fuzzyseg.quantification import Quantification
    from fuzzyseg.volume import Segmentation, Volume

LABELS, MEMBERSHIPS = "labels.nii.gz", "memberships.nii.gz"
SUMMARY, RUN = "summary.json", "run.json"


@dataclass(frozen=True, eq=False)
class Day:
    """A patient on one day.

    Parameters
    ----------
    spect : Volume
        In the unit that lesions were measured in.
    ct : Volume or None
        On the same grid.
    lesions : int32 ndarray of shape (X, Y, Z)
        Each voxel's lesion, by number.
    summary : mapping
        What summary.json holds: every measure.
    method : str
        Name of the model or method that segmented it.
    identity : Identity
        Whose it is, where DICOM results say so.
    date : str
        Of the study, YYYYMMDD, where they say so: to tell the order of days, and never written.
    digest : str
        sha256 of the model's weights, where a model segmented it: two may have one name.
    """

    spect: Volume
    ct: Volume | None
    lesions: NDArray[np.int32]
    summary: Mapping[str, Any]
    method: str
    identity: Identity = field(default_factory=Identity)
    date: str = ""
    digest: str = ""

    @classmethod
    def of(
        cls, segmentation: Segmentation, measured: Quantification, ct: Volume | None = None
    ) -> Day:
        """Take what was just segmented and measured; the CT is on the segmentation's grid."""
        volume, made = segmentation.volume, segmentation.provenance
        summary, name = document(measured, segmentation), made.model or made.method
        digest = made.model_sha256 or ""
        return cls(volume, ct, measured.labels, summary, name, volume.identity, digest=digest)

    @property
    def measures(self) -> dict[int, Mapping[str, Any]]:
        """Measures of each lesion, by number."""
        return {each["number"]: each for each in self.summary["lesions"]}


def is_results(path: Path) -> bool:
    """Tell whether a path is a folder of results of `fuzzyseg segment`, whole or not."""
    return any((path / name).is_file() for name in (RUN, SUMMARY, MEMBERSHIPS, MEASURED_SPECT))


def read_day(folder: Path) -> Day:
    """Read a folder of results.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Day

    Raises
    ------
    InputError
        If it holds no whole results of a SPECT with lesions as a class.
    """
    if _of_ct_alone(folder):
        raise InputError(
            f"expected results of a SPECT, found those of a CT alone in {folder}; compare results "
            "that hold lesions"
        )
    missing = [
        name for name in (RUN, SUMMARY, LABELS, MEASURED_SPECT) if not (folder / name).is_file()
    ]
    if missing:
        raise InputError(
            f"expected results of a SPECT by fuzzyseg segment, found no {', '.join(missing)} in "
            f"{folder}; segment it with this version, with nifti among its --formats"
        )
    try:
        summary, run = (json.loads((folder / n).read_text("utf-8")) for n in (SUMMARY, RUN))
        if summary["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"version {summary['schema_version']}")
        image, measuring, classes = summary["image"], summary["measuring"], run["classes"]
        spect = read_nifti(folder / MEASURED_SPECT, image["modality"], image["unit"])
        labels = read_nifti(folder / LABELS)
        ct = read_nifti(folder / MEASURED_CT, "CT") if (folder / MEASURED_CT).is_file() else None
        if not (spect.same_grid(labels) and (ct is None or spect.same_grid(ct))):
            raise ValueError("images on different grids")
        count = summary["patient"]["lesion_count"]
        k = classes["lesion"]["label"] if count is not None else -1
        found = components(
            labels.array == k,
            spect.affine,
            merge_mm=measuring["merge_mm"],
            min_ml=measuring["min_ml"],
        )
        if count is not None:
            if count != len(found.voxels):
                raise ValueError(f"{count} lesions measured, {len(found.voxels)} in the labels")
            _check_measures(summary, count)
        made = summary["made_by"]
        method, digest = made["model"] or made["method"], made["model_sha256"] or ""
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(
            f"expected whole results in {folder}, found them damaged or of another version "
            f"({error}); segment the SPECT again"
        ) from error
    if count is None:
        raise InputError(
            f"expected lesions to compare, found the classes {', '.join(classes)} in {folder}; "
            "segment by a method that knows lesions"
        )
    whose, date = _whose(folder)
    return Day(spect, ct, found.labels, summary, str(method), whose, date, digest)


def _check_measures(summary: Mapping[str, Any], count: int) -> None:
    """Raise ValueError, LookupError or TypeError if measures that are compared are not there."""
    numbers = [each["number"] for each in summary["lesions"]]
    if numbers != list(range(1, count + 1)):
        raise ValueError(f"measures of the lesions {numbers}, not of 1 to {count}")
    for each in summary["lesions"]:
        figures = each["volume_ml"], each["image_peak"], each["image_mean"]
        if not (all(map(math.isfinite, figures)) and figures[0] > 0):
            raise ValueError(f"measures {figures} of lesion {each['number']}")
        _ = each["at_border"], each["site"]
    _ = [summary["suv"][name] for name in ("kind", "reason", "per_bq_ml")]
    totals = (
        "lesion_volume_ml",
        "bone_volume_ml",
        "bone_reference",
        "spect_skeletal_burden_percent",
    )
    _ = [summary["patient"][name] for name in totals]


def _of_ct_alone(folder: Path) -> bool:
    try:
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
        return bool(summary["image"]["modality"] == "CT")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False  # what is wrong with it is said where it is read


def _whose(folder: Path) -> tuple[Identity, str]:
    """Mark whose results they are and of which day, by the DICOM results, if there are any."""
    for name in result_files():
        path = folder / name
        if path.suffix == ".dcm" and path.is_file():
            from pydicom import dcmread
            from pydicom.errors import InvalidDicomError

            try:
                tags = ["PatientID", "StudyDate"]
                header = dcmread(path, stop_before_pixels=True, specific_tags=tags)
            except (OSError, InvalidDicomError) as error:
                raise InputError(
                    f"expected a DICOM result, found {path}, which cannot be read ({error}); "
                    "segment the SPECT again"
                ) from error
            identity = Identity(patient=mark(str(header.get("PatientID") or "")))
            return identity, str(header.get("StudyDate") or "")
    return Identity(), ""
