"""Phantom: what every voxel is made of, and which bone it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.grid import Grid

BONE_TISSUES = ("spongiosa", "cortical bone", "marrow")
INNER_BONE = ("spongiosa", "marrow")
# Region of bone that no part claims, as in a volume that labels bone as one.
SKELETON = "skeleton"


@dataclass(frozen=True, eq=False)
class Phantom:
    """Tissue fractions on a grid.

    Parameters
    ----------
    fractions : float16 ndarray of shape (T, X, Y, Z)
        Share of each voxel filled by each tissue; sums to 1 over T, to within half precision.
    tissues : tuple of str, length T
        Keys of the tissue table.
    region : uint8 ndarray of shape (X, Y, Z)
        Index into `regions` of the bone that fills most of a voxel; 0 where there is none.
    regions : tuple of str
        Names of the bones; the first is "".
    grid : Grid
    attenuation : float32 ndarray of shape (X, Y, Z), optional
        Linear attenuation at 140 keV in 1/cm from a file, in place of the table's.
    uptake : float32 ndarray of shape (X, Y, Z), optional
        Relative activity from a file, in place of what would be drawn.
    hu : float32 ndarray of shape (X, Y, Z), optional
        A real CT in place of the made one.
    contrast_hu : mapping from tissue to float
        What contrast agent adds to a tissue's HU in the CT. It is not in the attenuation: the
        SPECT is taken before the injection, or when the kidneys have cleared it.
    parameters : mapping
        How it was made; JSON-serialisable.

    Raises
    ------
    InputError
        If there is no body or no bone in it, attenuation or uptake is negative or not finite,
        or a tissue is unknown.
    """

    fractions: NDArray[np.float16]
    tissues: tuple[str, ...]
    region: NDArray[np.uint8]
    regions: tuple[str, ...]
    grid: Grid
    attenuation: NDArray[np.float32] | None = None
    uptake: NDArray[np.float32] | None = None
    hu: NDArray[np.float32] | None = None
    contrast_hu: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.tissues:
            if name not in TISSUES:
                raise InputError(
                    f"expected a tissue of {', '.join(TISSUES)}, found {name!r}; correct the table"
                )
        bone = self.bone_fraction
        if not (bone > 0.5).any():
            body = float(1 - self.fraction("air").mean(dtype=np.float64))
            raise InputError(
                f"expected a phantom with bone, found none ({100 * body:.0f}% of its voxels are "
                "body); check the file, its shape and the table from label to tissue"
            )
        for what, array in (("attenuation", self.attenuation), ("uptake", self.uptake)):
            if array is not None and not (np.isfinite(array).all() and array.min() >= 0):
                raise InputError(
                    f"expected {what} of 0 or more, found {np.nanmin(array):g} as the smallest of "
                    f"{array.size} voxels; check the file's type, byte order and unit"
                )

    def fraction(self, tissue: str) -> NDArray[np.float32]:
        """Share (X, Y, Z) of one tissue, zeros where the phantom has none of it."""
        if tissue not in self.tissues:
            return np.zeros(self.grid.shape, np.float32)
        return np.asarray(self.fractions[self.tissues.index(tissue)], dtype=np.float32)

    def fraction_in(self, tissue: str, box: tuple[slice, slice, slice]) -> NDArray[np.float32]:
        """Share of one tissue within a box of voxels."""
        if tissue not in self.tissues:
            return np.zeros([s.stop - s.start for s in box], np.float32)
        return np.asarray(self.fractions[(self.tissues.index(tissue), *box)], dtype=np.float32)

    def bone_in(self, box: tuple[slice, slice, slice]) -> NDArray[np.float32]:
        """Share of bone within a box of voxels."""
        total = self.fraction_in(BONE_TISSUES[0], box)
        for name in BONE_TISSUES[1:]:
            total += self.fraction_in(name, box)
        return np.asarray(total)

    @property
    def bone_fraction(self) -> NDArray[np.float32]:
        """Share (X, Y, Z) of cortex, spongiosa and the marrow of shafts together."""
        total = self.fraction(BONE_TISSUES[0])
        for name in BONE_TISSUES[1:]:
            if name in self.tissues:
                total += self.fraction(name)
        return np.asarray(total)

    def mix(self, values: Mapping[str, float]) -> NDArray[np.float32]:
        """Average of a property over each voxel's tissues, (X, Y, Z)."""
        total = np.zeros(self.grid.shape, np.float32)
        for name, share in zip(self.tissues, self.fractions, strict=True):
            total += share.astype(np.float32) * np.float32(values[name])
        return total

    @property
    def mass_kg(self) -> float:
        """Mass of everything in the field but air."""
        density = self.mix({k: t.density if k != "air" else 0.0 for k, t in TISSUES.items()})
        return float(density.sum(dtype=np.float64)) * self.grid.voxel_ml / 1000

    def cropped(self, first: int, last: int) -> Phantom:
        """Return slices `first` to `last` - 1 along z."""

        def part(array: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
            return None if array is None else array[..., first:last]

        return replace(
            self,
            fractions=self.fractions[..., first:last],
            region=self.region[..., first:last],
            grid=self.grid.cropped(first, last),
            attenuation=part(self.attenuation),
            uptake=part(self.uptake),
            hu=part(self.hu),
        )
