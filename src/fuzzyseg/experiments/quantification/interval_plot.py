"""Calibration plot: which share of lesions an interval should hold, and which it held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def draw_calibration(shares: Mapping[float, tuple[float, float]], n: int, path: Path) -> None:
    """Draw measured over nominal coverage of volume and uptake.

    Parameters
    ----------
    shares : mapping of float to (float, float)
        From nominal coverage to the shares held.
    n : int
        Lesions: the band is two standard errors of as many independent ones.
    path : Path
        Of the PNG.
    """
    from matplotlib.figure import Figure

    nominal = np.array(sorted(shares))
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axis = figure.subplots()
    error = 2 * np.sqrt(nominal * (1 - nominal) / n)
    axis.fill_between(nominal, nominal - error, nominal + error, color="0.88", lw=0)
    axis.plot([0.4, 1], [0.4, 1], color="black", lw=1)
    for k, (name, colour) in enumerate((("volume", "#1f77b4"), ("uptake", "#e08214"))):
        axis.plot(nominal, [shares[c][k] for c in nominal], "o-", color=colour, label=name)
    axis.set(xlabel="intervals made to hold", ylabel="held", xlim=(0.45, 1), ylim=(0.3, 1.02))
    axis.set_title(f"{n} lesions of other patients", fontsize=11)
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    figure.savefig(path, dpi=110, facecolor="white")
