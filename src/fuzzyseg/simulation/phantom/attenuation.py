"""Attenuation at 140 keV from a CT, by the bilinear rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.tissues import TISSUES, WATER_ATTENUATION

if TYPE_CHECKING:
    from numpy.typing import NDArray


def attenuation_from_hu(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear attenuation at 140 keV: water and air below 0 HU, water and bone above.

    mu = mu_w (1 + HU / 1000) for HU <= 0, and mu_w + HU (mu_b - mu_w) / HU_b above, with mu_b
    and HU_b of cortical bone.

    Parameters
    ----------
    hu : float32 ndarray

    Returns
    -------
    float32 ndarray
        1/cm, at least 0.

    References
    ----------
    .. [1] Blankespoor SC, Wu X, Kalki K, et al. Attenuation correction of SPECT using X-ray CT
       on an emission-transmission CT system. IEEE Trans Nucl Sci 1996;43:2263-2274.
    .. [2] Patton JA, Turkington TG. SPECT/CT physical principles and attenuation correction.
       J Nucl Med Technol 2008;36:1-10.
    """
    bone = TISSUES["cortical bone"]
    slope = np.where(
        hu > 0, (bone.attenuation - WATER_ATTENUATION) / bone.hu, WATER_ATTENUATION / 1000.0
    )
    return np.asarray(np.maximum(WATER_ATTENUATION + hu * slope, 0.0), dtype=np.float32)
