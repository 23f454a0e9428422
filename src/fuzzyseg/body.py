"""Where in a CT the patient is, without couch, head rest and blankets, and where bone may be."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.io.hounsfield import AIR_HU

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Study, Volume

    Mask = NDArray[np.bool_]

COARSE_MM = 4.0
# Half of a voxel's tissue may be air before it leaves the body; foam and blankets have less.
TISSUE_HU = -400.0
# Things thinner than twice this are cut off first: couches, cradles, tubes. What belongs to the
# body, such as fingers and ears, grows back within `REGROW_MM`.
THIN_MM = 7.0
REGROW_MM = 8.0
# A second piece counts, such as an arm beside the trunk, from this share of the largest on, if
# it is no lighter than fat.
LEAST_SHARE = 0.01
FAT_HU = -220.0
# Holes in a slice are body (lungs, bowel), but not air enclosed by arms and trunk.
LARGE_HOLE_MM2 = 4000.0
AIR_IN_HOLE_HU = -930.0

# Bone, thinned by voxels of some 2 mm, is denser at its cortex; soft tissue is not but for noise.
DENSE_HU = 130.0
NEAR_MM = 12.0
BLOCK_MM = 6.0


def body_mask(ct: Volume) -> NDArray[np.bool_]:
    """Find the patient.

    On a grid of some 4 mm: what is denser than half tissue, opened, so that thin things fall off;
    of the pieces left those that are large and no foam; what was thin but hangs on the body grows
    back; then holes are filled slice by slice, across the axis nearest to head and feet.

    Parameters
    ----------
    ct : Volume
        In HU, of any orientation, voxel width and part of the body.

    Returns
    -------
    bool ndarray of shape (X, Y, Z)
        Good to about 4 mm at the skin; all False where nothing is as dense as tissue.
    """
    from scipy import ndimage

    spacing = np.linalg.norm(ct.affine[:3, :3], axis=0)
    factor = [max(1, math.floor(COARSE_MM / s + 0.25)) for s in spacing]
    coarse = _block_means(ct.array, factor)
    step = spacing * factor
    long_axis = int(np.argmax(np.abs(ct.affine[2, :3]) / spacing))
    tissue = coarse > TISSUE_HU
    # The field may cut the body: beyond its edge everything counts as it does at the edge.
    core = ndimage.binary_erosion(tissue, _disc(step, THIN_MM, long_axis), border_value=1)
    core = ndimage.binary_dilation(core, _disc(step, THIN_MM, long_axis)) & tissue
    core = _large_pieces(core, coarse)
    grown = _regrown(core, tissue, step, long_axis)
    filled = np.zeros_like(grown)
    area = float(np.prod(np.delete(step, long_axis)))
    for index in range(coarse.shape[long_axis]):
        at = tuple(index if axis == long_axis else slice(None) for axis in range(3))
        filled[at] = _filled(grown[at], coarse[at], area)
    return _upsampled(filled, factor, ct.shape)


def near_dense(ct: Volume) -> NDArray[np.bool_]:
    """Where a CT shows something as dense as bone, and around it: elsewhere there is no bone.

    Whatever it is, vessels with contrast agent included; marrow is less dense, but lies within
    `NEAR_MM` of its cortex or between two.

    Returns
    -------
    bool ndarray of shape (X, Y, Z)
        In whole blocks of some 6 mm.
    """
    from scipy import ndimage

    spacing = np.linalg.norm(ct.affine[:3, :3], axis=0)
    factor = [max(1, math.floor(BLOCK_MM / s + 0.25)) for s in spacing]
    highest = ct.array
    for axis, width in enumerate(factor):
        if width > 1:
            starts = np.arange(0, highest.shape[axis], width)
            highest = np.maximum.reduceat(highest, starts, axis=axis)
    reach = [2 * math.ceil(NEAR_MM / (s * f)) + 1 for s, f in zip(spacing, factor, strict=True)]
    near: Mask = ndimage.maximum_filter(highest > DENSE_HU, reach)
    return _upsampled(near, factor, ct.shape)


def body_only(ct: Volume) -> Volume:
    """Return the CT with all that is not the patient replaced by air; as it is if it shows none."""
    body = body_mask(ct)
    if not body.any():
        return ct
    return replace(ct, array=np.where(body, ct.array, np.float32(AIR_HU)))


def patient_only(study: Study) -> Study:
    """Return the study with `body_only` of a CT beside a SPECT: a couch is no bone."""
    if study.spect is None or study.ct is None:
        return study
    return replace(study, ct=body_only(study.ct))


def make_background(memberships: NDArray[np.float32], outside: NDArray[np.bool_]) -> None:
    """Give voxels that are not the patient to the first class, in place.

    Parameters
    ----------
    memberships : float32 ndarray of shape (C, ...)
    outside : bool ndarray of shape (...)
    """
    for number, membership in enumerate(memberships):
        membership[outside] = 1.0 if number == 0 else 0.0


def _block_means(array: NDArray[np.float32], factor: list[int]) -> NDArray[np.float32]:
    """Means of whole blocks, the last of them smaller, air clipped at -1024 HU."""
    for axis, width in enumerate(factor):
        if width > 1:
            starts = np.arange(0, array.shape[axis], width)
            sizes = np.diff(np.append(starts, array.shape[axis]))
            sums = np.add.reduceat(array, starts, axis=axis, dtype=np.float32)
            shape = [-1 if a == axis else 1 for a in range(array.ndim)]
            array = np.asarray(sums / sizes.astype(np.float32).reshape(shape), np.float32)
    return np.maximum(array, np.float32(AIR_HU))


def _disc(step: NDArray[np.float64], radius_mm: float, long_axis: int) -> Mask:
    """Disc in the slices' plane, one voxel thick."""
    reach = [0 if a == long_axis else math.ceil(radius_mm / step[a]) for a in range(3)]
    grid = np.ogrid[tuple(slice(-r, r + 1) for r in reach)]
    square = sum((g * s) ** 2 for g, s in zip(grid, step, strict=True))
    return np.asarray(square <= radius_mm**2 * 1.05)


