"""Domain randomisation: volumes whose contrast, resolution and counts no scanner has.

After Billot et al., SynthSeg, Med Image Anal 2023;86:102789: a network that was trained on far
more variety than the world holds takes a new scanner for one more variant. Here a simulated
reconstruction is reweighted rather than made anew. It is nearly linear in the activity, so

    y' = y * (G a') / (G a)

with a the true activity, a' what was drawn instead, and G a Gaussian of about the scanner's
resolution, is what it would have looked like, its noise included. Blur and noise come on top.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.inference.preprocess import channels, normalise_spect
from fuzzyseg.training.case import preprocessing
from fuzzyseg.training.fields import gaussian, log_uniform, near, smooth_field, zoomed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.config import Config


@dataclass(frozen=True)
class Randomisation:
    """What is drawn anew, and from which ranges.

    The contrast agent's are those of arteries (300 to 450 HU) and less; trabecular bone of the
    spine has 50 to 300 HU over a life (Pickhardt et al., Ann Intern Med 2013;158:588), the
    phantom's one value for all.

    Parameters
    ----------
    resolution_mm
        FWHM of G.
    bone, lesion, soft
        Lowest and highest factor of the uptake of bone, of the lesions that are there, and of
        everything else; log-uniform.
    gain
        Standard deviation of a smooth log gain, for organs and joints.
    gain_mm
        Its correlation length.
    new_lesions
        Fewest and most lesions painted in, on top of those that are there.
    diameter_mm
        Of these.
    to_bone
        A new lesion's uptake over its bone's.
    blur_mm
        FWHM of an additional blur.
    sharpen
        Share of the volumes that are sharpened instead.
    noise
        Standard deviation at the mean of bone, relative to it.
    noise_mm
        FWHM of its grain.
    air_hu
        Below: lung and air take up no contrast agent.
    most_organs
        That contrast agent is drawn for.
    organ_mm
        Their size.
    apart_mm
        Between bone and what takes up contrast agent lies muscle or fat.
    agent_hu
        What the agent adds.
    cortex_hu
        Marrow loses its mineral before cortex does: bone below is scaled in part as marrow.
    marrow, solid
        Factors of marrow and of cortex.
    blurred_ct
        Share of the CTs that are blurred.
    ct_blur_mm
        Largest FWHM of that.
    ct_noise_hu
        Largest standard deviation of a CT's noise.
    """

    resolution_mm: float = 10.0
    bone: tuple[float, float] = (0.5, 1.8)
    lesion: tuple[float, float] = (0.6, 1.6)
    soft: tuple[float, float] = (0.6, 1.7)
    gain: float = 0.3
    gain_mm: float = 60.0
    new_lesions: tuple[int, int] = (0, 12)
    diameter_mm: tuple[float, float] = (9.0, 36.0)
    to_bone: tuple[float, float] = (2.0, 8.0)
    blur_mm: tuple[float, float] = (0.0, 10.0)
    sharpen: float = 0.4
    noise: tuple[float, float] = (0.0, 0.25)
    noise_mm: tuple[float, float] = (4.0, 12.0)
    air_hu: float = -200.0
    most_organs: int = 3
    organ_mm: tuple[float, float] = (12.0, 70.0)
    apart_mm: float = 5.0
    agent_hu: tuple[float, float] = (60.0, 450.0)
    cortex_hu: float = 900.0
    marrow: tuple[float, float] = (0.4, 1.3)
    solid: tuple[float, float] = (0.3, 1.3)
    blurred_ct: float = 0.5
    ct_blur_mm: float = 3.0
    ct_noise_hu: float = 60.0


DEFAULT = Randomisation()
# What is painted into a block, and the scanner's resolution there: around bone the usual
# reconstructions fit Gaussians of 10 to 14 mm.
_PAINTED = Randomisation(new_lesions=(1, 3))
_PAINTED_FWHM_MM = (9.0, 15.0)


def randomised(
    case: Case, config: Config, rng: np.random.Generator, how: Randomisation | None = None
) -> Case:
    """Draw a case anew: SPECT from its activity; a CT alone by contrast agent and noise.

    Parameters
    ----------
    case : Case
        With labels, and with activity if it has a SPECT.
    config : Config
    rng : Generator
    how : Randomisation, optional
        `DEFAULT` by default.

    Returns
    -------
    Case
        Of the same grid; with labels of the lesions painted in. A case without labels or
        activity comes back as it is.
    """
    how = how or DEFAULT
    raw, labels = {**case.raw}, case.labels
    if "spect" in raw:
        if case.activity is None or not case.labelled:
            return case
        raw["spect"], labels = _uptake(case, case.activity, how, rng)
        image = case.image.astype(np.float32)  # a CT beside it stays as it is
        image[0] = normalise_spect(raw["spect"], config.spect, case.air)
    else:
        raw["ct"] = _contrast(case, how, rng)
        image = channels(raw, preprocessing(config), config.channels)
    return dataclasses.replace(case, raw=raw, image=image, labels=labels, known={})


def painted(
    spect: NDArray[np.float32],
    labels: NDArray[np.int8],
    activity: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    lesion: int = 2,
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Paint one to three lesions into the bone of a block, as the scanner would have shown them.

    Parameters
    ----------
    spect : float32 ndarray of shape (X, Y, Z)
        In units in which no activity is 0.
    labels : int8 ndarray of shape (X, Y, Z)
        0, 1 for bone, and `lesion`.
    activity : float32 ndarray of shape (X, Y, Z)
        The truth, in any unit.
    spacing_mm : (float, float, float)
    rng : Generator
    lesion : int
        The label of lesions.

    Returns
    -------
    spect, labels
        New arrays.
    """
    spacing = np.array(spacing_mm)
    before = np.maximum(activity, 0)
    level = float(before[labels == 1].mean()) if (labels == 1).any() else 0.0
    lesions = _new_lesions(labels >= 1, spacing, _PAINTED, rng)
    after, labels = _with_lesions(before, labels.copy(), lesions, level, lesion)
    kernel = rng.uniform(*_PAINTED_FWHM_MM) / FWHM_PER_SIGMA / spacing
    return spect * _change(before, after, kernel, 1e-3 * level + 1e-12), labels


