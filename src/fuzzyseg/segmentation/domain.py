"""Whether an emission image looks like a bone scan: what everything here is made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.guess import guess_modality
from fuzzyseg.io.hounsfield import AIR_HU
from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

# Each figure's usual value, and the worst; the score of its distance from the one to the other.
MAX_SCORE = 1 / 3  # from here on the user is told
# In 14 simulated bone scans of two cameras the brightest hundredth of the body is 8 to 20 times its
# median: bone against soft tissue. A T1-like body has 5. Told below 6.3.
_CONTRAST = (9.0, 1.0)
# The brightest tenth begins at 2.7 to 5.5 times the median, in beds of 18 cm at 2.4 or more: the
# skeleton is everywhere. In FDG PET, where organs are bright, at 1.3 to 2. Told below 2.
_SPREAD = (2.5, 1.0)
# The largest ball in what is bright has a radius of 36 mm or less (a bladder's); brain and heart in
# FDG PET have 42 to 53 mm. A fuller bladder is brighter than they are. Told beyond 40 mm.
_BALL_MM = (35.0, 50.0)
_BRIGHT, _BRIGHTER = 4.0, 15.0
# Share of what is bright that lies by bone in the CT: half or more, in FDG PET up to 0.41. Told
# below 0.4.
_NEAR_BONE = (0.6, 0.0)
# The largest lesion of 48 simulated patients has 18 ml, a heart 300, a brain 1,400. Told beyond
# 100.
_LESION_ML = (50.0, 200.0)
_UPTAKE, _BONE_HU, _NEAR_MM = 3.0, 150.0, 8.0
_COARSE_MM = 8.0
_AIR = 0.02  # of the image's 99.9th percentile: the body lies above
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


def bone_scan_domain(volume: Volume, ct: Volume | None = None) -> Domain:
    """Judge an emission image by its nuclide, its values and where its uptake is.

    Parameters
    ----------
    volume : Volume
    ct : Volume, optional
        On the same grid.
    """
    scores, warnings = [0.0], []
    if text := _other_nuclide(volume):
        scores.append(1.0)
        warnings.append(text)
    if evidence := _like_ct(volume):
        scores.append(1.0)
        warnings.append(
            f"The image looks like a CT, because {evidence}. Is it one? Then these results mean "
            "nothing: give it as a CT."
        )
    body = emission_body(volume)
    if _like_labels(volume, body):
        scores.append(1.0)
        warnings.append(
            "The image contains patches of whole numbers, as label maps do. Is it "
            "one? Then its uptake and these results mean nothing."
        )
    found = list(_unusual(volume, ct, body))
    scores += [score for score, _ in found]
    unlike = [text for score, text in found if score > MAX_SCORE]
    if unlike:
        warnings.append(
            f"The image does not look like a bone scan: {'; '.join(unlike)}. Is it one? The "
            "results are probably wrong."
        )
    return Domain(round(max(scores), 3), tuple(warnings))


def result_domain(labels: NDArray[np.uint8], voxel_ml: float) -> Domain:
    """Judge what was found in a bone scan: no lesion is as large as an organ.

    Parameters
    ----------
    labels : uint8 ndarray of shape (X, Y, Z)
        0 background, 1 bone, 2 lesion.
    voxel_ml : float
    """
    from scipy import ndimage

    pieces, count = ndimage.label(labels == 2, np.ones((3, 3, 3)))
    largest_ml = float(np.bincount(pieces.ravel())[1:].max()) * voxel_ml if count else 0.0
    score = _distance(largest_ml, _LESION_ML)
    if score <= MAX_SCORE:
        return Domain(round(score, 3), ())
    return Domain(
        round(score, 3),
        (
            f"One lesion has {largest_ml:.0f} ml, more than the methods and models "
            "are made for. Is it an organ? Look at the preview.",
        ),
    )


def _unusual(
    volume: Volume, ct: Volume | None, body: NDArray[np.bool_]
) -> Iterator[tuple[float, str]]:
    """How unusual the image is in each way, and what to say of it."""
    inside = volume.array[body]
    median, tenth, hundredth = np.percentile(inside, [50, 90, 99]) if inside.size else np.ones(3)
    contrast, spread = float(hundredth / median), float(tenth / median)
    yield (
        _distance(contrast, _CONTRAST),
        f"its brightest parts are {contrast:.1f} times the body's median, but bone is "
        f"{_CONTRAST[0]:.0f} times soft tissue or more",
    )
    yield (
        _distance(spread, _SPREAD),
        f"the brightest tenth of the body begins at {spread:.1f} times the median, "
        f"but the skeleton is a tenth of a body and {_SPREAD[0]:.1f} times the median "
        "or more, along the whole body",
    )
    radius_mm, level = _largest_ball(volume, float(median))
    yield (
        _distance(radius_mm, _BALL_MM) if level < _BRIGHTER else 0.0,
        f"something {2 * radius_mm:.0f} mm thick is {level:.0f} times as bright as the body's "
        "median, as the brain or heart is in FDG PET; no bone is that thick",
    )
    if ct is not None:
        share = _near_bone(volume, ct, float(median))
        yield (
            _distance(share, _NEAR_BONE),
            f"{share:.0%} of the bright voxels lie near bone in the CT, but most do in a bone scan",
        )


def _distance(value: float, usual_and_worst: tuple[float, float]) -> float:
    usual, worst = usual_and_worst
    return float(np.clip((value - usual) / (worst - usual), 0, 1))


def _largest_ball(volume: Volume, median: float) -> tuple[float, float]:
    """Radius in mm of the largest ball in what is bright, and how bright it is over the median."""
    from scipy import ndimage

    step = [max(1, round(_COARSE_MM / s)) for s in volume.spacing_mm]
    coarse = volume.array[tuple(slice(None, None, n) for n in step)] / median
    widths = [n * s for n, s in zip(step, volume.spacing_mm, strict=True)]
    # What the field cuts off may be as thick beyond.
    depth = ndimage.distance_transform_edt(coarse > _BRIGHT, sampling=widths)
    middle = np.unravel_index(int(depth.argmax()), depth.shape)
    around = tuple(slice(max(0, int(i) - 2), int(i) + 3) for i in middle)
    return float(depth[middle]), float(coarse[around].mean())


def _near_bone(volume: Volume, ct: Volume, median: float) -> float:
    """Share of the bright voxels within the CT's field that lie by bone."""
    from scipy import ndimage

    reach = [2 * round(_NEAR_MM / s) + 1 for s in volume.spacing_mm]
    near = ndimage.maximum_filter(ct.array > _BONE_HU, reach)
    bright = (volume.array > _UPTAKE * median) & (ct.array > AIR_HU)
    return float(near[bright].mean()) if bright.any() else 1.0


