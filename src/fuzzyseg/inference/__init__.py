"""From images to memberships by a model: grid, channels, slices or blocks, engines, ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily

if TYPE_CHECKING:
    from fuzzyseg.inference.grids import from_model_grid as from_model_grid
    from fuzzyseg.inference.grids import model_grid as model_grid
    from fuzzyseg.inference.onnx_file import export_onnx as export_onnx
    from fuzzyseg.inference.prediction import predict as predict
    from fuzzyseg.inference.preprocess import channels as channels

_MODULES = {
    "channels": "preprocess",
    "export_onnx": "onnx_file",
    "from_model_grid": "grids",
    "model_grid": "grids",
    "predict": "prediction",
}
__all__ = [*_MODULES]  # noqa: PLE0604
__getattr__, __dir__ = lazily(__name__, _MODULES)
