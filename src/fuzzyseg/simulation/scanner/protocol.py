"""What a scanner protocol is: camera, collimator, windows, timing, reconstruction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.tc99m import GAMMA_KEV

if TYPE_CHECKING:
    from fuzzyseg.simulation.scanner.response import CollimatorResponse

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
    name : str
    about : str
        One line for people.
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
    about: str
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
                f"expected a number of views divisible by 8 or 10, found {views}; use 60, 120 or "
                "256 (reconstruction divides them into 8 or 10 subsets of equal size)"
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