def _other_nuclide(volume: Volume) -> str:
    expected = "the methods and models are made for bone scans with Tc-99m"
    if volume.nuclide and volume.nuclide != "Tc-99m":
        return f"The nuclide of the image is {volume.nuclide}: {expected}."
    half_life = volume.half_life_s
    if half_life and abs(half_life / HALF_LIFE_S - 1) > _HALF_LIFE_TOLERANCE:
        return f"The image's nuclide has a half-life of {half_life:.0f} s: {expected}."
    return ""


def _like_ct(volume: Volume) -> str:
    """Give the evidence, in its negative values, that an image is a CT, or nothing."""
    if volume.array.min() >= 0:
        return ""
    try:
        guess = guess_modality(volume.array)
    except InputError:  # a toss-up
        return ""
    return guess.reason if guess.modality == "CT" else ""


def emission_body(volume: Volume) -> NDArray[np.bool_]:
    """Find the voxels (X, Y, Z) of an emission image that are no air."""
    step = max(1, volume.array.size // 1_000_000)
    bright = float(np.percentile(volume.array.reshape(-1, order="A")[::step], 99.9))
    return np.asarray(volume.array > _AIR * bright)


def _like_labels(volume: Volume, body: NDArray[np.bool_]) -> bool:
    array = volume.array
    if (array != np.rint(array)).any():
        return False
    pairs = body[1:] & body[:-1]
    if not pairs.any():
        return False
    return float((array[1:] == array[:-1])[pairs].mean()) > _EQUAL
