"""Who the patient is: sex, stature, mass, arm position, and the size of the body that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Sex = Literal["male", "female"]
Arms = Literal["down", "up"]

# The reference anatomy: an adult man of this stature and body-mass index.
REFERENCE_STATURE_MM = 1760.0
REFERENCE_BMI = 24.0
# Heights in the reference body, mm above the soles.
VERTEX_Z = 1760.0
MID_THIGH_Z = 700.0
# Adults aged 40 and over, mean and SD: NHANES 2015-2018, Fryar et al., Vital Health Stat 3(46),
# 2021 (stature 175 and 161 cm, body-mass index 29 to 30), with the index lowered to a mixed
# population's. Bounds keep the anatomy plausible.
_STATURE = {"male": (1750.0, 70.0), "female": (1615.0, 65.0)}
_BMI = (26.5, 3.8)
STATURE_RANGE_MM = (1400.0, 2100.0)
BMI_RANGE = (17.0, 42.0)
# Breadth of a woman's body over a man's of the same stature, by height in the reference: pelvis
# broader, shoulders and thorax narrower. Ratios of mean biacromial and bi-iliac breadths to
# stature in ANSUR II (Gordon et al., 2014), rounded.
_FEMALE_BREADTH = (
    (0.0, 0.99), (850.0, 1.02), (960.0, 1.06), (1060.0, 1.04),
    (1200.0, 0.95), (1480.0, 0.93), (1560.0, 0.96), (1760.0, 0.98),
)  # fmt: skip


@dataclass(frozen=True)
class Body:
    """Size and pose.

    Parameters
    ----------
    sex : {"male", "female"}
    stature_mm : float
    mass_kg : float
    arms : {"down", "up"}
        Beside the trunk, or over the head, as for SPECT/CT of the trunk.
    breadth, depth : float, default 1
        The frame's width and depth over what stature predicts.

    Raises
    ------
    InputError
        If stature is outside 1400 to 2100 mm or the body-mass index outside 17 to 42.
    """

    sex: Sex = "male"
    stature_mm: float = REFERENCE_STATURE_MM
    mass_kg: float = REFERENCE_BMI * (REFERENCE_STATURE_MM / 1000) ** 2
    arms: Arms = "down"
    breadth: float = 1.0
    depth: float = 1.0

    def __post_init__(self) -> None:
        if self.sex not in ("male", "female") or self.arms not in ("down", "up"):
            raise InputError(
                f"expected sex male or female and arms down or up, found {self.sex!r} and "
                f"{self.arms!r}; choose from these"
            )
        low, high = STATURE_RANGE_MM
        if not low <= self.stature_mm <= high:
            raise InputError(
                f"expected a stature of {low:g} to {high:g} mm, found {self.stature_mm:g}; "
                "give an adult's stature in millimetres"
            )
        if not BMI_RANGE[0] <= self.bmi <= BMI_RANGE[1]:
            raise InputError(
                f"expected a body-mass index of {BMI_RANGE[0]:g} to {BMI_RANGE[1]:g} kg/m2, found "
                f"{self.bmi:.1f}; change the mass ({self.mass_kg:g} kg) or the stature"
            )

    @property
    def bmi(self) -> float:
        """Body-mass index, kg/m^2."""
        return self.mass_kg / (self.stature_mm / 1000) ** 2

    @property
    def scale(self) -> float:
        """Height over the reference's."""
        return self.stature_mm / REFERENCE_STATURE_MM

    def _across(self, z: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scales along x and y at reference height z: frames widen less than they lengthen."""
        girth = self.scale**0.7
        table = np.array(_FEMALE_BREADTH) if self.sex == "female" else np.array([(0.0, 1.0)])
        breadth = np.interp(z, table[:, 0], table[:, 1]).astype(np.float32)
        # The head hardly follows the frame: it is spared the individual factors.
        trunk = np.interp(z, (1500.0, 1600.0), (1.0, 0.0)).astype(np.float32)
        sx = girth * breadth * (1 + (self.breadth - 1) * trunk)
        sy = girth * (0.5 + breadth / 2) * (1 + (self.depth - 1) * trunk)
        return np.asarray(sx, dtype=np.float32), np.asarray(sy, dtype=np.float32)

    def to_reference(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Carry points of the patient, in mm, to the reference anatomy."""
        height = z / np.float32(self.scale)
        sx, sy = self._across(height)
        return x / sx, y / sy, height

    def box_to_patient(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find a box of the patient that holds a box of the reference anatomy."""
        heights = np.linspace(low[2], high[2], 9)
        sx, sy = (s.astype(float) for s in self._across(heights))
        corners = np.stack([low, high])
        xs, ys = np.outer(sx, corners[:, 0]), np.outer(sy, corners[:, 1])
        lows = np.array([xs.min(), ys.min(), low[2] * self.scale])
        highs = np.array([xs.max(), ys.max(), high[2] * self.scale])
        return lows, highs


def draw_body(
    rng: np.random.Generator,
    *,
    sex: Sex | None = None,
    stature_mm: float | None = None,
    mass_kg: float | None = None,
    arms: Arms | None = None,
) -> Body:
    """Draw what is not given: 70% men, for prostate cancer leads on bone scans, 70% arms down."""
    draws = rng.random(2)
    normal = np.clip(rng.standard_normal(4), -2, 2)
    sex = sex or ("male" if draws[0] < 0.7 else "female")
    arms = arms or ("down" if draws[1] < 0.7 else "up")
    if stature_mm is None:
        mean, sd = _STATURE.get(sex, _STATURE["male"])
        stature_mm = float(mean + sd * normal[0])
    if mass_kg is None:
        mass_kg = float((_BMI[0] + _BMI[1] * normal[1]) * (stature_mm / 1000) ** 2)
    frame = 1 + 0.03 * normal[2:]
    return Body(sex, stature_mm, mass_kg, arms, float(frame[0]), float(frame[1]))
