"""What all of the package agrees on: classes and their colours, names of files, constants."""

from __future__ import annotations

import math

CLASSES = ("background", "bone", "lesion")  # label 0, 1, 2, in order of rising uptake
# Of bone, lesion and what other classes there are, in pictures and viewers.
COLOURS = ("#0a7fd0", "#e8322a", "#f2a900", "#1a9850", "#8e44ad")
# In HU. Air, fat and water are one thing below it, and metal is bone above it.
CT_WINDOW_HU = (0.0, 1000.0)
FWHM_PER_SIGMA = math.sqrt(8.0 * math.log(2.0))  # full width at half maximum of a Gaussian, 2.3548
# What lesions were measured in, beside other results. No name that a study has: with --force
# results must not replace what they are made of.
MEASURED_SPECT, MEASURED_CT = "measured_spect.nii.gz", "measured_ct.nii.gz"
