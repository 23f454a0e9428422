"""A model as one ONNX file, for other programs."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.inference.onnx_graph import onnx_graph
from fuzzyseg.io.output import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.models.model_files import Model

CARD_ENTRY = "fuzzyseg_card"


def export_onnx(model: Model, path: Path) -> None:
    """Write a model with its softmax and its card, which says how images must be prepared.

    Input "image" (batch, channels, x, y) or (batch, channels, x, y, z), output "memberships";
    batch and image may have any size. The card is the metadata entry "fuzzyseg_card", as JSON.

    Parameters
    ----------
    model : Model
    path : Path

    Raises
    ------
    InputError
        If onnx is not installed or the file cannot be written.
    """
    if importlib.util.find_spec("onnx") is None:
        raise InputError('expected onnx to be installed, found none; pip install "fuzzyseg[onnx]"')
    graph = onnx_graph(model.network, model.card.architecture, {CARD_ENTRY: model.card.to_json()})
    try:
        with replacing(path) as partial:
            partial.write_bytes(graph.SerializeToString())
    except OSError as error:
        raise InputError(
            f"expected a file that can be written to, found {path}: {error.strerror}; "
            "choose another place"
        ) from error
