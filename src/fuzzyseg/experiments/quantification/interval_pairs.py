"""Measured lesions beside the true ones that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fuzzyseg.quantification.pieces import components

if TYPE_CHECKING:
    from fuzzyseg.experiments.quantification.truth import Truth
    from fuzzyseg.quantification import Quantification
    from fuzzyseg.volume import Volume


class Pair(NamedTuple):
    """A measured lesion: volumes in mL, uptake in the image's unit times mL."""

    patient: int
    volume_ml: float
    fuzzy_ml: float
    uptake: float
    true_volume_ml: float
    true_uptake: float


def pairs_of(measured: Quantification, volume: Volume, truth: Truth, patient: int) -> list[Pair]:
    """Pair each measured lesion with the sum of the true ones that lie in it.

    A true lesion belongs to the measured one that has most of its voxels. Measured ones without
    any, which are no lesions, and those that the field cuts off are left out.

    Parameters
    ----------
    measured : Quantification
    volume : Volume
        What was measured, with the truth on its grid.
    truth : Truth
    patient : int
        Its number, into the pairs.
    """
    voxel_ml, n = volume.voxel_volume_ml, len(measured.lesions)
    true_ml, true_uptake = np.zeros(n + 1), np.zeros(n + 1)
    pieces = components(truth.labels == 2, volume.affine)
    for number, voxels in enumerate(pieces.voxels, start=1):
        at = pieces.labels == number
        shared = np.bincount(measured.labels[at], minlength=n + 1)
        shared[0] = 0
        owner = int(shared.argmax())  # 0 where nothing of it was found
        true_ml[owner] += voxels * voxel_ml
        true_uptake[owner] += float(truth.activity[at].sum(dtype=float)) * voxel_ml
    found = []
    for one in measured.lesions:
        uptake = (one.image_mean or 0.0) * one.volume_ml
        fuzzy = one.fuzzy_volume_ml or 0.0
        if true_ml[one.number] and not one.at_border and uptake > 0 and fuzzy > 0:
            truths = float(true_ml[one.number]), float(true_uptake[one.number])
            found.append(Pair(patient, one.volume_ml, fuzzy, uptake, *truths))
    return found
