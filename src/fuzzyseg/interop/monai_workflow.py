"""Steps of a MONAI bundle that MONAI has no equal of: what the card of a model asks for.

The bundle's `configs/inference.json` names them; MONAI builds them from the card in its metadata.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fuzzyseg.models.card_file import card_from_json
from fuzzyseg.models.model_files import Model
from fuzzyseg.networks.registry import build_network
from fuzzyseg.segmentation.boxes import background, box_around
from fuzzyseg.segmentation.dispatch import prepared
from fuzzyseg.segmentation.model_input import onto_image, predict_within, seen_by
from fuzzyseg.volume import Study, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from fuzzyseg.models.card import Card

    Items = dict[str, Any]


def network_of(card: Mapping[str, Any]) -> nn.Module:
    """Build the network that a card describes, (B, D, *space) to logits (B, C, *space)."""
    return build_network(_card(card).architecture)


@dataclass(frozen=True)
class ModelInputd:
    """Transform of MONAI: the images of a study to what the model sees, as `segment` does it.

    Parameters
    ----------
    card : mapping
        Of a model, as in its JSON.
    """

    card: Mapping[str, Any]

    def __call__(self, data: Mapping[str, Any]) -> Items:
        """Add to "spect" and "ct", MetaTensors (1, X, Y, Z), what is made of them.

        Returns
        -------
        dict
            With "image", a MetaTensor (D, *grid) on the model's grid, and "within", a bool Tensor
            (1, *grid): where there is something to see.

        Raises
        ------
        InputError
            If the model wants other images, or those given do not belong together.
        """
        from monai.data.meta_tensor import MetaTensor

        card = _card(self.card)
        grid, image, within = seen_by(card, prepared(_study(card, data)))
        there = np.ones(grid.shape, bool) if within is None else within
        seen = MetaTensor(torch.from_numpy(image), affine=torch.from_numpy(grid.affine.copy()))
        return {**data, "image": seen, "within": torch.from_numpy(there[None].copy())}


@dataclass(frozen=True)
class ModelInferer:
    """Inferer of MONAI: slices or blocks, blended, as the card says.

    Parameters
    ----------
    card : mapping
        Of a model, as in its JSON.
    """

    card: Mapping[str, Any]

    def __call__(self, inputs: Tensor, network: nn.Module, *, within: Tensor) -> Tensor:
        """Return memberships (B, C, *grid) of "image" (B, D, *grid), background outside `within`.

        The network computes on its own device, in float32.
        """
        model = Model(_card(self.card), network)
        found = []
        for image, (mask,) in zip(inputs, within.cpu().numpy(), strict=True):
            array = np.ascontiguousarray(image.detach().cpu().numpy())
            seen = None if mask.all() else mask
            part, box = predict_within(model, array, seen, engine="torch")
            whole = background(len(part), mask.shape)
            whole[:, *box] = part
            found.append(torch.from_numpy(np.ascontiguousarray(whole)))
        return torch.stack(found).to(inputs.device)


@dataclass(frozen=True)
class OntoImaged:
    """Transform of MONAI: memberships on the model's grid to those on the study's image.

    Parameters
    ----------
    card : mapping
        Of a model, as in its JSON.
    """

    card: Mapping[str, Any]

    def __call__(self, data: Mapping[str, Any]) -> Items:
        """Replace "pred" (C, *grid) by a MetaTensor (C, X, Y, Z) of the image's meta data."""
        from monai.data.meta_tensor import MetaTensor

        first = _card(self.card).architecture.channels[0]
        image, seen = data[first], data["image"]
        found = data["pred"].detach().cpu().numpy()
        grid = Volume(np.zeros(found.shape[1:], np.float32), _affine(seen))
        box = box_around(data["within"][0].cpu().numpy())
        there = onto_image(found[:, *box], grid, box, _volume(image, first))
        made = torch.from_numpy(np.ascontiguousarray(there))
        return {**data, "pred": MetaTensor(made, meta=image.meta)}


def _card(card: Mapping[str, Any]) -> Card:
    return card_from_json(json.dumps(card), "the bundle's metadata.json")


def _study(card: Card, data: Mapping[str, Any]) -> Study:
    first, *others = (_volume(data[name], name) for name in card.architecture.channels)
    return Study.of(first, *others)


def _volume(image: Any, name: str) -> Volume:
    """Take an image over from MONAI, whose affines are in RAS as ours."""
    # In Fortran order, as readers of files give it: sums then are the same to the last bit.
    array = np.asfortranarray(image[0].detach().cpu().numpy())
    source = str(image.meta.get("filename_or_obj", ""))
    if name == "ct":
        return Volume(array, _affine(image), "CT", "HU", source)
    return Volume(array, _affine(image), "NM", "arbitrary", source)


def _affine(image: Any) -> Any:
    return np.asarray(image.affine.cpu().numpy(), dtype=np.float64)
