"""A model: a network and its card, as two files: NAME.safetensors and NAME.json."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import replacing, write_text
from fuzzyseg.models.locate import CARD, WEIGHTS, locate, read_card, stem_of, with_suffix
from fuzzyseg.networks.registry import build_network
from fuzzyseg.old_names import renamed_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fuzzyseg.models.card import Card


@dataclass(frozen=True, eq=False)
class Model:
    """A network and what is known of it.

    Parameters
    ----------
    card : Card
    network : nn.Module
        Built by `build_network(card.architecture)`.
    """

    card: Card
    network: nn.Module

    def __repr__(self) -> str:
        a = self.card.architecture
        sees, finds = " + ".join(a.channels), ", ".join(a.classes)
        return f"Model({self.card.name}: {sees} -> {finds}; {a.network}, {a.dims}-D)"


def save_model(model: Model, path: str | Path, *, half: bool = False) -> Model:
    """Write a model's two files, the card last.

    Parameters
    ----------
    model : Model
    path : str or Path
        Of both files; their endings are added.
    half : bool
        Keep the kernels, which are nearly all there is, in half precision: half the size. Biases
        and the statistics of the normalisations stay. `load_model` computes with float32.

    Returns
    -------
    Model
        The same with the weights' sha256 in its card; rounded if `half`.

    Raises
    ------
    InputError
        If the files cannot be written.
    """
    from safetensors.torch import save

    stem = stem_of(Path(path))
    state = {name: t.detach().cpu().contiguous() for name, t in model.network.state_dict().items()}
    if half:
        state = {name: t.half() if t.ndim > 1 else t for name, t in state.items()}
    weights = save(state, {"format": "pt"})
    card = replace(model.card, sha256=hashlib.sha256(weights).hexdigest())
    text = card.to_json()
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        with replacing(with_suffix(stem, WEIGHTS)) as partial:
            partial.write_bytes(weights)
        write_text(with_suffix(stem, CARD), text)
    except OSError as error:
        raise InputError(
            f"expected a writable path, found {stem}: {error.strerror}; choose another"
        ) from error
    return load_model(stem) if half else Model(card, model.network)


def write_card(name_or_path: str | Path, card: Card) -> None:
    """Write another card for a model's weights, which stay as they are.

    Raises
    ------
    InputError
        If there is no such model, or its card cannot be written.
    """
    path = with_suffix(locate(name_or_path), CARD)
    try:
        write_text(path, card.to_json())
    except OSError as error:
        raise InputError(
            f"expected a card that can be written, found {path}: {error.strerror}; copy the "
            "model's two files to another place"
        ) from error


def load_model(name_or_path: str | Path) -> Model:
    """Read a model, without running anything that a file holds.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a bundled model, or a path: to the weights, to the card, or to either without
        its ending.

    Returns
    -------
    Model
        Its network is in evaluation mode.

    Raises
    ------
    InputError
        If there is no such model, the weights are not those that the card was written for, or
        do not fit its network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    stem = locate(name_or_path)
    card = read_card(with_suffix(stem, CARD))
    path = with_suffix(stem, WEIGHTS)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"expected weights that can be read, found {path}: {error.strerror}; copy them again"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise InputError(
            f"expected weights with the sha256 {card.sha256[:12]}... of their card, found "
            f"{found[:12]}... in {path}; copy both files of the model again"
        )
    try:
        state = renamed_weights(load(data))
    except SafetensorError as error:
        raise InputError(
            f"expected a safetensors file, found {path}: {error}; other formats are not loaded"
        ) from error
    with torch.device("meta"):  # no memory is asked for before the weights are known to fit
        _check_weights(state, build_network(card.architecture).state_dict(), path)
    network = build_network(card.architecture)
    network.load_state_dict(state)
    return Model(card, network.eval())


def _check_weights(state: dict[str, Tensor], wanted: dict[str, Tensor], path: Path) -> None:
    """Refuse weights that are not the wanted ones; those in half precision become float32."""
    for name in sorted(set(state) | set(wanted)):
        if name in state and state[name].dtype == torch.float16:
            state[name] = state[name].float()
        expected, found = (_described(s.get(name)) for s in (wanted, state))
        if expected != found:
            raise InputError(
                f"expected the weights of the card's network, with {name}: {expected}, found "
                f"{found} in {path}; the card belongs to other weights"
            )
        if not torch.isfinite(state[name]).all():
            raise InputError(
                f"expected finite weights, found NaN or infinity in {name} in {path}; "
                "the training failed, use another model"
            )


def _described(tensor: Tensor | None) -> str:
    if tensor is None:
        return "nothing"
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
