"""What every part of the package agrees on: the classes, and the window of a CT."""

from __future__ import annotations

CLASSES = ("background", "bone", "lesion")  # label 0, 1, 2, in order of rising uptake
# In HU. Air, fat and water are one thing below it, and metal is bone above it.
CT_WINDOW_HU = (0.0, 1000.0)
