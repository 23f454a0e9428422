"""How good a CT beside SPECT is: ranges, and what is drawn of them for one patient."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class CTSettings:
    """Ranges that a CT is drawn from.

    Parameters
    ----------
    noise_hu : (low, high)
        Standard deviation in a voxel 2.2 mm wide at the middle of 25 cm of water; drawn on a
        logarithmic scale. 120 to 130 kVp and 20 to 40 mAs give about 15 HU.
    kernel_mm : (low, high)
        FWHM of the in-plane point spread, from sharp to soft kernels.
    slice_mm : (low, high)
        FWHM of the slice.
    cupping : (low, high)
        What water correction leaves: P becomes P (1 + c P), P the line integral in water.
    hardening : (low, high)
        Half the spread of attenuation between the soft and the hard part of the spectrum, over
        their mean, in whatever is denser than soft tissue; makes metal throw streaks.
    floor : (low, high)
        Scattered and electronic signal over the unattenuated beam, logarithmic: starves rays
        through shoulders and hips of what they say.
    bias_hu : float
        Standard deviation of an offset.
    shift_mm, turn_deg : float
        Standard deviation, along and about each axis, of the patient's place in the CT
        against that in the SPECT.
    fixed_shift_mm : float or None
        Length of the shift, in a direction drawn at random, without a turn or breathing, for
        tables of robustness; None draws the length.
    breath_mm : float
        Standard deviation of the diaphragm's height in the CT over its mean during the SPECT;
        the front of the ribs moves by a third of it.
    couch, head_rest : float
        Share of CTs that show them.

    Notes
    -----
    Shifts between SPECT and CT: cardiac studies find 3 to 7 mm on average (Goetze et al., J Nucl
    Med 2007;48:1090); the diaphragm moves by 10 to 15 mm in quiet breathing. The other ranges
    are ours, by eye beside real low-dose and diagnostic CTs.
    """

    noise_hu: tuple[float, float] = (7.0, 35.0)
    kernel_mm: tuple[float, float] = (1.2, 3.0)
    slice_mm: tuple[float, float] = (2.5, 5.0)
    cupping: tuple[float, float] = (-0.002, 0.003)
    hardening: tuple[float, float] = (0.15, 0.4)
    floor: tuple[float, float] = (2e-6, 1e-4)
    bias_hu: float = 4.0
    shift_mm: float = 2.5
    turn_deg: float = 0.6
    fixed_shift_mm: float | None = None
    breath_mm: float = 5.0
    couch: float = 0.9
    head_rest: float = 0.7


CT = CTSettings()


@dataclass(frozen=True)
class CTDraw:
    """One CT: the values that `CTSettings` names, and where the patient lies in it.

    Parameters
    ----------
    noise_hu, kernel_mm, slice_mm, cupping, hardening, floor, bias_hu : float
    shift_mm : (x, y, z)
        Where the patient lies in the CT, less where in the SPECT.
    turn_deg : (x, y, z)
        About each axis through the middle of the field.
    breath_mm : float
        The diaphragm's height in the CT over that in the SPECT; negative in inspiration.
    couch : {"curved", "flat", "none"}
    couch_width_mm, couch_gap_mm : float
    head_rest : bool
    """

    noise_hu: float
    kernel_mm: float
    slice_mm: float
    cupping: float
    hardening: float
    floor: float
    bias_hu: float
    shift_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float]
    breath_mm: float
    couch: str
    couch_width_mm: float
    couch_gap_mm: float
    head_rest: bool

    def as_dict(self) -> dict[str, Any]:
        """For the patient's record."""
        return asdict(self)


def draw_ct(rng: np.random.Generator, settings: CTSettings) -> CTDraw:
    """Draw one CT; every value is drawn whatever the settings, so that one leaves the others."""

    def log(span: tuple[float, float]) -> float:
        return math.exp(rng.uniform(*np.log(span)))

    noise, floor = log(settings.noise_hu), log(settings.floor)
    kernel, width = (float(rng.uniform(*s)) for s in (settings.kernel_mm, settings.slice_mm))
    cupping, hard = (float(rng.uniform(*s)) for s in (settings.cupping, settings.hardening))
    moved = np.clip(rng.standard_normal(8), -2.5, 2.5)
    shift, turn = settings.shift_mm * moved[:3], settings.turn_deg * moved[3:6]
    breath = settings.breath_mm * moved[6]
    if settings.fixed_shift_mm is not None:
        shift = settings.fixed_shift_mm * moved[:3] / np.linalg.norm(moved[:3])
        turn, breath = np.zeros(3), 0.0
    chances = rng.random(3)
    couch = "none" if chances[0] >= settings.couch else "curved" if chances[1] < 0.7 else "flat"
    return CTDraw(
        noise, kernel, width, cupping, hard, floor,
        bias_hu=float(settings.bias_hu * moved[7]),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        turn_deg=(float(turn[0]), float(turn[1]), float(turn[2])),
        breath_mm=float(breath),
        couch=couch,
        couch_width_mm=float(rng.uniform(390.0, 460.0)),
        couch_gap_mm=float(rng.uniform(0.0, 6.0)),
        head_rest=bool(couch != "none" and chances[2] < settings.head_rest),
    )  # fmt: skip
