"""Whether training can begin with a model's weights; asked before minutes of reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.training.config import as_typed

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def check_start(
    card: Card | None, config: Config, begun: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Check that training can begin with a model, or with none.

    Parameters
    ----------
    card : Card or None
        Of the model, of the network that is trained or of its first stage; None: random weights,
        or those of the run that goes on.
    config : Config
    begun : mapping, optional
        What the checkpoint of a run that goes on says of it.

    Returns
    -------
    dict or None
        "name" and "sha256" of the model that the run begins with, or began with.

    Raises
    ------
    InputError
        If the model does not fit, or is not the one that the run began with, or a network of two
        stages, or --start-share, has none.
    """
    whole = architecture_of(config)
    if card is None:
        if begun is not None:
            began: dict[str, Any] | None = begun.get("start")
            return began
        if whole.first is not None:
            raise InputError(
                f"expected a trained model as the first stage of {config.network}, found none; "
                "give one with --start, such as spect"
            )
        if config.start_share:
            raise InputError(
                "expected a model to start from with --start-share, found none; give one with "
                "--start"
            )
        return None
    told = {"name": card.name, "sha256": card.sha256}
    if begun is not None and begun.get("start", told) != told:
        before = begun["start"]
        raise InputError(
            f"expected the model that the run began with, {before['name'] if before else 'none'}, "
            f"found {card.name}; leave out --start"
        )
    if card.architecture != whole:
        _check_differences(card, whole.first or whole, of_stage=whole.first is not None)
        if whole.first is not None:
            _check_preparation(card, config)
    return told


def _check_differences(card: Card, wanted: Architecture, *, of_stage: bool) -> None:
    found = card.architecture
    differing = [name for name in vars(wanted) if getattr(wanted, name) != getattr(found, name)]
    if not differing:
        return
    here, there = (
        " and ".join(f"{name} {as_typed(getattr(each, name))}" for name in differing)
        for each in (wanted, found)
    )
    free = _OF_STAGES if of_stage else _OPTIONS
    helpful = [f"--{name}" for name in differing if name in free]
    all_of_them = len(helpful) == len(differing) or not of_stage
    give = f"give its {' and '.join(helpful)}, or start" if helpful and all_of_them else "start"
    raise InputError(
        f"expected a model to start from with {here}, found {there} in {card.name}; "
        f"{give} from another model"
    )


def _check_preparation(card: Card, config: Config) -> None:
    """Raise InputError unless the first stage sees the SPECT as in its own training."""
    own = card.preprocessing
    if (own.spect, own.spacing_mm) != (config.spect, config.spacing_mm):
        raise InputError(
            f"expected --spect {own.spect} and --spacing-mm {own.spacing_mm}, with which "
            f"{card.name} was trained, found {config.spect} and {config.spacing_mm}; give these"
        )
