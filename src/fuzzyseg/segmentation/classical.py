"""Segmentation of a volume by classical clustering."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.body import body_mask, make_background
from fuzzyseg.clustering.fixed import fixed_centres
from fuzzyseg.conventions import CT_WINDOW_HU
from fuzzyseg.counts import class_counts
from fuzzyseg.provenance import now, versions
from fuzzyseg.segmentation.intensities import bone_prior, scaled, uptake_mask, with_bone
from fuzzyseg.segmentation.methods import (
    OF_ALL,
    SETS,
    get_method,
    own_parameters,
    settings_read,
)
from fuzzyseg.segmentation.settings import Settings, class_names
from fuzzyseg.volume import Provenance, Segmentation, Study

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGE = {"memberships_", "labels_", "history_"}
_DOUBTFUL = 0.5  # a lesion class larger than this fraction of the bone class is suspicious


def cluster(study: Study, settings: Settings) -> Segmentation:
    """Segment a study by clustering its intensities.

    Parameters
    ----------
    study : Study
        Aligned, and checked by `segment`, as is all else that may be wrong with it or the
        settings. A CT beside a SPECT is clustered together with it.
    settings : Settings
        Its method is one of `METHODS` that has an estimator.

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
    volume = study.image
    names = class_names(volume.modality, settings)
    warnings = [*study.warnings]
    method = get_method(settings.method)
    takes = method.takes()
    if study.beside is not None and "channel_axis" not in takes:
        warnings.append(f"The CT was not used: {settings.method} uses only the SPECT.")
        study = Study(spect=study.spect)
    image, mask, channel_axis = (
        (_lines_first(volume.array), None, None) if method.whole else _features(study, settings)
    )
    clusterer = _clusterer(settings, len(names), volume.modality == "CT", channel_axis)
    if "move_centres" in takes and settings.centres == "fixed":
        prior = method.prior and channel_axis is not None
        clusterer.init = fixed_centres(
            image[0] if prior else image,
            mask,
            len(names),
            channel_axis=None if prior else channel_axis,
            lesions=names[-1] == "lesion",
            seed=settings.seed,
        )
    clusterer.fit(image, mask)
    memberships, labels = clusterer.memberships_, clusterer.labels_
    if method.typicalities:
        memberships /= np.maximum(memberships.sum(0), np.float32(1e-30))
    if mask is not None:  # what was left out is background, with certainty
        memberships[0][~mask] = 1
        labels[~mask] = 0
    if study.spect is None:  # a couch may be as dense as bone
        outside = ~body_mask(volume).T
        make_background(memberships, outside)
        labels[outside] = 0
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
    study: Study, settings: Settings
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, int | None]:
    """Image (Z, Y, X) or (2, Z, Y, X), mask (Z, Y, X) or None, and channel axis or None."""
    image = _lines_first(scaled(study.image))
    mask = uptake_mask(image) if settings.mask and study.spect is not None else None
    if study.beside is None:
        return image, mask, None
    anatomy = _lines_first(scaled(study.beside))
    if mask is not None:
        mask = with_bone(mask, anatomy)
    if get_method(settings.method).prior:
        return np.stack([image, bone_prior(anatomy)]), mask, 0
    return np.stack([image, np.float32(settings.ct_weight) * anatomy]), mask, 0


def _clusterer(settings: Settings, n_clusters: int, is_ct: bool, channel_axis: int | None) -> Any:
    """Build the estimator with what it takes of the settings."""
    method = get_method(settings.method)
    set_here = {parameter: getattr(settings, name) for name, parameter in SETS.items()} | {
        "n_clusters": n_clusters,
        "move_centres": settings.centres == "free",
        "channel_axis": channel_axis,
        "n_jobs": settings.jobs if settings.jobs is not None else os.cpu_count() or 1,
    }
    takes = method.takes()
    arguments = {name: value for name, value in set_here.items() if name in takes}
    arguments |= method.of_ct if is_ct else {}
    return method.load()(**arguments | own_parameters(settings.method, settings.parameters))


def _doubts(labels: NDArray[np.int8], names: tuple[str, ...], clusterer: Any) -> list[str]:
    """Sentences that a reader of the result should know."""
    doubts = []
    if not getattr(clusterer, "converged_", True):
        doubts.append(
            f"The iteration was stopped after {clusterer.n_iter_} steps before it converged."
        )
    counts = class_counts(labels.T, len(names))
    empty = [name for name, count in zip(names, counts, strict=True) if not count]
    if empty:
        doubts.append(f"No voxel belongs to {' or '.join(empty)}.")
    if names[-1] == "lesion" and counts[2] > _DOUBTFUL * counts[1]:
        doubts.append(
            f"The lesion class holds {counts[2]} voxels and the bone class "
            f"{counts[1]}: clustering always produces a hottest class, which here may "
            "be bone itself; look at the preview."
        )
    return doubts


def _parameters(settings: Settings, clusterer: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Every setting in force, and what the method found."""
    method = get_method(settings.method)
    reads = (*OF_ALL, *settings_read(settings.method))
    parameters: dict[str, Any] = {name: getattr(settings, name) for name in reads}
    parameters["classes"] = len(names)
    if not method.whole:
        parameters["ct_window_hu"] = list(CT_WINDOW_HU)
    parameters["clustering"] = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(clusterer).items()
        if not name.endswith("_")
    }
    return parameters | {"result": _found(clusterer)}


def _found(clusterer: Any) -> dict[str, Any]:
    """Every result of an estimator, by its name without the underscore, but images and curves."""
    found = {}
    for name, value in vars(clusterer).items():
        if name.endswith("_") and name not in _LARGE:
            found[name.removesuffix("_")] = (
                value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            )
    return found