def _with_lesions(
    activity: NDArray[Any],
    labels: NDArray[np.int8],
    lesions: list[tuple[NDArray[np.bool_], float]],
    level: float,
    lesion: int,
) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Raise activity to multiples of a level within new lesions, and label them, in place."""
    for inside, factor in lesions:
        activity = np.where(inside, np.maximum(activity, np.float32(level * factor)), activity)
        labels[inside] = lesion
    return activity, labels


def _change(
    before: NDArray[Any],
    after: NDArray[Any],
    kernel: NDArray[np.float64],
    floor: float,
) -> NDArray[Any]:
    """Factor G a' / G a of a reconstruction, from what `floor` of activity stands out of."""
    least = np.float32(floor)
    return (gaussian(after, kernel) + least) / (gaussian(before, kernel) + least)


def _uptake(
    case: Case, activity: NDArray[np.float32], how: Randomisation, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    labels, spacing = case.labels.copy(), np.array(case.spacing_mm)
    before = np.maximum(activity, 0)
    after = before * log_uniform(how.soft, rng)
    bone = labels >= 1
    for label, limits in ((1, how.bone), (2, how.lesion)):
        after[case.labels == label] = before[case.labels == label] * log_uniform(limits, rng)
    # Organs and joints differ.
    after *= np.exp(np.float32(how.gain) * smooth_field(after.shape, spacing, how.gain_mm, rng))
    level = float(after[labels == 1].mean()) if (labels == 1).any() else 1.0
    lesions = _new_lesions(bone, spacing, how, rng)
    after, labels = _with_lesions(after, labels, lesions, level, case.n_classes - 1)
    kernel = how.resolution_mm / FWHM_PER_SIGMA / spacing
    floor = 1e-3 * float(before.mean(dtype=np.float64))
    image = case.raw["spect"] * _change(before, after, kernel, floor)
    if rng.random() < how.sharpen:
        image = image + np.float32(rng.uniform(0, 0.8)) * (image - gaussian(image, kernel))
    else:
        image = gaussian(image, rng.uniform(*how.blur_mm) / FWHM_PER_SIGMA / spacing)
    image = image + _noise(image, bone, spacing, how, rng)
    return np.maximum(image, 0).astype(np.float32), labels


def _noise(
    image: NDArray[np.float32],
    bone: NDArray[np.bool_],
    spacing: NDArray[np.float64],
    how: Randomisation,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Grainy noise whose variance follows the image, as in a reconstruction of few counts."""
    grain = gaussian(
        rng.standard_normal(image.shape, dtype=np.float32),
        rng.uniform(*how.noise_mm) / FWHM_PER_SIGMA / spacing,
    )
    grain /= grain.std()
    level = float(image[bone].mean()) if bone.any() else float(image.mean())
    return (
        np.float32(rng.uniform(*how.noise) * np.sqrt(level)) * np.sqrt(np.maximum(image, 0)) * grain
    )


def _new_lesions(
    bone: NDArray[np.bool_],
    spacing: NDArray[np.float64],
    how: Randomisation,
    rng: np.random.Generator,
) -> list[tuple[NDArray[np.bool_], float]]:
    """Ellipsoids within bone, and their uptake over bone's."""
    where = np.flatnonzero(bone)
    if not len(where):
        return []
    found = []
    for _ in range(int(rng.integers(how.new_lesions[0], how.new_lesions[1] + 1))):
        centre = np.array(np.unravel_index(where[rng.integers(len(where))], bone.shape))
        radii = log_uniform(how.diameter_mm, rng) / 2 * rng.uniform(0.75, 1.3, size=3) / spacing
        centre = centre + rng.uniform(-0.5, 0.5, size=3)
        first = np.maximum(np.floor(centre - radii), 0).astype(int)
        last = np.minimum(np.ceil(centre + radii) + 1, bone.shape).astype(int)
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        grid = np.ogrid[box]
        distance = sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True))
        inside = np.zeros(bone.shape, dtype=np.bool_)
        inside[box] = (distance <= 1) & bone[box]
        found.append((inside, log_uniform(how.to_bone, rng)))
    return found


