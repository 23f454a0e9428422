"""Segmentation of a volume by classical clustering."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.clustering import FCM, RFCM, GaussianMixture, KMeans, Threshold
from fuzzyseg.clustering.fixed import fixed_centres
from fuzzyseg.clustering.threshold import CT_LEVELS
from fuzzyseg.errors import InputError
from fuzzyseg.provenance import now, versions
from fuzzyseg.segmentation.intensities import CT_WINDOW_HU, body_mask, scaled, with_bone
from fuzzyseg.segmentation.settings import CLUSTERING, OF_MODELS, Settings, class_names
from fuzzyseg.volume import Provenance, Segmentation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

_DOUBTFUL = 0.5  # a lesion class larger than this fraction of the bone class is suspicious


def cluster(volume: Volume, settings: Settings, ct: Volume | None = None) -> Segmentation:
    """Segment a volume by clustering its intensities.

    Parameters
    ----------
    volume : Volume
        SPECT (any modality but CT), or a CT by itself.
        Checked by `segment`, as is all else that may be wrong with it or the settings.
    settings : Settings
        Its method is one of `CLUSTERING`.
    ct : Volume, optional
        CT on the grid of `volume` (`fuzzyseg.resample`), clustered together with it.

    Returns
    -------
    Segmentation
        Memberships sum to 1 in every voxel; what the mask leaves out is background.

    Raises
    ------
    InputError
        If a setting is out of range.
    """
    created, started = now(), time.perf_counter()
    names = class_names(volume.modality, settings)
    warnings = [*volume.warnings]
    if ct is not None:
        warnings += ct.warnings
    if settings.method == "threshold":
        image, mask, channel_axis = _lines_first(volume.array), None, None
        if ct is not None:
            warnings.append("The CT was not used: the thresholds look at the SPECT alone.")
    else:
        image, mask, channel_axis = _features(volume, ct, settings)
    clusterer = _clusterer(settings, len(names), volume.modality == "CT", channel_axis)
    if settings.method in {"rfcm", "fcm"} and settings.centres == "held":
        clusterer.move_centres = False
        clusterer.init = fixed_centres(
            image,
            mask,
            len(names),
            channel_axis=channel_axis,
            lesions=names[-1] == "lesion",
            seed=settings.seed,
        )
    clusterer.fit(image, mask)
    memberships, labels = clusterer.memberships_, clusterer.labels_
    if mask is not None:  # what was left out is background, with certainty
        memberships[0][~mask] = 1
        labels[~mask] = 0
    warnings += _doubts(labels, names, clusterer)
    return Segmentation(
        memberships=memberships.astype(np.float32, copy=False).transpose(0, 3, 2, 1),
        labels=labels.astype(np.uint8).T,
        class_names=names,
        volume=volume,
        provenance=Provenance(
            method=settings.method,
            parameters=_parameters(settings, clusterer, names),
            versions=versions(),
            created=created,
            seconds=round(time.perf_counter() - started, 3),
            warnings=tuple(dict.fromkeys(warnings)),
        ),
    )


def _lines_first(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reverse (X, Y, Z) to C-ordered (Z, Y, X): a view of the Fortran order that readers give."""
    return np.ascontiguousarray(array.T)


def _features(
    volume: Volume, ct: Volume | None, settings: Settings
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, int | None]:
    """Image (Z, Y, X) or (2, Z, Y, X), mask (Z, Y, X) or None, and channel axis or None."""
    image = _lines_first(scaled(volume))
    mask = body_mask(image) if settings.mask and volume.modality != "CT" else None
    if ct is None:
        return image, mask, None
    anatomy = _lines_first(scaled(ct))
    if mask is not None:
        mask = with_bone(mask, anatomy)
    return np.stack([image, np.float32(settings.ct_weight) * anatomy]), mask, 0


def _clusterer(settings: Settings, n_clusters: int, is_ct: bool, channel_axis: int | None) -> Any:
    seed = settings.seed
    match settings.method:
        case "rfcm":
            return RFCM(
                n_clusters=n_clusters,
                q=settings.q,
                beta=settings.beta,
                neighbours=settings.neighbours,
                channel_axis=channel_axis,
                random_state=seed,
                n_jobs=settings.jobs if settings.jobs is not None else os.cpu_count() or 1,
            )
        case "fcm":
            return FCM(
                n_clusters=n_clusters, q=settings.q, channel_axis=channel_axis, random_state=seed
            )
        case "kmeans":
            return KMeans(n_clusters=n_clusters, channel_axis=channel_axis, random_state=seed)
        case "gmm":
            return GaussianMixture(
                n_clusters=n_clusters, channel_axis=channel_axis, random_state=seed
            )
        case "threshold":
            return Threshold(levels=CT_LEVELS, relative=False) if is_ct else Threshold()
    raise InputError(
        f"expected a method out of {', '.join(CLUSTERING)}, found {settings.method!r}; choose one"
    )


def _doubts(labels: NDArray[np.int8], names: tuple[str, ...], clusterer: Any) -> list[str]:
    """Sentences that a reader of the result should know."""
    doubts = []
    if not getattr(clusterer, "converged_", True):
        doubts.append(
            f"The iteration was stopped after {clusterer.n_iter_} steps before it settled."
        )
    counts = np.bincount(labels.ravel(), minlength=len(names))
    empty = [name for name, count in zip(names, counts, strict=True) if not count]
    if empty:
        doubts.append(f"No voxel belongs to {' or '.join(empty)}.")
    if names[-1] == "lesion" and counts[2] > _DOUBTFUL * counts[1]:
        doubts.append(
            f"The lesion class holds {counts[2]} voxels and the bone class {counts[1]}: clustering "
            "always makes the hottest class, and here it may be bone itself; look at the preview."
        )
    return doubts


def _parameters(settings: Settings, clusterer: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Every setting in force, and what the method found."""
    parameters = dataclasses.asdict(settings) | {"classes": len(names)}
    parameters = {name: value for name, value in parameters.items() if name not in OF_MODELS}
    parameters["ct_window_hu"] = list(CT_WINDOW_HU)
    parameters["clustering"] = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(clusterer).items()
        if not name.endswith("_")
    }
    if settings.method == "threshold":
        parameters["levels"] = clusterer.levels_.tolist()
    found = {
        "cluster_centers": clusterer.cluster_centers_.tolist(),
        "n_iter": clusterer.n_iter_,
        "converged": getattr(clusterer, "converged_", True),
        "objective": clusterer.objective_,
    }
    return parameters | {"result": found}
