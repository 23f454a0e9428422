"""How to segment: the settings, the methods, and the names of the classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fuzzyseg.clustering.checks import check_clusters
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import Neighbours

if TYPE_CHECKING:
    from fuzzyseg.volume import Modality

Method = Literal["auto", "model", "rfcm", "fcm", "kmeans", "gmm", "threshold"]
METHODS: dict[Method, str] = {
    "auto": "model, if one that fits comes with the package, else rfcm",
    "model": "a trained network",
    "rfcm": "robust fuzzy c-means: fuzzy c-means with a spatial penalty",
    "fcm": "fuzzy c-means",
    "kmeans": "K-means",
    "gmm": "Gaussian mixture",
    "threshold": "fixed thresholds: 2% and 42% of the maximum (SPECT), 400 HU (CT)",
}
CLUSTERING = tuple(name for name in METHODS if name not in {"auto", "model"})
# Settings that only these methods read.
OF_CLUSTERING = ("classes", "q", "beta", "neighbours", "centres", "mask", "ct_weight", "seed")
OF_MODELS = ("model", "views", "flips", "engine")
_NAMES: dict[str, dict[int, tuple[str, ...]]] = {
    "CT": {2: ("background", "bone")},
    "uptake": {2: ("background", "uptake"), 3: ("background", "bone", "lesion")},
}


@dataclass(frozen=True)
class Settings:
    """How to segment.

    Parameters
    ----------
    method : {"auto", "model", "rfcm", "fcm", "kmeans", "gmm", "threshold"}
        A trained network, (robust) fuzzy c-means, K-means, Gaussian mixture, or fixed thresholds.
        "auto": the network that fits and comes with the package, if there is one and no setting
        of clustering is given, else rfcm.
    model : str or None
        Name or path of a model; None: the bundled one that fits (see fuzzyseg models).
    views : {"model", "one", "three"}
        Directions of the slices that a network of slices looks at: the model's own choice, one,
        or transverse, coronal and sagittal ones, whose memberships are averaged.
    flips : bool
        Let the network look at the mirror image too, and average.
    engine : {"auto", "torch", "openvino", "onnxruntime"}
        What computes the network; "auto": the fastest that is installed.
    classes : int or None
        Number of classes; None is 3 (background, bone, lesion), or 2 (background, bone) for CT.
    q : float
        Fuzzy exponent of rfcm and fcm, at least 1.
    beta : float
        Spatial weight of rfcm, for intensities scaled to [0, 1].
    neighbours : {"all", "faces"}
        Neighbourhood of rfcm: 26 voxels, or the 6 that share a face.
    centres : {"held", "free"}
        "held": the centres of rfcm and fcm stay where K-means puts them or, where it finds no
        lesions, at 60% of the maximum for these. "free": eq. (6), the textbook's way, which
        loses lesions where they are few.
    mask : bool
        Leave out the air of a SPECT: it counts as background. CT and thresholds use all voxels.
    ct_weight : float
        Weight of a CT, scaled from 0 to 1000 HU, beside a SPECT scaled to [0, 1].
    seed : int
        Seed of random starts; the default start draws nothing.
    jobs : int or None
        Threads; None uses all cores. The result does not depend on it.
    """

    method: Method = "auto"
    model: str | None = None
    views: Literal["model", "one", "three"] = "model"
    flips: bool = False
    engine: Literal["auto", "torch", "openvino", "onnxruntime"] = "auto"
    classes: int | None = None
    q: float = 2.0
    beta: float = 1e-4
    neighbours: Neighbours = "all"
    centres: Literal["held", "free"] = "held"
    mask: bool = True
    ct_weight: float = 0.3
    seed: int = 0
    jobs: int | None = None


def check_settings(settings: Settings) -> None:
    """Raise InputError for what no method checks by itself."""
    if settings.method not in METHODS:
        raise InputError(
            f"expected a method out of {', '.join(METHODS)}, found {settings.method!r}; choose one"
        )
    if not (math.isfinite(settings.ct_weight) and settings.ct_weight >= 0):
        raise InputError(
            f"expected a weight of the CT of 0 or more, found {settings.ct_weight}; 0.3 is usual"
        )
    if settings.jobs is not None and settings.jobs < 1:
        raise InputError(
            f"expected at least 1 thread, found {settings.jobs}; leave out --jobs to use all cores"
        )
    if settings.seed < 0:
        raise InputError(f"expected a seed of 0 or more, found {settings.seed}; give another")


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
    if settings.method == "threshold" and n_classes != default:
        raise InputError(
            f"expected {default} classes for thresholds on {modality}, found "
            f"{n_classes}; leave out --classes, or choose another method"
        )
    return _NAMES[kind].get(n_classes) or tuple(f"class {k}" for k in range(n_classes))
