"""Every method of `fuzzyseg segment`, listed once: CLI choices, `info` and checks read this."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.threshold import CT_LEVELS
from fuzzyseg.errors import InputError
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Method:
    """One way to segment.

    Parameters
    ----------
    about : str
        One line for people.
    estimator : str
        "module:Class" of an estimator (`fuzzyseg.clustering`), imported when it is used; "" for
        what is no clustering. The parameters of its constructor decide which settings it reads
        (`SETS`), whether it takes a CT beside a SPECT (`channel_axis`), and whether the number
        of classes can be chosen (`n_clusters`).
    of_ct : mapping
        Arguments of the constructor for a CT by itself.
    whole : bool
        It sees the whole image in its own unit, not the body scaled to [0, 1].
    prior : bool
        A CT beside a SPECT is no channel of intensities but says where bone is, 0 to 1.
    typicalities : bool
        Its memberships need not sum to 1: a segmentation holds their shares.
    """

    about: str
    estimator: str = ""
    of_ct: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    prior: bool = False
    typicalities: bool = False

    def load(self) -> Any:
        """Class of the estimator."""
        module, name = self.estimator.split(":")
        return getattr(import_module(module), name)

    def takes(self) -> dict[str, inspect.Parameter]:
        """Parameters of the estimator's constructor, by name."""
        return dict(inspect.signature(self.load()).parameters) if self.estimator else {}

    def reads(self) -> tuple[str, ...]:
        """Name the settings that it reads, besides `method` and `jobs`."""
        if not self.estimator:
            return (*OF_MODELS, "classes")
        takes = self.takes()
        of_the_image = () if self.whole else ("mask",) if self.prior else ("mask", "ct_weight")
        own = tuple(setting for setting, parameter in SETS.items() if parameter in takes)
        return (*own, *of_the_image, "parameters")


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
_HERE = "fuzzyseg.clustering"  # another package may be named as well

METHODS: dict[str, Method] = {
    "auto": Method("model, if one that fits comes with the package, else rfcm"),
    "model": Method("a trained network"),
    "rfcm": Method("robust fuzzy c-means: with a spatial penalty", f"{_HERE}.rfcm:RFCM"),
    "rfcm-ct": Method(
        "rfcm that favours bone and lesion where the CT shows bone",
        f"{_HERE}.rfcm_ct:RFCM_CT",
        prior=True,
    ),
    "fcm": Method("fuzzy c-means", f"{_HERE}.fcm:FCM"),
    "fcm-s": Method("fcm, its neighbours counted with each voxel", f"{_HERE}.fcm_s:FCM_S"),
    "fcm-s1": Method("fcm, the neighbourhood's mean counted too", f"{_HERE}.fcm_s:FCM_S1"),
    "fcm-s2": Method("fcm, the neighbourhood's median counted too", f"{_HERE}.fcm_s:FCM_S2"),
    "enfcm": Method("fcm of a locally averaged image", f"{_HERE}.enhanced:EnFCM"),
    "fgfcm": Method("fcm of an image averaged where it is alike", f"{_HERE}.enhanced:FGFCM"),
    "flicm": Method("fcm with a spatial penalty without a weight", f"{_HERE}.flicm:FLICM"),
    "kfcm": Method("fcm in a Gaussian kernel's space", f"{_HERE}.kfcm:KFCM"),
    "kfcm-s": Method("kfcm with a spatial penalty", f"{_HERE}.kfcm:KFCM_S"),
    "sfcm": Method("fcm, memberships multiplied by the window's", f"{_HERE}.sfcm:SFCM"),
    "pcm": Method("possibilistic c-means", f"{_HERE}.pcm:PCM", typicalities=True),
    "kmeans": Method("K-means", f"{_HERE}.fcm:KMeans"),
    "gmm": Method("Gaussian mixture", f"{_HERE}.mixture:GaussianMixture"),
    "threshold": Method(
        "fixed thresholds: 2% and 42% of the maximum (SPECT), 400 HU (CT)",
        f"{_HERE}.threshold:Threshold",
        of_ct={"levels": CT_LEVELS, "relative": False},
        whole=True,
    ),
}


def get_method(name: str) -> Method:
    """Entry of a method.

    Raises
    ------
    InputError
        If there is no such method.
    """
    return entry_of(METHODS, name, "method")


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
    takes = get_method(name).takes()
    reserved = {*SETS.values(), "channel_axis", "n_jobs", "init"}
    free = {key: p for key, p in takes.items() if key not in reserved}
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key not in free:
            raise InputError(
                f"expected NAME=VALUE with a parameter of {name} out of "
                f"{', '.join(free) or 'none'}, found {text!r}; name one of these"
            )
        default = free[key].default
        try:
            found[key] = _read(value, default)
        except ValueError:
            raise InputError(
                f"expected a value like {default!r} for the parameter {key} of {name}, found "
                f"{value!r}; give one"
            ) from None
    return found


def _read(text: str, like: Any) -> Any:
    """Read a value of the type of another; where that is None, a number if it is one."""
    if isinstance(like, bool):
        if text.lower() not in {"true", "false"}:
            raise ValueError(text)
        return text.lower() == "true"
    if isinstance(like, int):
        return int(text)
    if isinstance(like, float):
        return float(text)
    if isinstance(like, tuple):
        return tuple(float(part) for part in text.split(","))
    if like is None:
        try:
            return int(text)
        except ValueError:
            return None if text.lower() == "none" else float(text)
    return text
