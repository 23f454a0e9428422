"""What a patch may have looked like just as well: gamma, mirroring, noise, blur, scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.config import Config

_GAMMA_SPECT = (0.9, 1.1)  # the paper's, sec. II.E
_GAMMA_CT = (1.0, 1.4, 1.6, 1.8)  # the paper's, and none
_BLURRED = 0.5  # share of the patches that are blurred where blurring is asked for


def augmented(
    image: NDArray[np.float32],
    labels: NDArray[np.int8],
    case: Case,
    config: Config,
    rng: np.random.Generator,
    mirrored: tuple[int, ...],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int8]]:
    """Augment a patch.

    Parameters
    ----------
    image : float32 ndarray of shape (D, *space)
    labels : int8 ndarray of shape (*space,)
    case : Case
        Whose patch it is.
    config : Config
    rng : Generator
    mirrored : tuple of int
        Axes of space that may be mirrored; not that of slices, which keep their order.

    Returns
    -------
    seen, image : float32 ndarray of shape (D, *space)
        What the network sees; and that without noise, blur and scaling, for the loss.
    labels : int8 ndarray of shape (*space,)
    """
    if config.augment:
        axes = [a for a in mirrored if rng.random() < 0.5]
        image, labels = np.flip(image, tuple(a + 1 for a in axes)), np.flip(labels, tuple(axes))
        ranges = zip(case.low, case.high, strict=True)  # gamma leaves these values where they are
        image = np.stack(
            [
                gamma(channel, _drawn_gamma(name, rng), (0, 1) if name == "ct" else limits)
                for name, channel, limits in zip(config.channels, image, ranges, strict=True)
            ]
        )
    seen = image
    if config.scale:
        factor = (1 + config.scale) ** rng.uniform(-1, 1)
        seen = seen * np.float32(factor)
    if config.blur and rng.random() < _BLURRED:
        seen = _blurred(seen, rng.uniform(0, config.blur), config.dims)
    if config.noise:
        level = np.float32(rng.uniform(0, config.noise))
        seen = seen + level * rng.standard_normal(seen.shape, dtype=np.float32)
    return seen, image, labels


def gamma(image: NDArray[Any], exponent: float, limits: tuple[float, float]) -> NDArray[np.float32]:
    """Give low + (high - low) ((image - low) / (high - low))^exponent; what is below low is low."""
    low, high = np.float32(limits[0]), np.float32(limits[1])
    if not high > low:
        return np.asarray(image, dtype=np.float32)
    relative = ((image - low) / (high - low)).clip(0, None)
    return np.asarray(low + (high - low) * relative ** np.float32(exponent), dtype=np.float32)


def _drawn_gamma(channel: str, rng: np.random.Generator) -> float:
    return float(rng.choice(_GAMMA_CT) if channel == "ct" else rng.uniform(*_GAMMA_SPECT))


def _blurred(image: NDArray[np.float32], sigma: float, dims: int) -> NDArray[np.float32]:
    from scipy import ndimage

    spatial = tuple(range(image.ndim - dims, image.ndim))
    found = ndimage.gaussian_filter(image, sigma, axes=spatial, mode="nearest")
    return np.asarray(found, dtype=np.float32)
