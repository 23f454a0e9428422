"""What tissues are made of, and what follows: attenuation at 140 keV and Hounsfield units.

Coefficients are mixed by weight from elements, and between tabulated energies interpolated in
log-log, which for these elements is within 1% at 140 keV.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

PHOTOPEAK_KEV = 140.0
# Effective energy of a filtered 120 to 130 kVp beam behind a patient: gives cortical bone
# 1330 HU and spongiosa about 250.
CT_EFFECTIVE_KEV = 80.0
_WATER = {"H": 0.1119, "O": 0.8881}


@dataclass(frozen=True)
class Tissue:
    """One tissue.

    Parameters
    ----------
    name : str
    density : float
        g/cm^3.
    attenuation : float
        Linear attenuation at 140 keV, narrow beam, 1/cm.
    hu : float
        CT number, HU.
    uptake : float
        Tc-99m-MDP at 3 h relative to soft tissue, per volume.
    """

    name: str
    density: float
    attenuation: float
    hu: float
    uptake: float


def mass_attenuation(composition: dict[str, float], energy_kev: float) -> float:
    """Mass attenuation coefficient of a mixture, cm^2/g.

    Parameters
    ----------
    composition : dict from element to share by weight
    energy_kev : float
        From 80 to 150 keV.
    """
    table: dict[str, list[float]] = _data()["elements"]
    grid = np.log(table["energies_kev"])
    return math.fsum(
        share * float(np.exp(np.interp(np.log(energy_kev), grid, np.log(table[element]))))
        for element, share in composition.items()
    )


def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("tissues.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _read() -> dict[str, Tissue]:
    water = {e: mass_attenuation(_WATER, e) for e in (CT_EFFECTIVE_KEV, PHOTOPEAK_KEV)}
    tissues = {}
    for name, entry in _data()["tissues"].items():
        composition: dict[str, float] = entry["composition"]
        density = float(entry["density"])
        relative = (
            mass_attenuation(composition, CT_EFFECTIVE_KEV) * density / water[CT_EFFECTIVE_KEV]
        )
        tissues[name] = Tissue(
            name=name,
            density=density,
            attenuation=mass_attenuation(composition, PHOTOPEAK_KEV) * density,
            hu=1000.0 * (relative - 1.0),
            uptake=float(entry["uptake"]),
        )
    return tissues


WATER_ATTENUATION = mass_attenuation(_WATER, PHOTOPEAK_KEV)
TISSUES = _read()
