"""Every method of `fuzzyseg segment`: the clusterings, models, and the choice between them."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.registry import CLUSTERINGS, Method
from fuzzyseg.parameters import read_parameters
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# Setting, and the estimator's parameter that it sets.
SETS = {
    "classes": "n_clusters",
    "q": "q",
    "beta": "beta",
    "neighbours": "neighbours",
    "centres": "move_centres",
    "seed": "random_state",
}
OF_ALL = ("method", "register", "jobs")  # settings that every method reads
OF_MODELS = ("model", "planes", "mirror", "engine")

# The clusterings, of which that table has a line each, after what is no clustering.
METHODS = ChainMap(
    CLUSTERINGS,
    {
        "auto": Method("model, if one that fits comes with the package, else rfcm"),
        "model": Method("a trained network"),
    },
)


def get_method(name: str) -> Method:
    """Entry of a method.

    Raises
    ------
    InputError
        If there is no such method.
    """
    return entry_of(METHODS, name, "method")


def settings_read(name: str) -> tuple[str, ...]:
    """Name the settings that a method reads, besides those of `OF_ALL`."""
    method = get_method(name)
    if not method.estimator:
        return (*OF_MODELS, "classes")
    takes = method.takes()
    of_the_image = () if method.whole else ("mask",) if method.prior else ("mask", "ct_weight")
    own = tuple(setting for setting, parameter in SETS.items() if parameter in takes)
    return (*own, *of_the_image, "parameters")


def clustering_methods() -> tuple[str, ...]:
    """Names of the methods that are clusterings."""
    return tuple(name for name, method in METHODS.items() if method.estimator)


def own_parameters(name: str, given: Sequence[str]) -> dict[str, Any]:
    """Read "NAME=VALUE" parameters of an estimator that no setting sets.

    Values are read as the type of the parameter's default; a tuple is written with commas.

    Raises
    ------
    InputError
        If the method has no such parameter, a setting sets it, or the value does not fit.
    """
    reserved = {*SETS.values(), "channel_axis", "n_jobs", "init"}
    takes = get_method(name).takes()
    free = {key: p.default for key, p in takes.items() if key not in reserved}
    return read_parameters(given, free, name, "parameters")
