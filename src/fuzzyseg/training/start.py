"""Whether training can begin with a model's weights; asked before minutes of reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.networks.architecture import Architecture

if TYPE_CHECKING:
    from fuzzyseg.models.card import Card
    from fuzzyseg.training.config import Config

# Fields that are options of the command line; the steps of a network are not.
_OPTIONS = ("network", "channels", "classes", "filters", "dims", "context")


def architecture_of(config: Config) -> Architecture:
    """Architecture of the network that is trained; InputError where there is no such network."""
    return Architecture(
        network=config.network,
        channels=config.channels,
        classes=config.class_names,
        filters=config.filters,
        dims=config.dims,
        context=config.context,
    )


def require_same_architecture(card: Card, config: Config) -> None:
    """Raise InputError unless a model's weights fit the network that is trained."""
    wanted, found = architecture_of(config), card.architecture
    differing = [name for name in vars(wanted) if getattr(wanted, name) != getattr(found, name)]
    if not differing:
        return
    here, there = (
        " and ".join(f"{name} {_told(getattr(each, name))}" for name in differing)
        for each in (wanted, found)
    )
    options = " and ".join(f"--{name}" for name in differing if name in _OPTIONS)
    raise InputError(
        f"expected a model to start from with {here}, found {there} in {card.name}; "
        + (f"give its {options}, or start from another model" if options else "give another model")
    )


def _told(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
