"""Scanner protocols as data: camera, collimator, windows, timing, reconstruction.

A new scanner is one more entry of `PROTOCOLS`, and its name one of `ProtocolName`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.response import FWHM_PER_SIGMA, Collimator
from fuzzyseg.tc99m import GAMMA_KEV

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.simulation.scanner.response import CollimatorResponse

ProtocolName = Literal["discovery670", "symbia-t16"]  # the keys of PROTOCOLS
OrbitKind = Literal["circular", "body-contour"]
ScatterCorrection = Literal["model", "window", "none"]


@dataclass(frozen=True)
class EnergyWindow:
    """Energies a camera accepts, in keV."""

    low_kev: float
    high_kev: float

    @property
    def width_kev(self) -> float:
        """Width in keV."""
        return self.high_kev - self.low_kev

    @classmethod
    def around(cls, centre_kev: float, percent: float) -> EnergyWindow:
        """Window of a width in percent of its centre, as cameras are set."""
        half = centre_kev * percent / 200.0
        return cls(centre_kev - half, centre_kev + half)


@dataclass(frozen=True)
class ReconstructionSettings:
    """Settings of OS-EM.

    Parameters
    ----------
    iterations, subsets : int
    scatter : {"model", "window", "none"}
        "model": scatter estimated from the image in every update (ESSE). "window": estimated
        once from the lower energy window and added. "none": ignored.
    attenuation, response : bool
        Whether the model knows of attenuation and of the collimator's blur.
    post_filter_fwhm_cm : float
        FWHM of the Gaussian filter applied at the end; 0 for none.
    """

    iterations: int = 2
    subsets: int = 10
    scatter: ScatterCorrection = "model"
    attenuation: bool = True
    response: bool = True
    post_filter_fwhm_cm: float = 0.0


@dataclass(frozen=True)
class Protocol:
    """Everything about a scan but the patient.

    Parameters
    ----------
    name, description : str
    views : int
        Projections over 360 degrees, all detectors together.
    pixel_cm : float
        Pixel of the stored projections and voxel of the reconstruction.
    oversampling : int
        Voxels of the simulated patient in a pixel's width; 2 simulates on a grid twice as fine
        as the one reconstructed on, so that a model isn't inverted by itself.
    response : CollimatorResponse
    photopeak : EnergyWindow
    scatter_window : EnergyWindow
        The lower window, of the dual-energy-window estimate.
    sensitivity_cps_per_mbq : float
        Photopeak counts per second and MBq of one detector, in air; for parallel holes the
        same at any distance.
    energy_resolution : float
        FWHM over energy at 140.5 keV; FWHM grows with the square root of energy.
    detectors : int
    scan_minutes : float
        Time of the whole scan, shared by the beds.
    fov_cm : float
        Transaxial width that the detector sees.
    axial_fov_cm : float
        Length of one bed.
    bed_overlap_cm : float
        Least overlap of neighbouring beds.
    orbit : {"circular", "body-contour"}
    clearance_cm : float
        Distance from the body's outline to the collimator's face.
    reconstruction, vendor : ReconstructionSettings
        The default, and the one of a clinical workstation.
    subsets_wanted, vendor_subsets_wanted : int
        Their numbers of subsets where that divides the views; `with_views` goes by these.
    """

    name: str
    description: str
    views: int
    pixel_cm: float
    response: CollimatorResponse
    photopeak: EnergyWindow
    scatter_window: EnergyWindow
    sensitivity_cps_per_mbq: float
    fov_cm: float
    axial_fov_cm: float
    orbit: OrbitKind
    reconstruction: ReconstructionSettings
    vendor: ReconstructionSettings
    oversampling: int = 2
    energy_resolution: float = 0.10
    detectors: int = 2
    scan_minutes: float = 30.0
    bed_overlap_cm: float = 2.0
    clearance_cm: float = 2.0
    subsets_wanted: int = 10
    vendor_subsets_wanted: int = 10

    def with_views(self, views: int) -> Protocol:
        """Change the number of projections over 360 degrees, scan time kept.

        Subsets become the largest number up to the one wanted that divides the views: 10 for
        60 and 120 views, 8 for 256.

        Raises
        ------
        InputError
            If there are fewer than 4 views, or neither 10 nor 8 subsets share them evenly.
        """
        if views < 4 or (views % 10 and views % 8):
            raise InputError(
                f"expected views that 10 or 8 subsets share evenly, found {views}; "
                "use 60, 120 or 256"
            )
        return replace(
            self,
            views=views,
            reconstruction=_fit(self.reconstruction, views, self.subsets_wanted),
            vendor=_fit(self.vendor, views, self.vendor_subsets_wanted),
        )

    def energy_sigma_kev(self, energy_kev: float) -> float:
        """Return the standard deviation of the measured energy, in keV."""
        fwhm = self.energy_resolution * GAMMA_KEV * float((energy_kev / GAMMA_KEV) ** 0.5)
        return fwhm / FWHM_PER_SIGMA


def _fit(settings: ReconstructionSettings, views: int, wanted: int) -> ReconstructionSettings:
    """Set the largest number of subsets up to the one wanted that divides the views."""
    subsets = next(n for n in range(min(wanted, views), 0, -1) if views % n == 0)
    return replace(settings, subsets=subsets)


_INTRINSIC_CM = 0.38 / FWHM_PER_SIGMA  # of a 3/8 inch NaI crystal at 140 keV

# GE LEHR: holes of 1.5 mm, 35 mm long, 0.2 mm septa; 1.8 mm from their end to the crystal, whose
# photons stop 3.2 mm deep on average (OpenGATE's model of the Discovery NM 670, and NIST XCOM):
# 7.2 mm at 10 cm, as GE publishes.
# Sensitivity: 1.01e-4 through the holes, times 0.89 photons a decay, times 0.862 that a crystal of
# 9.5 mm absorbs, is 77 cps/MBq. Published Monte Carlo simulations find 76 to 85, the data sheet
# (NEMA NU 1, 20% window) has 160 cpm/uCi, which is 72.
_GE_LEHR = Collimator(hole_cm=0.15, length_cm=3.5, septum_cm=0.02, gap_cm=0.5)
_DISCOVERY_670 = Protocol(
    name="discovery670",
    description="GE Discovery NM/CT 670, LEHR, 256 views, 20% window at 140 keV",
    views=256,
    pixel_cm=0.44,
    response=_GE_LEHR.response(_INTRINSIC_CM),
    photopeak=EnergyWindow.around(140.0, 20.0),
    scatter_window=EnergyWindow.around(120.0, 10.0),
    sensitivity_cps_per_mbq=77.0,
    fov_cm=54.0,
    axial_fov_cm=40.0,
    orbit="circular",
    reconstruction=ReconstructionSettings(iterations=2, subsets=8),  # 10 don't divide 256
    vendor=ReconstructionSettings(
        iterations=4, subsets=8, scatter="window", post_filter_fwhm_cm=0.8
    ),
)

# Siemens LEHR: holes of 1.11 mm, 24.05 mm long, 0.16 mm septa (data sheet; SIMIND's and OpenGATE's
# models agree). Drawings give a gap of 4 mm, the data sheet's 7.5 mm at 10 cm wants 11: 10 mm, the
# most that is usual, makes 7.4 mm.
# Sensitivity of the data sheet (NEMA NU 1, 3/8 inch crystal, 15% window): 202 cpm/uCi, which is
# 91 cps/MBq; 1.17e-4 through the holes, times 0.89, times 0.862, is 90.
# The vendor's settings are those common for Flash 3D.
_SIEMENS_LEHR = Collimator(hole_cm=0.111, length_cm=2.405, septum_cm=0.016, gap_cm=1.0)
_SYMBIA_T16 = Protocol(
    name="symbia-t16",
    description="Siemens Symbia T16, LEHR, 120 views, 15% windows at 140 and 119 keV",
    views=120,
    pixel_cm=0.48,
    response=_SIEMENS_LEHR.response(_INTRINSIC_CM),
    photopeak=EnergyWindow.around(140.0, 15.0),
    scatter_window=EnergyWindow.around(119.0, 15.0),
    sensitivity_cps_per_mbq=91.0,
    fov_cm=53.3,
    axial_fov_cm=38.7,
    orbit="body-contour",
    reconstruction=ReconstructionSettings(iterations=2, subsets=10),
    vendor=ReconstructionSettings(
        iterations=8, subsets=4, scatter="window", post_filter_fwhm_cm=0.8
    ),
    vendor_subsets_wanted=4,
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {protocol.name: protocol for protocol in (_DISCOVERY_670, _SYMBIA_T16)}
)


def get_protocol(name: str) -> Protocol:
    """Look a protocol up by name.

    Raises
    ------
    InputError
        If no protocol has that name.
    """
    if name not in PROTOCOLS:
        raise InputError(
            f"expected a protocol out of {', '.join(PROTOCOLS)}, found {name!r}; choose one"
        )
    return PROTOCOLS[name]
