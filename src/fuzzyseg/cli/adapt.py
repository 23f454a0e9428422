"""`fuzzyseg adapt`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from fuzzyseg.cli.options import Config, Output, progress, say
from fuzzyseg.errors import InputError
from fuzzyseg.training.adaptation import Adaptation, check_adaptation
from fuzzyseg.volume import Modality


@dataclass(frozen=True)
class Command:
    """Adapt a model to one scan, without labels.

    Parameters
    ----------
    model
        Name of a bundled model, or path of one.
    scan
        DICOM folder or file, zip, or NIfTI.
    output
        Path of the adapted model, without the endings of its two files.
    ct
        CT of the same patient, for a model that uses one.
    modality
        What a NIfTI file contains, which it does not say itself; CT values must be in HU.
    adaptation
        How to adapt.
    config
        TOML file of options; options on the command line override it.
    force
        Replace an existing model.
    quiet
        Show no progress and no summary.
    debug
        Show a traceback on errors.
    """

    model: Annotated[str, tyro.conf.Positional]
    scan: Annotated[Path, tyro.conf.Positional]
    output: Output
    ct: Path | None = None
    modality: Modality | None = None
    adaptation: Adaptation = field(default_factory=Adaptation)
    config: Config = None
    force: bool = False
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Read, adapt and write."""
        from fuzzyseg.models.locate import CARD, WEIGHTS, stem_of, with_suffix

        stem = stem_of(self.output)
        if with_suffix(stem, CARD).exists() and not self.force:
            raise InputError(
                f"expected no model at {stem}, found one; choose another path, or "
                "replace it with --force"
            )
        check_adaptation(self.adaptation)
        with progress(self.quiet) as step:
            from fuzzyseg.io import read_study
            from fuzzyseg.models.model_files import load_model, save_model
            from fuzzyseg.segmentation.dispatch import prepared
            from fuzzyseg.segmentation.model_input import seen_by
            from fuzzyseg.training.adapt_to_scan import adapt

            model = load_model(self.model)
            study = read_study(self.scan, self.ct, modality=self.modality, progress=step("reading"))
            image = seen_by(model.card, prepared(study)).image
            adapted, report = adapt(model, image, self.adaptation, step("adapting"))
            save_model(adapted, stem)
        told = f"self-consistency {report['before']:.3f}, then {report['after']:.3f}"
        kept = {
            "original": "nothing was better than the original model, so the new one is identical "
            "to it",
            "statistics": f"{report['mix']:.0%} of the scan's own normalisation statistics",
            "steps": "steps on the unsupervised loss",
        }
        say(f"{told}: {kept[report['kept']]}", quiet=self.quiet)
        say(f"model in {with_suffix(stem, WEIGHTS)}", quiet=self.quiet)