def _large_pieces(core: Mask, coarse: NDArray[np.float32]) -> Mask:
    """Keep the largest piece, and others that are large enough and as dense as tissue."""
    from scipy import ndimage

    pieces, count = ndimage.label(core, np.ones((3, 3, 3)))
    if count == 0:
        return core
    numbers = np.arange(1, count + 1)
    sizes = np.bincount(pieces.ravel())[1:]
    kept = sizes >= LEAST_SHARE * sizes.max()
    kept &= ndimage.mean(coarse, pieces, numbers) > FAT_HU
    kept[np.argmax(sizes)] = True
    return np.isin(pieces, numbers[kept])


def _regrown(core: Mask, tissue: Mask, step: NDArray[np.float64], long_axis: int) -> Mask:
    """Let back what hangs on the body within a few millimetres, and is joined to it."""
    from scipy import ndimage

    width = float(np.delete(step, long_axis).min())
    cross = ndimage.generate_binary_structure(3, 1)
    rounds = max(1, round(REGROW_MM / width))
    return np.asarray(ndimage.binary_dilation(core, cross, iterations=rounds, mask=tissue))


def _filled(body: Mask, coarse: NDArray[np.float32], pixel_mm2: float) -> Mask:
    """Fill a slice's holes, but for large ones of pure air."""
    from scipy import ndimage

    full = ndimage.binary_fill_holes(body)
    holes, count = ndimage.label(full & ~body)
    if count:
        numbers = np.arange(1, count + 1)
        sizes = ndimage.sum(np.ones_like(coarse), holes, numbers) * pixel_mm2
        airy = ndimage.median(coarse, holes, numbers) < AIR_IN_HOLE_HU
        outside = numbers[(sizes > LARGE_HOLE_MM2) & airy]
        full &= ~np.isin(holes, outside)
    return np.asarray(full)


def _upsampled(mask: Mask, factor: list[int], shape: tuple[int, ...]) -> Mask:
    for axis, width in enumerate(factor):
        if width > 1:
            mask = np.repeat(mask, width, axis=axis)
    return mask[tuple(slice(0, n) for n in shape)]