def _contrast(case: Case, how: Randomisation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Give a CT contrast agent in part of its soft tissue, other bone, another kernel and noise."""
    hu, spacing = case.raw["ct"], np.array(case.spacing_mm)
    bone = case.labels > 0
    soft = (case.labels == 0) & (hu > how.air_hu) & ~near(bone, how.apart_mm / spacing)
    image = hu.astype(np.float32, copy=True)
    for _ in range(int(rng.integers(0, how.most_organs + 1))):
        grain_mm = rng.uniform(*how.organ_mm)
        coarse = [max(2, int(n * s / grain_mm) + 1) for n, s in zip(hu.shape, spacing, strict=True)]
        field = zoomed(rng.standard_normal(coarse).astype(np.float32), hu.shape)
        image[soft & (field > rng.uniform(0.4, 1.3))] += np.float32(rng.uniform(*how.agent_hu))
    # Marrow loses its mineral before cortex does: below how.cortex_hu it is scaled by itself.
    cortex = np.clip(image[bone] / how.cortex_hu, 0, 1)
    marrow, solid = rng.uniform(*how.marrow), rng.uniform(*how.solid)
    image[bone] *= (marrow * (1 - cortex) + solid * cortex).astype(np.float32)
    if rng.random() < how.blurred_ct:
        image = gaussian(image, rng.uniform(0, how.ct_blur_mm) / FWHM_PER_SIGMA / spacing)
    grain = rng.standard_normal(hu.shape, dtype=np.float32)
    return np.asarray(image + np.float32(rng.uniform(0, how.ct_noise_hu)) * grain, dtype=np.float32)
