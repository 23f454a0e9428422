"""`fuzzyseg segment`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from fuzzyseg.batch.beside import with_ct_beside
from fuzzyseg.batch.one import How, check_how, process, result_names
from fuzzyseg.batch.source import Source
from fuzzyseg.cli.options import Config, Input, Output, progress, say, warn
from fuzzyseg.io.output import results_folder
from fuzzyseg.volume import Modality


@dataclass(frozen=True)
class Command:
    """Segment a SPECT or CT.

    Parameters
    ----------
    input
        DICOM folder or file, zip, or NIfTI.
    output
        Folder for the results: report.html, preview.png, lesions.csv, summary.json, run.json and
        more.
    ct
        CT of the same patient (folder, file or zip; by default one in the input folder).
        It tells the borders of bone and the density of lesions.
    series
        Which series of the input to use, if there are several.
    ct_series
        Which series of `ct` to use.
    modality
        What a NIfTI file contains, which it does not say itself; CT values must be in HU.
    how
        What is done with it.
    config
        TOML file of options; options on the command line override it.
    force
        Replace existing results in the output folder.
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
    how: How = field(default_factory=How)
    config: Config = None
    force: bool = False
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Read, segment and write; results appear in the output folder together."""
        check_how(self.how)
        source = Source(
            self.output.name, self.input, self.ct, self.series, self.ct_series, self.modality
        )
        with (
            results_folder(self.output, result_names(), force=self.force) as folder,
            progress(self.quiet) as step,
        ):
            source = with_ct_beside(source)
            described, measured = process(source, folder, self.how, step=step)
        from fuzzyseg.cli.lesion_lines import lesion_lines
        from fuzzyseg.segmentation.choice import by_what

        if source.ct is not None and self.ct is None:
            say("the CT beside the SPECT is used; --ct names another", quiet=self.quiet)
        for text in (*described["warnings"], *measured.notes):
            warn(text)
        say(f"segmented by {by_what(self.how.settings, described)}", quiet=self.quiet)
        for name, of_class in described["classes"].items():
            say(f"{name:<12} {of_class['volume_ml']:10.1f} ml", quiet=self.quiet)
        for line in lesion_lines(measured):
            say(line, quiet=self.quiet)
        say(f"results in {self.output}, open report.html", quiet=self.quiet)
