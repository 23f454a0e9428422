"""Whether an emission image looks like a bone scan: what everything here is made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

# In 11 simulated bone scans of two cameras the brightest hundredth of the
# body is 9 to 19 times its median: bone against soft tissue. A T1-like body has 5.
_USUAL_CONTRAST = 9.0
_AIR = 0.02  # of the image's 99.9th percentile: the body lies above
_MAX_SCORE = 1 / 3  # from here on the user is told: a contrast of 6.3
_EQUAL = 0.7  # of neighbours in the body: label maps have 0.9, counts with noise hardly any
_HALF_LIFE_TOLERANCE = 0.02


class Domain(NamedTuple):
    """How far an image is from a bone scan.

    Parameters
    ----------
    score : float
        From 0 (nothing unusual) to 1.
    warnings : tuple of str
        One sentence for each thing that is unusual.
    """

    score: float
    warnings: tuple[str, ...]


def bone_scan_domain(volume: Volume) -> Domain:
    """Judge an emission image by its nuclide, its values and the pattern of its uptake."""
    scores, warnings = [0.0], []
    if text := _other_nuclide(volume):
        scores.append(1.0)
        warnings.append(text)
    body = _body(volume)
    if _like_labels(volume, body):
        scores.append(1.0)
        warnings.append(
            "The image holds whole numbers in patches, as label maps do: is it one? Its uptake "
            "and these results then mean nothing."
        )
    contrast = _contrast(volume, body)
    lack = float(np.clip((_USUAL_CONTRAST - contrast) / (_USUAL_CONTRAST - 1), 0, 1))
    scores.append(lack)
    if lack > _MAX_SCORE:
        warnings.append(
            f"The image does not look like a bone scan: its brightest parts are {contrast:.1f} "
            f"times the body's median, bone against soft tissue is {_USUAL_CONTRAST:.0f} times or "
            "more. The results are probably wrong."
        )
    return Domain(round(max(scores), 3), tuple(warnings))


def _other_nuclide(volume: Volume) -> str:
    expected = "bone scans with Tc-99m are what the methods and models are made for"
    if volume.nuclide and volume.nuclide != "Tc-99m":
        return f"The image shows {volume.nuclide}: {expected}."
    half_life = volume.half_life_s
    if half_life and abs(half_life / HALF_LIFE_S - 1) > _HALF_LIFE_TOLERANCE:
        return f"The image's nuclide has a half-life of {half_life:.0f} s: {expected}."
    return ""


def _body(volume: Volume) -> NDArray[np.bool_]:
    step = max(1, volume.array.size // 1_000_000)
    bright = float(np.percentile(volume.array.reshape(-1, order="A")[::step], 99.9))
    return np.asarray(volume.array > _AIR * bright)


def _contrast(volume: Volume, body: NDArray[np.bool_]) -> float:
    """Highest hundredth of the body over its median."""
    inside = volume.array[body]
    if not inside.size:
        return 1.0
    middle, high = np.percentile(inside, [50, 99])
    return float(high / middle)


def _like_labels(volume: Volume, body: NDArray[np.bool_]) -> bool:
    array = volume.array
    if (array != np.rint(array)).any():
        return False
    pairs = body[1:] & body[:-1]
    if not pairs.any():
        return False
    return float((array[1:] == array[:-1])[pairs].mean()) > _EQUAL
