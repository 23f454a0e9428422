"""What every part of the package agrees on: the classes, the window of a CT, a Gaussian's width."""

from __future__ import annotations

import math

CLASSES = ("background", "bone", "lesion")  # label 0, 1, 2, in order of rising uptake
# In HU. Air, fat and water are one thing below it, and metal is bone above it.
CT_WINDOW_HU = (0.0, 1000.0)
FWHM_PER_SIGMA = math.sqrt(8.0 * math.log(2.0))  # full width at half maximum of a Gaussian, 2.3548
