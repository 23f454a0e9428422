"""One study from its files to its results: what `segment` does, and `batch` many times."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from fuzzyseg.batch.made_of import input_digest
from fuzzyseg.conventions import MEASURED_CT, MEASURED_SPECT
from fuzzyseg.io.output import to_json
from fuzzyseg.io.results.formats import RESULT_FORMATS, result_files
from fuzzyseg.quantification.measuring import Measuring, check_measuring
from fuzzyseg.segmentation.settings import Settings, check_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom import Dataset

    from fuzzyseg.batch.source import Source
    from fuzzyseg.quantification import Quantification
    from fuzzyseg.volume import Study

    Step = Callable[[str], Callable[[int, int], None]]

_IDENTITY = {"name": "PatientName", "id": "PatientID", "birth_date": "PatientBirthDate"}
FILES = (  # of a NIfTI of SPECT; the last one is there when all are
    "labels.nii.gz",
    "memberships.nii.gz",
    MEASURED_SPECT,
    "preview.png",
    "lesions.csv",
    "summary.json",
    "report.html",
    "run.json",
)


@dataclass(frozen=True)
class How:
    """What is done with a study; options of `fuzzyseg segment` and `fuzzyseg batch`.

    Parameters
    ----------
    settings : Settings
        How to segment.
    measuring : Measuring
        How to measure what was found.
    allow_mismatch : bool
        Accept a SPECT and a CT with different Patient IDs.
    formats : tuple of str
        Formats to write; by default nifti, and dicom-seg and dicom-sr for DICOM input.
    rtstruct : bool
        Also write rtstruct.
    keep_identity : bool
        Write the name, ID and birth date of a DICOM's patient into run.json and the report.
    """

    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "": ("allow_mismatch", "formats", "rtstruct", "keep_identity")
    }

    settings: Settings = field(default_factory=Settings)
    measuring: Measuring = field(default_factory=Measuring)
    allow_mismatch: bool = False
    formats: tuple[str, ...] = field(default=(), metadata={"choices": RESULT_FORMATS})
    rtstruct: bool = False
    keep_identity: bool = False


def _silent(_: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        """Tell nobody."""

    return report


def check_how(how: How) -> None:
    """Raise InputError for settings that no study could be segmented with."""
    check_settings(how.settings)
    check_measuring(how.measuring)


def result_names() -> tuple[str, ...]:
    """Names of all files that results may have; the last of them is there when all are."""
    return tuple(dict.fromkeys((*result_files(), MEASURED_CT, *FILES)))


def of_patient(how: How, source: Source) -> How:
    """Say how a study is done, with what is known of its patient alone."""
    return replace(how, measuring=replace(how.measuring, **source.measuring))


def read(source: Source, progress: Callable[[int, int], None] | None = None) -> Study:
    """Read the images of a source, with their headers; raises InputError as `read_study`."""
    from fuzzyseg.io import read_study

    return read_study(
        source.image,
        source.ct,
        series=source.series,
        ct_series=source.ct_series,
        modality=source.modality,
        progress=progress,
        headers=True,
        found=source.found,
    )


def process(
    source: Source, folder: Path, how: How, *, step: Step = _silent
) -> tuple[dict[str, Any], Quantification]:
    """Read a study, segment and measure it, and write results to a folder.

    Parameters
    ----------
    source : Source
    folder : Path
        It exists, and is empty.
    how : How
        `Source.measuring` wins over its `measuring`.
    step : callable
        Called with the name of each step, returns what is called with (done, total).

    Returns
    -------
    described : dict
        What run.json holds.
    measured : Quantification

    Raises
    ------
    InputError
        If anything of it cannot be done.
    """
    how = of_patient(how, source)
    check_how(how)
    from fuzzyseg.io.results.formats import default_formats, require_formats, write_results
    from fuzzyseg.quantification import document, lesions_csv, measures_of, quantify
    from fuzzyseg.quantification.lesion import NO_CT
    from fuzzyseg.registration import register, unregistered
    from fuzzyseg.report import write_preview
    from fuzzyseg.report.page import write_report
    from fuzzyseg.resample import align
    from fuzzyseg.segmentation import segment, summary

    study = read(source, step("reading"))
    made_of = input_digest(study, how.measuring)
    formats = (*how.formats, *(("rtstruct",) if how.rtstruct else ()))
    require_formats(formats, study.image)
    default = () if how.formats else default_formats(study.image)
    if how.settings.register:
        step("registering")
        study = register(study, allow_mismatch=how.allow_mismatch)
    ct = study.beside  # on its own grid, for HU
    study = align(study, allow_mismatch=how.allow_mismatch)
    segmentation = segment(study, how.settings, progress=step("segmenting"))
    step("measuring")
    why = unregistered(study)
    measured = quantify(
        segmentation,
        ct=None if why else ct,
        no_ct=f"the CT could not be registered to the SPECT ({why})" if why else NO_CT,
        measuring=how.measuring,
    )
    step("writing")
    told = measures_of(measured)
    left_out = [
        *write_results(folder, segmentation, formats, measured=told),
        *write_results(folder, segmentation, default, measured=told, optional=True),
    ]
    _write_images(folder, study, how.measuring)
    write_preview(folder / "preview.png", segmentation)
    (folder / "lesions.csv").write_text(lesions_csv(measured), encoding="utf-8")
    found = document(measured, segmentation)
    (folder / "summary.json").write_text(to_json(found), encoding="utf-8")
    described = {
        "command": {  # no paths: names of patients stand in them
            "series": source.series,
            "modality": source.modality,
            "ct_series": source.ct_series,
            "allow_mismatch": how.allow_mismatch,
            "formats": [*default, *formats],
        },
        "study": {
            "ct": study.beside is not None,
            "sha256": made_of,
            "outline_overlap": study.outline_overlap,
            "registration": study.registration and study.registration.as_dict(),
        },
        **summary(segmentation),
    }
    described["warnings"] += left_out
    if how.keep_identity and study.image.headers:
        described = {"patient": _identity(study.image.headers[0]), **described}
    (folder / "run.json").write_text(to_json(described), encoding="utf-8")
    write_report(
        folder / "report.html", segmentation, measured, ct=study.beside, described=described
    )
    return described, measured


def _write_images(folder: Path, study: Study, measuring: Measuring) -> None:
    """Write what lesions were measured in, for `fuzzyseg compare`: of a CT alone, nothing."""
    import numpy as np

    from fuzzyseg.io import write_image
    from fuzzyseg.quantification.measuring import calibrated

    if study.spect is None:
        return
    write_image(folder / MEASURED_SPECT, calibrated(study.spect, measuring))
    if study.ct is not None:  # whole HU: noise that nobody sees would fill the disk
        write_image(folder / MEASURED_CT, replace(study.ct, array=np.rint(study.ct.array)))


def _identity(header: Dataset) -> dict[str, str]:
    """Name, ID and birth date, as they stand in a DICOM header; empty where they do not."""
    return {name: str(header.get(keyword, "")) for name, keyword in _IDENTITY.items()}
