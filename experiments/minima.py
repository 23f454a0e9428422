"""Print which optimum each start of K-means and fuzzy c-means reaches (docs/clustering.md)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from fuzzyseg.clustering import FCM
from fuzzyseg.conventions import FWHM_PER_SIGMA


def toy_spect() -> tuple[np.ndarray, np.ndarray]:
    """Body 1, bone 6, four small lesions 24 in 40^3 voxels; blurred, with Poisson noise."""
    rng = np.random.default_rng(0)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, 40),) * 3, indexing="ij")
    body = np.hypot(x / 0.8, y / 0.6) < 1
    ribs = (np.abs(np.hypot(x / 0.72, y / 0.52) - 1) < 0.07) & (np.mod(z, 0.3) < 0.12)
    bone = body & (ribs | (np.hypot(x, y - 0.35) < 0.14))
    truth = bone.astype(np.int8)
    for centre in np.argwhere(bone)[rng.choice(bone.sum(), 4, replace=False)]:
        offset = np.stack(np.indices(bone.shape), -1) - centre
        truth[(offset**2).sum(-1) <= rng.uniform(1.2, 2.2) ** 2] = 2
    activity = np.where(body, 1.0, 0.0)
    activity[truth == 1], activity[truth == 2] = 6, 24
    blurred = ndimage.gaussian_filter(activity, 1.5 / FWHM_PER_SIGMA)
    return (rng.poisson(40 * blurred) / 40).astype(np.float32), truth


def main() -> None:
    image, truth = toy_spect()
    print("| start | q | centres | J | DSC bone | DSC lesion |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for q in (1.0, 2.0):
        for init in ("uptake", "k-means++"):
            model = FCM(q=q, init=init).fit(image)
            scores = [
                2 * ((model.labels_ == k) & (truth == k)).sum()
                / ((model.labels_ == k).sum() + (truth == k).sum())
                for k in (1, 2)
            ]  # fmt: skip
            centres = ", ".join(f"{v:.1f}" for v in model.cluster_centers_[:, 0])
            print(
                f'| `"{init}"` | {q:g} | {centres} | {model.objective_:.0f} '
                f"| {scores[0]:.2f} | {scores[1]:.2f} |"
            )


if __name__ == "__main__":
    main()
