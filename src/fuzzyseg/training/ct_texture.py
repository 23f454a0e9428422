"""Domain randomisation of a CT, block by block: tissues, dense things, kernel, slices, noise.

After Billot et al., SynthSeg, Med Image Anal 2023;86:102789. A simulated body has organs of one
CT number each, and marrow of one a bone; real soft tissue is fat, muscle, contrast agent and
calcium side by side, and real marrow may be as dark as fat. What a network can rely on after this
is the shape and the rim of a bone, not how bright it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.training.fields import gaussian, smooth_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_CORTEX_HU = 900.0  # bone below is in part marrow
_RIM, _DEEP = 0.66, 0.9  # of bone that is blurred: here its rim ends, and marrow is all there is
_AROUND = 0.02  # of the same outside bone: about 6 mm away
_SHARPENED_MM = 2.0
_RIM_OF_ORGAN = (0.1, 0.6)  # in standard deviations of the field whose level sets are their borders
_TISSUE_HU = -150.0  # below: lung and air, which take up nothing


@dataclass(frozen=True)
class CTTexture:
    """What is drawn anew in each block, and from which ranges; all uniform.

    Trabecular bone of the spine has 300 to 0 HU over a life (Jang et al., Radiology
    2019;291:360), fat -100, blood with contrast agent up to 450. The other ranges are ours: wider
    than those of scanners.

    Parameters
    ----------
    organs : (fewest, most)
        Regions of soft tissue with another CT number.
    organ_mm
        Their size.
    organ_hu
        What is added to them: fat and water below 0, contrast agent above.
    rimmed, core
        Share of these that have a rim, as kidneys and hearts with contrast agent have, and what
        the inside has of what the rim has.
    apart
        They end where bone, blurred by `rim_mm`, has this level.
    deposits : (fewest, most)
        Dense things that are no bone.
    deposit_mm, deposit_hu
        Their radii and CT numbers.
    rim_mm
        FWHM of the blur that tells a bone's rim, about one half, from what lies inside, near 1.
    marrow, rim
        Factors of the CT number of what lies inside, unless it is solid, and of the rim.
    marrow_hu
        What is added to marrow.
    alike
        Share of the blocks whose marrow is as dense as the soft tissue around the bone, so that
        the rim alone tells them apart; `marrow_hu` is added there too.
    trabeculae_hu, trabeculae_mm
        Standard deviation within marrow, and its grain.
    blurred, blur_mm
        Share of the blocks that are blurred, and the FWHM.
    sharpened, sharp
        Share that a kernel sharpens, and by how many times what a blur of 2 mm takes away.
    thick, slice_mm
        Share that is blurred along the body alone, and the FWHM.
    noise_hu, grain_mm
        Standard deviation, and FWHM of what white noise is blurred by.
    streaked, streak_mm
        Share whose noise is drawn out from left to right, as through shoulders, and how far.
    bias_hu, bias_mm
        Standard deviation of a smooth offset, and its grain.
    gain
        1 + HU / 1000 is multiplied by up to 1 plus this, or divided.
    """

    organs: tuple[int, int] = (0, 3)
    organ_mm: tuple[float, float] = (6.0, 60.0)
    organ_hu: tuple[float, float] = (-150.0, 450.0)
    rimmed: float = 0.4
    core: tuple[float, float] = (-0.2, 0.9)
    apart: tuple[float, float] = (0.01, 0.05)
    deposits: tuple[int, int] = (0, 2)
    deposit_mm: tuple[float, float] = (1.5, 10.0)
    deposit_hu: tuple[float, float] = (200.0, 1500.0)
    rim_mm: float = 6.0
    marrow: tuple[float, float] = (0.3, 1.4)
    rim: tuple[float, float] = (0.5, 1.5)
    marrow_hu: tuple[float, float] = (-60.0, 80.0)
    alike: float = 0.15
    trabeculae_hu: tuple[float, float] = (0.0, 70.0)
    trabeculae_mm: tuple[float, float] = (3.0, 15.0)
    blurred: float = 0.35
    blur_mm: tuple[float, float] = (1.0, 4.0)
    sharpened: float = 0.3
    sharp: tuple[float, float] = (0.2, 1.5)
    thick: float = 0.2
    slice_mm: tuple[float, float] = (2.0, 6.0)
    noise_hu: tuple[float, float] = (0.0, 40.0)
    grain_mm: tuple[float, float] = (0.0, 5.0)
    streaked: float = 0.15
    streak_mm: tuple[float, float] = (10.0, 50.0)
    bias_hu: tuple[float, float] = (0.0, 15.0)
    bias_mm: float = 80.0
    gain: float = 0.05


DEFAULT = CTTexture()


def textured(
    hu: NDArray[np.floating],
    labels: NDArray[np.integer],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    how: CTTexture = DEFAULT,
) -> Array:
    """Draw a block of a CT anew; its labels still hold.

    Parameters
    ----------
    hu : ndarray of shape (X, Y, Z)
        CT numbers, which may be clipped to a window.
    labels : ndarray of shape (X, Y, Z)
        0 for what is no bone, above for bone, below where nobody knows: there only kernel, slices
        and noise change.
    spacing_mm : (float, float, float)
    rng : Generator
    how : CTTexture

    Returns
    -------
    float32 ndarray of shape (X, Y, Z)
    """
    image = np.array(hu, dtype=np.float32)
    widths = np.array(spacing_mm)
    bone = labels > 0
    inside = gaussian(bone.astype(np.float32), how.rim_mm / FWHM_PER_SIGMA / widths)
    soft = (labels == 0) & (image > _TISSUE_HU) & (inside < rng.uniform(*how.apart))
    _add_organs(image, soft, spacing_mm, rng, how)
    _add_deposits(image, soft, widths, rng, how)
    if bone.any():
        grain = smooth_field(bone.shape, spacing_mm, rng.uniform(*how.trabeculae_mm), rng)
        around = image[(labels == 0) & (inside > _AROUND) & (image > _TISSUE_HU)]
        level = float(around.mean()) if around.size and rng.random() < how.alike else None
        image[bone] = _other_bone(image[bone], inside[bone], grain[bone], level, rng, how)
    image = _other_kernel(image, widths, rng, how)
    image += _noise(image.shape, widths, rng, how)
    offset = smooth_field(image.shape, spacing_mm, how.bias_mm, rng)
    image += np.float32(rng.uniform(*how.bias_hu)) * offset
    gain = np.float32((1 + how.gain) ** rng.uniform(-1, 1))
    return (image + np.float32(1000)) * gain - np.float32(1000)


def _add_organs(
    image: Array,
    soft: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    how: CTTexture,
) -> None:
    """Shift regions of soft tissue, in place: where a smooth field is high."""
    for _ in range(int(rng.integers(how.organs[0], how.organs[1] + 1))):
        field = smooth_field(image.shape, spacing_mm, rng.uniform(*how.organ_mm), rng)
        edge, added = rng.uniform(0.0, 1.2), np.float32(rng.uniform(*how.organ_hu))
        image[soft & (field > edge)] += added
        if rng.random() < how.rimmed:
            core = soft & (field > edge + rng.uniform(*_RIM_OF_ORGAN))
            image[core] += added * np.float32(rng.uniform(*how.core) - 1)


def _add_deposits(
    image: Array,
    soft: NDArray[np.bool_],
    widths: NDArray[np.float64],
    rng: np.random.Generator,
    how: CTTexture,
) -> None:
    """Put dense ellipsoids into soft tissue, in place."""
    places = np.flatnonzero(soft)
    count = int(rng.integers(how.deposits[0], how.deposits[1] + 1)) if len(places) else 0
    for _ in range(count):
        centre = np.array(np.unravel_index(places[rng.integers(len(places))], image.shape))
        radii = rng.uniform(*how.deposit_mm, size=3) / widths
        first = np.maximum(np.floor(centre - radii), 0).astype(int)
        last = np.ceil(centre + radii).astype(int) + 1
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        there = image[box]
        grid = np.ogrid[tuple(slice(a, a + n) for a, n in zip(first, there.shape, strict=True))]
        distance = sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True))
        there[(distance <= 1) & soft[box]] = np.float32(rng.uniform(*how.deposit_hu))


def _other_bone(
    hu: Array,
    inside: Array,
    grain: Array,
    level: float | None,
    rng: np.random.Generator,
    how: CTTexture,
) -> Array:
    """Return other CT numbers (N,) of the voxels of bone, which keep their rim.

    The marrow's mean is `level`, if one is given.
    """
    solid = np.clip(hu / np.float32(_CORTEX_HU), 0, 1)
    marrow = np.clip((inside - _RIM) / (_DEEP - _RIM), 0, 1) * (1 - solid)
    factor = rng.uniform(*how.marrow) * marrow + rng.uniform(*how.rim) * (1 - marrow)
    added = rng.uniform(*how.marrow_hu) + rng.uniform(*how.trabeculae_hu) * grain
    if level is not None and marrow.any():
        inner = np.average(hu * factor, weights=marrow)
        added = added + (level - inner) / np.average(marrow, weights=marrow)
    return np.asarray(hu * factor + marrow * added, dtype=np.float32)


def _other_kernel(
    image: Array, widths: NDArray[np.float64], rng: np.random.Generator, how: CTTexture
) -> Array:
    """Blur or sharpen, or make slices thicker."""
    fwhm, sharp = np.zeros(3), 0.0
    kind = rng.random()
    if kind < how.blurred:
        fwhm += rng.uniform(*how.blur_mm)
    elif kind < how.blurred + how.sharpened:
        fwhm += _SHARPENED_MM
        sharp = rng.uniform(*how.sharp)
    elif kind < how.blurred + how.sharpened + how.thick:
        fwhm[2] = rng.uniform(*how.slice_mm)
    else:
        return image
    blurred = gaussian(image, fwhm / FWHM_PER_SIGMA / widths)
    return image + np.float32(sharp) * (image - blurred) if sharp else blurred


def _noise(
    shape: tuple[int, ...], widths: NDArray[np.float64], rng: np.random.Generator, how: CTTexture
) -> Array:
    """Draw noise of any grain, now and then in streaks."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    fwhm = np.full(3, rng.uniform(*how.grain_mm))
    if rng.random() < how.streaked:
        fwhm[0] = rng.uniform(*how.streak_mm)
    noise = gaussian(noise, fwhm / FWHM_PER_SIGMA / widths)
    noise *= np.float32(rng.uniform(*how.noise_hu) / max(float(noise.std()), 1e-6))
    return noise
