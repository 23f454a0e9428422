"""Draw every clustering on one noisy slice: docs/images/clustering.png.

python docs/figure_clustering.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from scipy import ndimage

from fuzzyseg import clustering

LEVELS = (0.08, 0.42, 1.0)  # of soft tissue, bone and lesion, after the blur of a camera
ARGUMENTS = {"RFCM": {"beta": 2e-2}, "RFCM_CT": {"beta": 2e-2, "gamma": 0.05, "channel_axis": 0}}


def slice_of_a_chest(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Truth (0, 1, 2) and a noisy, slightly blurred image of it."""
    rng = np.random.default_rng(7)
    x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-0.8, 0.8, int(0.8 * n)))
    truth = np.zeros(x.shape, np.int8)
    ring = np.hypot(x / 0.8, y / 0.62)
    truth[(np.abs(ring - 1) < 0.07) & (np.mod(np.arctan2(y, x), 0.5) < 0.34)] = 1
    truth[np.hypot(x, y - 0.42) < 0.17] = 1
    truth[(np.abs(x) < 0.06) & (np.abs(y + 0.6) < 0.05)] = 1
    for cx, cy, r in ((0.03, 0.45, 0.07), (-0.77, 0.12, 0.06), (0.66, -0.32, 0.05)):
        truth[np.hypot(x - cx, y - cy) < r] = 2
    clean = ndimage.gaussian_filter(np.choose(truth, (0.06, 0.45, 1.15)), 0.8)
    clean[ring > 1.1] = 0.0
    image = clean + 0.13 * rng.standard_normal(clean.shape)
    spots = rng.random(clean.shape) < 0.01  # and some outliers
    image[spots] = rng.random(spots.sum()) * 1.2
    return truth, image


def main() -> None:
    """Draw the picture."""
    truth, image = slice_of_a_chest()
    panels = {"truth": truth, "image": image}
    for name in clustering.__all__:
        cls = getattr(clustering, name)
        model = cls(**ARGUMENTS.get(name, {}))
        if "move_centres" in model.get_params():
            model.set_params(init=LEVELS, move_centres=False)
        given = image
        if name == "RFCM_CT":
            given = np.stack([image, (truth > 0).astype(float)])
        panels[name] = model.fit(given).labels_
    figure = Figure(figsize=(9.0, 4.3), layout="constrained")
    colours = ListedColormap(["#10131a", "#8fb3d9", "#e2504a"])
    for axes, (title, panel) in zip(figure.subplots(3, 6).flat, panels.items(), strict=True):
        if title == "image":
            axes.imshow(panel, cmap="gray_r", vmin=0, vmax=1.1)
        else:
            axes.imshow(panel, cmap=colours, vmin=0, vmax=2, interpolation="nearest")
        axes.set_title(title, fontsize=7)
        axes.axis("off")
    figure.savefig(Path(__file__).parent / "images" / "clustering.png", dpi=90)


if __name__ == "__main__":
    main()
