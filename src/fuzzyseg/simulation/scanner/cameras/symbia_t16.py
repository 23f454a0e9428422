"""Siemens Symbia T16 with low-energy, high-resolution collimators."""

from __future__ import annotations

from fuzzyseg.simulation.scanner.protocol import EnergyWindow, Protocol, ReconstructionSettings
from fuzzyseg.simulation.scanner.response import INTRINSIC_CM, Collimator

# Siemens LEHR: holes of 1.11 mm, 24.05 mm long, 0.16 mm septa (data sheet; SIMIND's and OpenGATE's
# models agree). Drawings give a gap of 4 mm, the data sheet's 7.5 mm at 10 cm wants 11: 10 mm, the
# most that is usual, makes 7.4 mm.
# Sensitivity of the data sheet (NEMA NU 1, 3/8 inch crystal, 15% window): 202 cpm/uCi, which is
# 91 cps/MBq; 1.17e-4 through the holes, times 0.89, times 0.862, is 90.
# The vendor's settings are those common for Flash 3D.
_SIEMENS_LEHR = Collimator(hole_cm=0.111, length_cm=2.405, septum_cm=0.016, gap_cm=1.0)
PROTOCOL = Protocol(
    name="symbia-t16",
    about="Siemens Symbia T16, LEHR, 120 views, 15% windows at 140 and 119 keV",
    views=120,
    pixel_cm=0.48,
    response=_SIEMENS_LEHR.response(INTRINSIC_CM),
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
