"""`fuzzyseg export`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from fuzzyseg.cli.options import Output, say
from fuzzyseg.errors import InputError


@dataclass(frozen=True)
class Command:
    """Write a model as an ONNX file for other programs.

    Parameters
    ----------
    model
        Name of a bundled model, or path of one.
    output
        The .onnx file.
    force
        Replace an existing file.
    debug
        Show a traceback on errors.
    """

    model: Annotated[str, tyro.conf.Positional]
    output: Output
    force: bool = False
    debug: bool = False

    def run(self) -> None:
        """Check the place, then load and write."""
        if self.output.suffix.lower() != ".onnx":
            raise InputError(f"expected a file that ends in .onnx, found {self.output}; name one")
        if self.output.exists() and not self.force:
            raise InputError(
                f"expected a new file, found {self.output} there already; name another, or "
                "replace it with --force"
            )
        from fuzzyseg.inference.onnx_file import export_onnx
        from fuzzyseg.models.model_files import load_model

        model = load_model(self.model)
        export_onnx(model, self.output)
        wanted = ", ".join(model.card.architecture.channels)
        say(f"{model.card.name} in {self.output}: image ({wanted}) in, memberships out")
