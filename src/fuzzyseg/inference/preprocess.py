"""What a network sees of a study: normalised channels. The same in training and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CT_WINDOW_HU
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fuzzyseg.models.card import Ct, Preprocessing, Spect


def normalise_spect(
    array: NDArray[Any], how: Spect = "zscore", air: tuple[float, float] = (0, 0.0)
) -> NDArray[np.float32]:
    """Bring SPECT intensities of any unit to one scale.

    Parameters
    ----------
    array : ndarray of shape (X, Y, Z)
        A whole volume.
    how : {"zscore", "body", "asinh"}
        "zscore": less the mean of the volume, divided by its standard deviation (the paper's).
        "body": divided by the mean of the voxels above the volume's mean; how much air is in
        the field then matters less, and zero stays zero. "asinh": the inverse hyperbolic sine
        of that, linear in soft tissue and logarithmic above bone: a hot bladder no longer drowns
        all the rest.
    air : (number, value)
        Of further voxels that count as part of the volume: the air that was cut off around it.

    Returns
    -------
    float32 ndarray of the same shape. A constant volume becomes 0 ("zscore") or stays.
    """
    n_air, level = air
    share = n_air / (n_air + array.size)
    inside = array.mean(dtype=np.float64)
    mean = inside + share * (level - inside)
    if how == "zscore":
        of_air = share * (1 - share) * (level - inside) ** 2
        offset, scale = mean, np.sqrt((1 - share) * array.var(dtype=np.float64) + of_air)
    else:  # air is below the mean
        above = array[array > mean]
        offset, scale = 0.0, above.mean(dtype=np.float64) if above.size else 1.0
    scale = scale if scale > 0 else 1.0
    scaled = np.asarray((array - np.float32(offset)) * np.float32(1.0 / scale), dtype=np.float32)
    return np.arcsinh(scaled) if how == "asinh" else scaled


def normalise_ct(
    array_hu: NDArray[Any], how: Ct = "window", window_hu: tuple[float, float] = CT_WINDOW_HU
) -> NDArray[np.float32]:
    """Bring CT numbers to [0, 1].

    Parameters
    ----------
    array_hu : ndarray of shape (X, Y, Z)
    how : {"slice", "window"}
        "slice": from the minimum to the maximum of each transverse slice (the paper's); a
        constant slice becomes 0. "window": clipped to `window_hu` and scaled.
    window_hu : (float, float)

    Returns
    -------
    float32 ndarray of the same shape.
    """
    array = array_hu.astype(np.float32, copy=False)
    if how == "window":
        low, high = np.float32(window_hu[0]), np.float32(window_hu[1])
        return np.asarray(((array - low) / (high - low)).clip(0, 1), dtype=np.float32)
    low, high = array.min(axis=(0, 1)), array.max(axis=(0, 1))
    width = np.where(high > low, high - low, np.float32(1))
    return np.asarray((array - low) / width, dtype=np.float32)


def channels(
    arrays: Mapping[str, NDArray[Any]], preprocessing: Preprocessing, names: Sequence[str]
) -> NDArray[np.float32]:
    """Make a network's input of a study.

    Parameters
    ----------
    arrays : mapping of str to ndarray of shape (X, Y, Z)
        "spect" in any unit and "ct" in HU, as far as `names` asks for them; axes from left to
        right, back to front and feet to head (RAS).
    preprocessing : Preprocessing
    names : sequence of {"spect", "ct"}
        The channels, in order.

    Returns
    -------
    float32 ndarray of shape (D, X, Y, Z).

    Raises
    ------
    InputError
        If a channel is missing.
    """
    missing = [name for name in names if name not in arrays]
    if missing:
        raise InputError(
            f"expected the channels {', '.join(names)}, found no {' and no '.join(missing)}; "
            "give the image, or choose a model that does not need it"
        )
    made = [
        normalise_ct(arrays[name], preprocessing.ct, preprocessing.ct_window_hu)
        if name == "ct"
        else normalise_spect(arrays[name], preprocessing.spect)
        for name in names
    ]
    return np.stack(made)
