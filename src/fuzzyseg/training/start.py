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
_OF_STAGES = ("classes", "filters")  # which both stages share


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


def check_start(card: Card | None, config: Config) -> None:
    """Raise InputError unless training can begin with a model, or with none.

    Parameters
    ----------
    card : Card or None
        Of the model, of the network that is trained or of its first stage; None: random weights.
    config : Config
    """
    whole = architecture_of(config)
    wanted = whole.first or whole
    if card is None:
        if whole.first is not None:
            raise InputError(
                f"expected a trained model as the first stage of {config.network}, found none; "
                "give one with --start, such as spect"
            )
        return
    found = card.architecture
    if found in {whole, wanted}:
        return
    differing = [name for name in vars(wanted) if getattr(wanted, name) != getattr(found, name)]
    here, there = (
        " and ".join(f"{name} {_told(getattr(each, name))}" for name in differing)
        for each in (wanted, found)
    )
    free = _OPTIONS if whole.first is None else _OF_STAGES
    options = " and ".join(f"--{name}" for name in differing if name in free)
    raise InputError(
        f"expected a model to start from with {here}, found {there} in {card.name}; "
        + (f"give its {options}, or start from another model" if options else "give another model")
    )


def _told(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
