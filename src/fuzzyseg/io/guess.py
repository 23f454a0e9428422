"""What an image is whose file does not say: judged by its histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Modality

# Air and soft tissue in CT, HU: fat lies at -100, muscle and organs with contrast up to 150.
_AIR_HU = (-1100.0, -850.0)
_SOFT_HU = (-150.0, 150.0)
# Whole numbers that reach down to the first and beyond the second are HU as scanners store them.
_WHOLE_HU = (-500.0, 200.0)
# Values that stay within this of 0 are no HU, not even of a narrow window.
_LOWEST_WINDOW = -50.0
# Twelve-bit scanners store HU above -1024; nothing lies beyond in a body.
_STORED_OFFSET_HU, _STORED_TOP = 1024.0, 8192.0
# Shares of the voxels that make a peak.
_AIR_SHARE, _SOFT_SHARE, _FLOOR_SHARE = 0.02, 0.05, 0.05
# Negative values of reconstructions and of interpolation: fewer and smaller than these are no
# sign of CT (shares of the voxels and of the maximum).
_RINGING_SHARE, _RINGING_DEPTH = 0.01, 0.1
# How many times denser the histogram must be at soft tissue than beside it; between the two it
# is a toss-up.
_PEAK, _NO_PEAK = 6.0, 2.5


@dataclass(frozen=True)
class Guess:
    """What an image was taken for.

    Parameters
    ----------
    modality : {"CT", "other"}
    offset_hu : float
        What to add to the values to have HU; 0 for what is no CT.
    reason : str
        The evidence, after "because".
    """

    modality: Modality
    reason: str
    offset_hu: float = 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for people."""
        taken = "a CT" if self.modality == "CT" else "an emission image"
        shifted = (
            f", and {-self.offset_hu:g} was subtracted from its values" if self.offset_hu else ""
        )
        return (
            f"The file does not say what it is: it was taken to be {taken}, because {self.reason}"
            f"{shifted}; use --modality if that is wrong.",
        )


def guess_modality(array: NDArray[Any], source: str = "") -> Guess:
    """Guess from its values whether an image is a CT.

    Evidence for a CT: a peak of air at -1000; values cut off below 0 (a window) above which
    soft tissue makes a peak near 0; soft tissue that makes a narrow peak near 1024 (HU stored
    with an offset). Evidence against it: no negative values to speak of, and no such peak.

    Parameters
    ----------
    array : ndarray of shape (X, Y, Z)
    source : str
        What the error calls the image.

    Returns
    -------
    Guess

    Raises
    ------
    InputError
        If it is a toss-up.
    """
    values = np.asarray(array)[::2, ::2, ::2].ravel()
    if not values.size or not np.isfinite(values).all():
        return Guess("other", "its values are not finite")
    low, high = float(values.min()), float(values.max())
    negative = float(np.mean(values < 0))
    ringing = negative < _RINGING_SHARE or -low < _RINGING_DEPTH * high
    if low <= _LOWEST_WINDOW and high >= -_LOWEST_WINDOW and not ringing:
        return _with_negatives(values, low, high, source)
    if low >= 0 and _SOFT_HU[1] + _STORED_OFFSET_HU < high < _STORED_TOP:
        return _without_negatives(values, source)
    return Guess("other", f"its values ({low:.4g} to {high:.4g}) have no air below 0")


def _with_negatives(values: NDArray[Any], low: float, high: float, source: str) -> Guess:
    air = _share(values, *_AIR_HU)
    if air >= _AIR_SHARE and high > 0:
        return Guess("CT", f"{100 * air:.0f}% of its values lie near -1000, as air does in CT")
    if low <= _WHOLE_HU[0] and high > _WHOLE_HU[1] and np.array_equal(values, np.rint(values)):
        return Guess("CT", f"its values are whole numbers from {low:.0f} to {high:.0f}")
    floor = float(np.mean(values <= low + 1e-3 * (high - low)))
    soft = _share(values, *_SOFT_HU)
    if _AIR_HU[0] <= low and high > _SOFT_HU[1] and floor >= _FLOOR_SHARE <= soft:
        return Guess(
            "CT",
            f"{100 * floor:.0f}% of its values are the lowest, {low:.0f}, as in a windowed CT, and "
            f"{100 * soft:.0f}% lie near 0, as soft tissue does",
        )
    raise _toss_up(
        source, f"values from {low:.4g} to {high:.4g}, {100 * np.mean(values < 0):.0f}% negative"
    )


def _without_negatives(values: NDArray[Any], source: str) -> Guess:
    centre = _STORED_OFFSET_HU
    soft = _share(values, centre + _SOFT_HU[0], centre + _SOFT_HU[1])
    width = _SOFT_HU[1] - _SOFT_HU[0]
    below = _share(values, centre + _SOFT_HU[0] - width, centre + _SOFT_HU[0])
    above = _share(values, centre + _SOFT_HU[1], centre + _SOFT_HU[1] + width)
    ratio = soft / max(below, above, 1e-6)
    if soft < _SOFT_SHARE or ratio < _NO_PEAK:
        return Guess("other", "it has no negative values and no peak of soft tissue near 1024")
    if ratio < _PEAK:
        raise _toss_up(source, f"{100 * soft:.0f}% of its values near {centre:.0f}, none below 0")
    return Guess(
        "CT",
        f"{100 * soft:.0f}% of its values lie near {centre:.0f}, as soft tissue does where HU are "
        f"stored above -{centre:.0f}",
        -centre,
    )


def _share(values: NDArray[Any], low: float, high: float) -> float:
    return float(np.mean((values >= low) & (values < high)))


def _toss_up(source: str, found: str) -> InputError:
    return InputError(
        f"expected an image that is clearly a CT or an emission image, found {found} in "
        f"{source or 'the image'}; say which it is with --modality CT or --modality NM"
    )
