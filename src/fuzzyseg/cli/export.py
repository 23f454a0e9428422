"""`fuzzyseg export`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from fuzzyseg.cli.options import Output, say
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from fuzzyseg.models.model_files import Model

_FORMATS = {"onnx": "one file, for ONNX engines", "monai-bundle": "a folder that MONAI runs"}


@dataclass(frozen=True)
class Command:
    """Write a model for other programs: as an ONNX file, or as a MONAI bundle.

    Parameters
    ----------
    model
        Name of a bundled model, or path of one.
    output
        The .onnx file, or the bundle's folder.
    format
        What to write.
    authors
        Who made the model: a MONAI bundle says so. Of models of the package it is known.
    license
        File with the model's licence, which goes into a MONAI bundle.
    force
        Replace an existing file, or the files of an existing bundle.
    debug
        Show a traceback on errors.
    """

    model: Annotated[str, tyro.conf.Positional]
    output: Output
    format: str = dataclasses.field(default="onnx", metadata={"choices": _FORMATS})
    authors: str = ""
    license: Path | None = None
    force: bool = False
    debug: bool = False

    def run(self) -> None:
        """Check the place, then load and write."""
        as_onnx = self.format == "onnx"
        if as_onnx and self.output.suffix.lower() != ".onnx":
            raise InputError(
                f"expected a file that ends in .onnx, found {self.output}; name one, or ask for "
                "--format monai-bundle"
            )
        if as_onnx and (self.authors or self.license):
            raise InputError(
                "expected --authors and --license with --format monai-bundle, found them with "
                "onnx; leave them out"
            )
        if self._is_there() and not self.force:
            raise InputError(
                f"expected a new {'file' if as_onnx else 'folder'}, found {self.output} there "
                "already; name another, or replace it with --force"
            )
        from fuzzyseg.models.model_files import load_model

        model = load_model(self.model)
        wanted = ", ".join(model.card.architecture.channels)
        if as_onnx:
            from fuzzyseg.inference.onnx_file import export_onnx

            export_onnx(model, self.output)
            say(f"{model.card.name} in {self.output}: image ({wanted}) in, memberships out")
        else:
            self._bundle(model)
            say(f"{model.card.name} in {self.output}: {wanted} in, labels out; docs/README.md")

    def _bundle(self, model: Model) -> None:
        from fuzzyseg.interop.monai_bundle import rights_of, write_bundle

        write_bundle(model, self.output, rights_of(model, self.authors, self.license))

    def _is_there(self) -> bool:
        there = self.output
        return any(there.iterdir()) if there.is_dir() else there.exists()
