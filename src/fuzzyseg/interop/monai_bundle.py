"""A model as a MONAI bundle: a folder that MONAI verifies and runs (MONAI Bundle Specification)."""

from __future__ import annotations

import dataclasses
import io
import json
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.interop.monai_config import inference_config
from fuzzyseg.interop.monai_metadata import bundle_metadata, bundle_readme
from fuzzyseg.io.output import cannot_write, replacing, to_json, write_text
from fuzzyseg.models.locate import bundled_models

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.models.model_files import Model

_OWN_AUTHORS = "The fuzzyseg authors"


@dataclasses.dataclass(frozen=True)
class Rights:
    """Who made a model, and how it may be used: a bundle must say the first.

    Parameters
    ----------
    authors : str
    license_text : str
        Empty: no LICENSE is written.
    """

    authors: str
    license_text: str = ""


def rights_of(model: Model, authors: str = "", license_file: Path | None = None) -> Rights:
    """Find what is to be said of a model's makers.

    Parameters
    ----------
    model : Model
    authors : str
        Empty for a model of the package, which is ours under the package's licence.
    license_file : Path, optional
        Text of the licence.

    Raises
    ------
    InputError
        If nobody knows who made it, or the licence cannot be read.
    """
    ours = bundled_models().get(model.card.name) == model.card
    if not authors and not ours:
        raise InputError(
            f"expected the authors of the model {model.card.name}, which MONAI's metadata need, "
            "found none in its card; name them with --authors"
        )
    if license_file is None:
        return Rights(authors or _OWN_AUTHORS, _own_license() if ours else "")
    try:
        return Rights(authors or _OWN_AUTHORS, license_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected the text of a licence, found {license_file}, which cannot be read; give "
            "another --license"
        ) from error


def write_bundle(model: Model, folder: Path, rights: Rights) -> None:
    """Write a bundle: its files are replaced one by one, metadata.json last.

    Parameters
    ----------
    model : Model
    folder : Path
        Made if it is not there; holds `configs`, `models`, `docs` and LICENSE.
    rights : Rights

    Raises
    ------
    InputError
        If MONAI is not installed, or the folder cannot be written to.
    """
    import torch

    card = json.loads(model.card.to_json())
    described = bundle_metadata(model, card, rights, versions())
    weights = io.BytesIO()
    state = {name: t.detach().cpu() for name, t in model.network.state_dict().items()}
    torch.save(state, weights)
    texts = {
        "configs/inference.json": to_json(inference_config(model.card)),
        "docs/README.md": bundle_readme(model, rights),
        **({"LICENSE": rights.license_text} if rights.license_text else {}),
        "configs/metadata.json": to_json(described),
    }
    try:
        for name in ("configs", "docs", "models"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with replacing(folder / "models" / "model.pt") as partial:
            partial.write_bytes(weights.getvalue())
        for name, text in texts.items():
            write_text(folder / name, text)
    except OSError as error:
        raise cannot_write(folder, error) from error


def versions() -> dict[str, str]:
    """Versions of what runs a bundle, by the names of their packages.

    Raises
    ------
    InputError
        If one is not installed.
    """
    found = {}
    for name in ("monai", "torch", "numpy", "fuzzyseg", "nibabel", "pytorch-ignite"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError as error:
            raise InputError(
                f"expected {name} to be installed for a MONAI bundle, found none; "
                'pip install "fuzzyseg[monai]"'
            ) from error
    return found


def _own_license() -> str:
    text: Any = metadata.distribution("fuzzyseg").read_text("licenses/LICENSE")
    return text or ""
