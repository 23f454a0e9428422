"""A labelled volume that stands in for the parametric body, sampled onto a patient's grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.files.label_table import BONE, LabelTable
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.model import Phantom
from fuzzyseg.simulation.phantom.shapes.deformation import Deformation, sample_points
from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Samples are at most this wide, so that thin bones and the cortex are averaged, not missed.
SAMPLE_MM = 1.5
_SLAB_SAMPLES = 6_000_000
_HALO = 4
_OUTSIDE = 65536  # stands for a label outside the file


@dataclass(frozen=True, eq=False)
class LabelledVolume:
    """Labels with a table, and optionally measured images on the same voxels.

    Parameters
    ----------
    labels : integer ndarray of shape (X, Y, Z)
    affine : float64 ndarray of shape (4, 4)
        Voxel to millimetre, RAS.
    table : LabelTable
    attenuation : float32 ndarray of shape (X, Y, Z), optional
        Linear attenuation at 140 keV, 1/cm.
    uptake : float32 ndarray of shape (X, Y, Z), optional
        Relative activity; its total is kept when deformed.
    hu : float32 ndarray of shape (X, Y, Z), optional
        A real CT.
    source : str
        File or description.

    Raises
    ------
    InputError
        If a label has no tissue, the labels are not whole numbers of 0 to 65535, the voxels are
        not isotropic in-plane, or an image's shape differs.
    """

    labels: NDArray[np.uint16]
    affine: NDArray[np.float64]
    table: LabelTable
    attenuation: NDArray[np.float32] | None = None
    uptake: NDArray[np.float32] | None = None
    hu: NDArray[np.float32] | None = None
    source: str = field(default="a labelled volume")

    def __post_init__(self) -> None:
        labels = self.labels
        if labels.ndim != 3 or not labels.size:
            raise InputError(
                f"expected 3-D labels in {self.source}, found shape {labels.shape}; pass one volume"
            )
        low, high = labels.min(), labels.max()
        if not (low >= 0 and high <= 65535):
            raise InputError(
                f"expected labels of 0 to 65535 in {self.source}, found {low:g} to {high:g}; "
                "renumber them, or convert the file: it may be an image instead of labels"
            )
        counts = np.bincount(labels.reshape(-1), minlength=1)
        missing = [int(v) for v in np.flatnonzero(counts) if int(v) not in self.table.tissues]
        if missing:
            shown = ", ".join(map(str, missing[:8])) + (" and more" if len(missing) > 8 else "")
            raise InputError(
                f"expected a tissue for every label of {self.source}, found none for {shown}; "
                "add lines to [tissues] of the table"
            )
        for what in ("attenuation", "uptake", "hu"):
            image = getattr(self, what)
            if image is not None and image.shape != labels.shape:
                raise InputError(
                    f"expected {what} of the labels' shape {labels.shape}, found {image.shape}; "
                    "resample it onto the labels' voxels"
                )
            if image is not None and what != "hu":
                _require_positive(image, what, self.source)
        named = len(set(self.table.regions.values()))
        if named > 255:
            raise InputError(
                f"expected at most 255 named bones in the table of {self.source}, found {named}; "
                "give several labels one region"
            )
        spacing = np.linalg.norm(self.affine[:3, :3], axis=0)
        across = spacing[[i for i in range(3) if i != self._long_axis()]]
        if abs(across[0] - across[1]) > 0.01 * across.max():
            raise InputError(
                f"expected voxels isotropic in-plane in {self.source}, found {across[0]:g} x "
                f"{across[1]:g} mm; resample so that the transverse widths agree"
            )

    def _long_axis(self) -> int:
        """Find the voxel axis that runs nearest to head and feet."""
        directions = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        return int(np.argmax(np.abs(directions[2])))

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner of the voxels' outer faces, mm."""
        ends = np.array([(-0.5, n - 0.5) for n in self.labels.shape])
        corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
        world = self.affine[:3, :3] @ corners + self.affine[:3, 3:]
        return world.min(axis=1), world.max(axis=1)

    def reach_mm(self) -> float:
        """Farthest that anything but air lies from the volume's middle, across the body, in mm."""
        solid = np.ones(_OUTSIDE + 1, dtype=bool)
        solid[[label for label, name in self.table.tissues.items() if name == "air"]] = False
        axis = self._long_axis()
        across = np.argwhere(solid[self.labels].any(axis=axis))
        index = np.insert(across, axis, self.labels.shape[axis] // 2, axis=1)
        world = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        low, high = self.extent()
        from_middle = world[:, :2] - (low + high)[:2] / 2
        return float(np.hypot(*from_middle.T).max(initial=0.0))

    def grid(self, spacing_mm: tuple[float, float, float], matrix: int | None = None) -> Grid:
        """Return a grid of these voxels that covers the volume, in patient axes.

        Raises
        ------
        InputError
            If `matrix` voxels do not hold it.
        """
        return Grid.covering(*self.extent(), spacing_mm, matrix)

    def sample(self, grid: Grid, deformation: Deformation, sample_mm: float = SAMPLE_MM) -> Phantom:
        """Average the tissues at p + u(p) over each voxel of a grid.

        "bone" within `cortex_mm` of its surface becomes cortical, the rest spongiosa; the depth
        is counted in whole samples, of at most `sample_mm`.
        """
        factor = max(1, math.ceil(max(grid.spacing_mm) / sample_mm - 1e-6))
        names = tuple(TISSUES)
        lookup, bone_names, region_of = self._lookup(names)
        fractions = np.zeros((len(names), *grid.shape), np.float16)
        region = np.zeros(grid.shape, np.uint8)
        images = {k: getattr(self, k) for k in ("attenuation", "uptake", "hu")}
        images = {k: v for k, v in images.items() if v is not None}
        sampled: dict[str, Any] = {k: np.zeros(grid.shape, np.float32) for k in images}
        step = max(grid.spacing_mm) / factor
        depth = round(self.table.cortex_mm / step)
        thick = max(1, _SLAB_SAMPLES // (grid.shape[0] * grid.shape[1] * factor**3))
        for start in range(0, grid.shape[2], thick):
            stop = min(start + thick, grid.shape[2])
            axes = [grid.axis(i, factor) for i in range(3)]
            # A halo in z lets the cortex of one slab see the bone of the next.
            halo = (min(_HALO, start), min(_HALO, grid.shape[2] - stop))
            axes[2] = axes[2][(start - halo[0]) * factor : (stop + halo[1]) * factor]
            index = self._index(axes, deformation)
            labels = self._nearest(index)
            tissue = lookup[labels]
            _split_bone(tissue, names, depth)
            inner = slice(halo[0] * factor, tissue.shape[2] - halo[1] * factor)
            tissue, labels = tissue[..., inner], labels[..., inner]
            for t in np.unique(tissue):
                fractions[t, :, :, start:stop] = _mean(tissue == t, factor)
            region[:, :, start:stop] = _majority(region_of[labels], factor, len(bone_names))
            for key, image in images.items():
                fill = -1000.0 if key == "hu" else 0.0
                values = _linear(image, index[..., inner], labels == _OUTSIDE, fill)
                if key == "uptake":
                    axes[2] = axes[2][inner]
                    values = values * deformation.jacobian(axes)
                sampled[key][:, :, start:stop] = _mean(values, factor)
        return Phantom(
            fractions, names, region, bone_names, grid, **sampled,
            parameters={"phantom": Path(self.source).name, "cortex_mm": self.table.cortex_mm},
        )  # fmt: skip

    def _lookup(
        self, names: tuple[str, ...]
    ) -> tuple[NDArray[np.uint8], tuple[str, ...], NDArray[np.uint8]]:
        """Tissue and region by label; "bone" has the number after the last tissue."""
        regions = ("", *dict.fromkeys(self.table.regions.values()))
        # The last entry stands for what lies outside the file: air.
        tissue = np.full(_OUTSIDE + 1, names.index("air"), np.uint8)
        region = np.zeros(_OUTSIDE + 1, np.uint8)
        for label, name in self.table.tissues.items():
            tissue[label] = len(names) if name == BONE else names.index(name)
            region[label] = regions.index(self.table.regions.get(label, ""))
        return tissue, regions, region

    def _index(
        self, axes: list[NDArray[np.float64]], deformation: Deformation
    ) -> NDArray[np.float32]:
        """Voxel coordinates (3, X, Y, Z) in the file of each sample."""
        p = np.stack(sample_points(axes, deformation))
        inverse = np.linalg.inv(self.affine).astype(np.float32)
        index = np.tensordot(inverse[:3, :3], p, axes=1)
        index += inverse[:3, 3].reshape(3, 1, 1, 1)
        return np.asarray(index, dtype=np.float32)

    def _nearest(self, index: NDArray[np.float32]) -> NDArray[np.int32]:
        at = np.rint(index).astype(np.int32)
        limit = np.reshape(self.labels.shape, (3, 1, 1, 1))
        inside = ((at >= 0) & (at < limit)).all(axis=0)
        at = np.clip(at, 0, limit - 1)
        return np.where(inside, self.labels[at[0], at[1], at[2]].astype(np.int32), _OUTSIDE)


def _require_positive(image: NDArray[np.float32], what: str, source: str) -> None:
    low = float(image.min())
    if not (np.isfinite(low) and np.isfinite(image.max()) and low >= 0):
        raise InputError(
            f"expected {what} of 0 or more in {source}, found {low:g}; "
            "check the file's type, byte order and unit"
        )


def _split_bone(tissue: NDArray[np.uint8], names: tuple[str, ...], depth: int) -> None:
    """Turn "bone" into cortical bone near its surface and spongiosa beneath, in place."""
    from scipy import ndimage

    bone = tissue == len(names)
    if not bone.any():
        return
    inner = ndimage.binary_erosion(bone, iterations=depth, border_value=1) if depth else bone
    tissue[bone] = names.index("cortical bone")
    tissue[inner] = names.index("spongiosa")


def _mean(values: NDArray[np.float32] | NDArray[np.bool_], factor: int) -> NDArray[np.float32]:
    x, y, z = (n // factor for n in values.shape)
    blocks = values.reshape(x, factor, y, factor, z, factor)
    return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))


def _majority(region: NDArray[np.uint8], factor: int, n: int) -> NDArray[np.uint8]:
    """Region of bone that fills most of each voxel, of those present; 0 where there is none."""
    best = np.zeros([m // factor for m in region.shape], np.float32)
    winner = np.zeros(best.shape, np.uint8)
    for r in range(1, n):
        share = _mean(region == r, factor)
        wins = share > best
        best[wins], winner[wins] = share[wins], r
    return winner


def _linear(
    image: NDArray[np.float32], index: NDArray[np.float32], outside: NDArray[np.bool_], fill: float
) -> NDArray[np.float32]:
    from scipy import ndimage

    values = ndimage.map_coordinates(image, index, order=1, mode="nearest", output=np.float32)
    values[outside] = fill
    return np.asarray(values)
