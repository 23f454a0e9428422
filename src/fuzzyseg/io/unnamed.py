"""Volumes of formats that hold neither modality nor unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.io.guess import guess_modality
from fuzzyseg.io.hounsfield import floor_at_air
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Modality, Unit


def named(
    array: NDArray[Any],
    affine: NDArray[np.float64],
    modality: Modality | None,
    unit: Unit | None = None,
    *,
    source: str = "",
    warnings: tuple[str, ...] = (),
) -> Volume:
    """Make a volume of values that came without a name.

    Parameters
    ----------
    array : ndarray of shape (X, Y, Z)
    affine : float64 ndarray of shape (4, 4)
    modality : {"CT", "NM", "PT", "other"} or None
        None guesses, see `guess_modality`.
    unit : {"HU", "Bq/mL", "counts", "SUV", "arbitrary"}, optional
        By default HU for CT, otherwise arbitrary.
    source : str
    warnings : tuple of str

    Returns
    -------
    Volume
        HU below -1024 are raised to it.

    Raises
    ------
    InputError
        If the modality is to be guessed, and is a toss-up.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        values = np.asarray(array, dtype=np.float32)
    if modality is None:
        guessed = guess_modality(values, source)
        values = values + np.float32(guessed.offset_hu) if guessed.offset_hu else values
        modality, warnings = guessed.modality, (*warnings, *guessed.warnings)
    unit = unit or ("HU" if modality == "CT" else "arbitrary")
    if unit == "HU":
        values, floored = floor_at_air(values)
        warnings += floored
    return Volume(values, affine, modality, unit, source, warnings)
