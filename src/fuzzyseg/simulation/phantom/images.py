"""What a CT and a transmission scan would see: attenuation at 140 keV and Hounsfield units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.disease.metastases import LesionMaps
    from fuzzyseg.simulation.phantom.model import Phantom


def attenuation_and_hu(
    phantom: Phantom, maps: LesionMaps
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Attenuation at 140 keV (1/cm) and CT (HU, metal not clipped) with the lesions in place."""
    cortical, spongy = TISSUES["cortical bone"], TISSUES["spongiosa"]

    def with_lesions(base: NDArray[np.float32], hard: float, soft: float) -> NDArray[np.float32]:
        mixed = base + maps.cortical * np.float32(hard) + maps.spongiosa * np.float32(soft)
        return np.asarray(np.maximum(mixed, 0), dtype=np.float32)

    mu, hu = phantom.attenuation, phantom.hu
    base = phantom.mix({k: t.attenuation for k, t in TISSUES.items()}) if mu is None else mu
    attenuation = with_lesions(base, cortical.attenuation, spongy.attenuation)
    # Lesions change the CT through its attenuation over water's, 1 + HU / 1000.
    if hu is None:
        ratio = phantom.mix({k: 1 + t.hu / 1000 for k, t in TISSUES.items()})
    else:
        ratio = np.asarray(1 + hu / np.float32(1000), dtype=np.float32)
    ratio = with_lesions(ratio, 1 + cortical.hu / 1000, 1 + spongy.hu / 1000)
    for name, more in phantom.contrast_hu.items():
        ratio += phantom.fraction(name) * np.float32(more / 1000)
    return attenuation, 1000 * (ratio - 1)
