"""`fuzzyseg segment`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from fuzzyseg.cli.options import Config, Input, Output, progress, say, to_json, warn
from fuzzyseg.io.results.formats import RESULT_FORMATS, result_files
from fuzzyseg.quantification.measuring import Measuring
from fuzzyseg.segmentation.settings import Settings
from fuzzyseg.volume import Modality

FILES = (  # of a NIfTI
    "labels.nii.gz",
    "memberships.nii.gz",
    "preview.png",
    "lesions.csv",
    "summary.json",
    "report.html",
    "run.json",
)


@dataclass(frozen=True)
class Command:
    """Segment a SPECT or CT.

    Parameters
    ----------
    input
        DICOM folder or file, zip, or NIfTI.
    output
        Folder for the results, report.html, preview.png, lesions.csv, summary.json and run.json.
    ct
        CT of the same patient (folder, file or zip), resampled onto the SPECT and used with it.
    series
        Which series of the input to take, where it holds several.
    ct_series
        Which series of `ct` to take.
    modality
        What a NIfTI holds, which the file does not say: CT values are in HU.
    allow_mismatch
        Take a SPECT and a CT whose Patient IDs differ.
    formats
        What to write; by default nifti, and dicom-seg and dicom-sr for DICOM.
    rtstruct
        Write rtstruct beside these.
    settings
        How to segment.
    measuring
        How to measure what was found.
    config
        TOML file of options; what the command line says wins.
    force
        Replace results in the output folder.
    quiet
        Show no progress and no summary.
    debug
        Show a traceback on errors.
    """

    input: Input
    output: Output
    ct: Path | None = None
    series: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    ct_series: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    modality: Modality | None = None
    allow_mismatch: bool = False
    formats: tuple[str, ...] = field(default=(), metadata={"choices": RESULT_FORMATS})
    rtstruct: bool = False
    settings: Settings = field(default_factory=Settings)
    measuring: Measuring = field(default_factory=Measuring)
    config: Config = None
    force: bool = False
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Read, segment and write; results appear in the output folder together."""
        from fuzzyseg.io.output import results_folder
        from fuzzyseg.quantification.measuring import check_measuring
        from fuzzyseg.segmentation.settings import check_settings

        check_settings(self.settings)
        check_measuring(self.measuring)
        with (
            results_folder(
                self.output, tuple(dict.fromkeys((*result_files(), *FILES))), force=self.force
            ) as folder,
            progress(self.quiet) as step,
        ):
            from fuzzyseg.cli.lesion_lines import lesion_lines
            from fuzzyseg.io import read_study
            from fuzzyseg.io.results.formats import default_formats, require_formats, write_results
            from fuzzyseg.quantification import document, lesions_csv, measures_of, quantify
            from fuzzyseg.report import write_preview
            from fuzzyseg.report.page import write_report
            from fuzzyseg.resample import align
            from fuzzyseg.segmentation import segment, summary

            study = read_study(
                self.input,
                self.ct,
                series=self.series,
                ct_series=self.ct_series,
                modality=self.modality,
                progress=step("reading"),
                headers=True,
            )
            formats = (*self.formats, *(("rtstruct",) if self.rtstruct else ()))
            require_formats(formats, study.image)
            default = () if self.formats else default_formats(study.image)
            ct = study.beside  # on its own grid, for HU
            study = align(study, allow_mismatch=self.allow_mismatch)
            segmentation = segment(study, self.settings, progress=step("segmenting"))
            step("measuring")
            measured = quantify(segmentation, ct=ct, measuring=self.measuring)
            step("writing")
            told = measures_of(measured)
            left_out = [
                *write_results(folder, segmentation, formats, measured=told),
                *write_results(folder, segmentation, default, measured=told, optional=True),
            ]
            write_preview(folder / "preview.png", segmentation)
            (folder / "lesions.csv").write_text(lesions_csv(measured), encoding="utf-8")
            found = document(measured, segmentation.volume)
            (folder / "summary.json").write_text(to_json(found), encoding="utf-8")
            described = {
                "command": {  # no paths: names of patients stand in them
                    "series": self.series,
                    "modality": self.modality,
                    "ct_series": self.ct_series,
                    "allow_mismatch": self.allow_mismatch,
                    "formats": [*default, *formats],
                },
                "study": {"ct": study.beside is not None, "outline_overlap": study.outline_overlap},
                **summary(segmentation),
            }
            described["warnings"] += left_out
            (folder / "run.json").write_text(to_json(described), encoding="utf-8")
            write_report(
                folder / "report.html",
                segmentation,
                measured,
                ct=study.beside,
                described=described,
            )
        for text in (*described["warnings"], *measured.notes):
            warn(text)
        for name, of_class in described["classes"].items():
            say(f"{name:<12} {of_class['volume_ml']:10.1f} ml", quiet=self.quiet)
        for line in lesion_lines(measured):
            say(line, quiet=self.quiet)
        say(f"results in {self.output}, open report.html", quiet=self.quiet)
