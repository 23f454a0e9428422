"""How to segment: the settings, and the names of the classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar, Literal

from fuzzyseg.clustering.checks import check_clusters
from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import Neighbours
from fuzzyseg.segmentation.methods import (
    METHODS,
    OF_ALL,
    OF_MODELS,
    SETS,
    get_method,
    own_parameters,
    settings_read,
)

if TYPE_CHECKING:
    from fuzzyseg.volume import Modality

_MOST_THREADS = 1024  # more than any machine that this runs on has cores
_NAMES: dict[str, dict[int, tuple[str, ...]]] = {
    "CT": {2: CLASSES[:2]},
    "uptake": {2: ("background", "uptake"), 3: CLASSES},
}


@dataclass(frozen=True)
class Settings:
    """How to segment.

    Parameters
    ----------
    method : str
        A trained network, or a clustering method.
    model : str or None
        Name (see fuzzyseg models) or path of a model; by default the bundled one that fits.
    planes : {"model", "one", "three"}
        Planes in which a 2-D network segments slices: those the model was made for, only the first
        of these, or all three (transverse, coronal and sagittal), averaging the memberships.
    mirror : bool
        Also segment the mirror image, and average: takes twice the time.
    engine : {"auto", "torch", "openvino", "onnxruntime"}
        Library that runs the network; "auto" takes the fastest one installed.
    classes : int or None
        Number of classes; by default 3 (background, bone, lesion), or 2 (background, bone) for CT.
    q : float
        Fuzzy exponent of rfcm and fcm, at least 1.
    beta : float
        Spatial weight of rfcm, for intensities scaled to [0, 1].
    neighbours : {"all", "faces"}
        Neighbourhood of rfcm: 26 voxels, or the 6 that share a face.
    centres : {"fixed", "free"}
        "fixed": class centres stay where K-means puts them; if it finds no lesions, the lesion
        centre is set to 60% of the maximum. "free": they move by eq. (6), as in textbooks, which
        loses lesions if there are few.
    mask : bool
        Leave out the air around a SPECT, which counts as background.
    ct_weight : float
        Weight of a CT, scaled from 0 to 1000 HU, relative to a SPECT scaled to [0, 1].
    seed : int
        Seed for methods that draw random numbers; most draw none.
    register : bool
        Move a CT so that its bone lies on the bone's uptake in the SPECT.
    jobs : int or None
        Threads; by default one per core. The result does not depend on it.
    parameters : tuple of str
        Further parameters of the method, as NAME=VALUE.
    """

    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "How to segment": OF_ALL,
        "With a network": OF_MODELS,
        "By clustering": (*SETS, "mask", "ct_weight", "parameters"),
    }

    method: str = field(default="auto", metadata={"choices": METHODS})
    model: str | None = None
    planes: Literal["model", "one", "three"] = "model"
    mirror: bool = False
    engine: Literal["auto", "torch", "openvino", "onnxruntime"] = "auto"
    classes: int | None = None
    q: float = 2.0
    beta: float = 1e-4
    neighbours: Neighbours = "all"
    centres: Literal["fixed", "free"] = "fixed"
    mask: bool = True
    ct_weight: float = 0.3
    seed: int = 0
    register: bool = True
    jobs: int | None = None
    parameters: tuple[str, ...] = ()


def given(settings: Settings) -> tuple[str, ...]:
    """Names of the settings that are not at their defaults."""
    return tuple(f.name for f in fields(settings) if getattr(settings, f.name) != f.default)


def check_settings(settings: Settings) -> None:
    """Raise InputError for what no method checks by itself."""
    get_method(settings.method)
    if not (math.isfinite(settings.ct_weight) and settings.ct_weight >= 0):
        raise InputError(
            f"expected a weight of the CT of 0 or more, found {settings.ct_weight}; 0.3 is usual"
        )
    if settings.jobs is not None and not 1 <= settings.jobs <= _MOST_THREADS:
        raise InputError(
            f"expected 1 to {_MOST_THREADS} threads, found {settings.jobs}; leave out --jobs to "
            "use all cores"
        )
    if settings.seed < 0:
        raise InputError(f"expected a seed of 0 or more, found {settings.seed}; give another")


def check_read(settings: Settings) -> None:
    """Raise InputError for a setting that its method, no longer "auto", does not read."""
    own = settings_read(settings.method)
    reads = {*OF_ALL, *own}
    idle = [name for name in given(settings) if name not in reads]
    if idle:
        raise InputError(
            f"expected settings that {settings.method} reads ({', '.join(own)}), found "
            f"{', '.join(idle)}; leave out those that it does not read, or choose another method"
        )
    own_parameters(settings.method, settings.parameters)


def class_names(modality: Modality, settings: Settings) -> tuple[str, ...]:
    """Names of the classes in order of rising intensity.

    Raises
    ------
    InputError
        If the number of classes is impossible, or the method cannot give so many.
    """
    kind = "CT" if modality == "CT" else "uptake"
    default = max(_NAMES[kind])
    n_classes = default if settings.classes is None else settings.classes
    check_clusters(n_classes)
    if "classes" not in settings_read(settings.method) and n_classes != default:
        raise InputError(
            f"expected {default} classes for {settings.method} on {modality}, found "
            f"{n_classes}; leave out --classes, or choose another method"
        )
    return _NAMES[kind].get(n_classes) or tuple(f"class {k}" for k in range(n_classes))
