"""Compare accelerated and plain iterations on random problems (docs/clustering.md).

    python benchmarks/acceleration.py [PROBLEMS]

Each problem: an image of random size, levels, shares, noise and correlation, 2 to 5 classes, 1 or 2
channels, one random start. "Higher": the accelerated one ended with an objective above the plain
one's by more than 1e-6 of it, which is what the tolerance of 1e-5 leaves open.
"""

from __future__ import annotations

import sys
from statistics import median

import numpy as np
from scipy import ndimage

from fuzzyseg.clustering import FCM_S, FCM_S1, FCM_S2, KFCM, PCM

CLASSES = (FCM_S, FCM_S1, FCM_S2, KFCM, PCM)


def problem(seed: int) -> tuple[np.ndarray, dict]:
    rng = np.random.default_rng(seed)
    n_classes, n_channels = int(rng.integers(2, 6)), int(rng.integers(1, 3))
    shape = tuple(rng.integers(8, 40, 2))
    field = ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(0, 2))
    ranks = field.ravel().argsort().argsort().reshape(shape) / field.size
    which = np.searchsorted(np.sort(rng.random(n_classes - 1)), ranks)
    levels = rng.random((n_channels, n_classes))
    image = levels[:, which] + rng.uniform(0.02, 0.4) * rng.standard_normal((n_channels, *shape))
    return image, {"n_clusters": n_classes, "channel_axis": 0, "random_state": seed}


def main(n: int) -> None:
    print("| class | problems | higher | lower | median iterations, plain | accelerated |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for cls in CLASSES:
        ends, counts = [], []
        for seed in range(n):
            image, options = problem(seed)
            both = [
                cls(**options, init="random", n_init=1, tol=1e-5, max_iter=5000, accelerate=a)
                for a in (False, True)
            ]
            plain, fast = (model.fit(image) for model in both)
            ends.append(fast.objective_ / plain.objective_ - 1)
            counts.append((plain.n_iter_, fast.n_iter_))
        higher, lower = (sum(sign * e > 1e-6 for e in ends) for sign in (1, -1))
        before, after = (median(c) for c in zip(*counts, strict=True))
        print(f"| {cls.__name__} | {n} | {higher} | {lower} | {before:g} | {after:g} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
