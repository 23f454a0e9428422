"""Lesions: connected pieces of the lesion class."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Components(NamedTuple):
    """Numbered lesions.

    Parameters
    ----------
    labels : int32 ndarray of shape (X, Y, Z)
        Number of the lesion of each voxel, from 1 for the largest; 0 elsewhere.
    voxels : int64 ndarray of shape (L,)
        Voxels of each lesion.
    left_out : int
        Pieces smaller than the smallest volume, which are no lesions.
    left_out_voxels : int
        Voxels of these.
    """

    labels: NDArray[np.int32]
    voxels: NDArray[np.int64]
    left_out: int
    left_out_voxels: int


def components(
    mask: NDArray[np.bool_],
    affine: NDArray[np.float64],
    *,
    merge_mm: float = 0.0,
    min_ml: float = 0.0,
) -> Components:
    """Give the lesions of a mask numbers, largest first.

    Parameters
    ----------
    mask : bool ndarray of shape (X, Y, Z)
    affine : float64 ndarray of shape (4, 4)
        From voxels to mm.
    merge_mm : float
        Pieces with voxels whose centres are no further apart are one lesion. Pieces that touch
        over a face or an edge (18 neighbours, as `fuzzyseg.metrics.detect`) always are.
    min_ml : float
        Smaller ones, after merging, are left out.
    """
    from scipy import ndimage

    touching = ndimage.generate_binary_structure(3, 2)
    found, n = ndimage.label(mask, touching)
    labels = np.asarray(found, np.int32)
    if merge_mm > 0 and n > 1:
        owner = _owners(labels, n, affine, merge_mm)
        labels = np.concatenate([[0], owner + 1]).astype(np.int32)[labels]
        n = int(owner.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:].astype(np.int64)
    voxel_ml = abs(float(np.linalg.det(affine[:3, :3]))) / 1000
    kept = sizes * voxel_ml >= min_ml
    order = np.argsort(-sizes, kind="stable")
    order = order[kept[order]]
    number = np.zeros(n + 1, np.int32)
    number[order + 1] = np.arange(1, len(order) + 1)
    return Components(number[labels], sizes[order], int((~kept).sum()), int(sizes[~kept].sum()))


def _owners(
    labels: NDArray[np.int32], n: int, affine: NDArray[np.float64], merge_mm: float
) -> NDArray[np.int64]:
    """Group (n,) of each of n pieces, from 0, by the gaps between their surfaces."""
    from scipy import ndimage
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    surface = (labels > 0) & ~ndimage.binary_erosion(labels > 0)
    places = np.argwhere(surface) @ affine[:3, :3].T
    pairs = cKDTree(places).query_pairs(merge_mm, output_type="ndarray")
    a, b = labels[surface][pairs].T - 1
    graph = coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
