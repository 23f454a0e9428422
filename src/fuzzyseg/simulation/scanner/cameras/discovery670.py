"""GE Discovery NM/CT 670 with low-energy, high-resolution collimators."""

from __future__ import annotations

from fuzzyseg.simulation.scanner.protocol import EnergyWindow, Protocol, ReconstructionSettings
from fuzzyseg.simulation.scanner.response import INTRINSIC_CM, Collimator

# GE LEHR: holes of 1.5 mm, 35 mm long, 0.2 mm septa; 1.8 mm from their end to the crystal, whose
# photons stop 3.2 mm deep on average (OpenGATE's model of the Discovery NM 670, and NIST XCOM):
# 7.2 mm at 10 cm, as GE publishes.
# Sensitivity: 1.01e-4 through the holes, times 0.89 photons a decay, times 0.862 that a crystal of
# 9.5 mm absorbs, is 77 cps/MBq. Published Monte Carlo simulations find 76 to 85, the data sheet
# (NEMA NU 1, 20% window) has 160 cpm/uCi, which is 72.
_GE_LEHR = Collimator(hole_cm=0.15, length_cm=3.5, septum_cm=0.02, gap_cm=0.5)
PROTOCOL = Protocol(
    name="discovery670",
    about="GE Discovery NM/CT 670, LEHR, 256 views, 20% window at 140 keV",
    views=256,
    pixel_cm=0.44,
    response=_GE_LEHR.response(INTRINSIC_CM),
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
