"""Seconds an image: network, FCM, RFCM by its equations written plainly, and ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.reproduce.work.patients import folder_of
from fuzzyseg.experiments.reproduce.work.training import MODEL
from fuzzyseg.io import read_nifti

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fuzzyseg.jobs import Work

    Array = NDArray[np.float64]

BETA, Q, CLASSES = 0.01, 2.0, 3
_MOST, _TOLERANCE = 100, 1e-3  # iterations, and the change of a membership that ends them


def timed(work: Work) -> dict[str, Any]:
    """Time methods on the transverse slice with the most bone, one thread.

    Returns
    -------
    dict
        "shape" of the slice; by method "seconds", the shortest of `repeats`, and "iterations".
    """
    import torch

    from fuzzyseg.clustering import FCM, RFCM
    from fuzzyseg.inference.prediction import predict
    from fuzzyseg.inference.preprocess import normalise_spect
    from fuzzyseg.models import load_model

    torch.set_num_threads(1)
    folder = folder_of(work.inputs["patient"][0])
    spect = read_nifti(folder / "spect.nii.gz", "NM").array
    labels = read_nifti(folder / "labels.nii.gz").array
    z = int((labels > 0).sum(axis=(0, 1)).argmax())
    image = np.ascontiguousarray(spect[:, :, z], dtype=np.float64) / float(spect.max())
    seen = normalise_spect(spect)[None, :, :, z : z + 1]
    model = load_model(work.inputs["model"][0] / MODEL)

    def network() -> None:
        predict(model, seen, engine="torch", jobs=1)

    options: dict[str, Any] = {"n_clusters": CLASSES, "q": Q, "max_iter": _MOST}
    single = image.astype(np.float32)
    calls: dict[str, Callable[[], object]] = {
        "ConvNet": network,
        "FCM, plainly": lambda: plain_rfcm(image, beta=0.0),
        "RFCM, plainly": lambda: plain_rfcm(image, beta=BETA),
        "FCM, ours": lambda: FCM(**options).fit(single),
        "RFCM, ours": lambda: RFCM(beta=BETA, n_jobs=1, **options).fit(single),
    }
    found: dict[str, Any] = {}
    for name, call in calls.items():
        last = call()  # compiles, fills caches
        seconds = []
        for _ in range(work.settings["repeats"]):
            started = time.perf_counter()
            last = call()
            seconds.append(time.perf_counter() - started)
        iterations = last if isinstance(last, int) else getattr(last, "n_iter_", None)
        found[name] = {"seconds": min(seconds), "iterations": iterations}
    return {"shape": list(image.shape), "methods": found}


def plain_rfcm(y: Array, beta: float, n_classes: int = CLASSES, q: float = Q) -> int:
    """Iterate eqs. (5) and (6) as they are written; 8 neighbours. Returns the iterations taken."""
    v = np.quantile(y, np.linspace(0.5, 1.0, n_classes))
    u = np.full((n_classes, *y.shape), 1.0 / n_classes)
    iterations, moved = 0, np.inf
    while iterations < _MOST and moved >= _TOLERANCE:
        iterations += 1
        before = u.copy()
        cost = np.empty_like(u)
        for k in range(n_classes):
            spatial = np.zeros_like(y)
            for m in range(n_classes):
                if m != k and beta:
                    around = np.pad(before[m] ** q, 1)
                    for i in (0, 1, 2):
                        for j in (0, 1, 2):
                            if (i, j) != (1, 1):
                                rows, columns = slice(i, i + y.shape[0]), slice(j, j + y.shape[1])
                                spatial += around[rows, columns]
            cost[k] = (y - v[k]) ** 2 + 2 * beta * spatial
        weight = np.maximum(cost, 1e-12) ** (-1 / (q - 1))
        u = weight / weight.sum(0)
        for k in range(n_classes):
            v[k] = (u[k] ** q * y).sum() / (u[k] ** q).sum()
        moved = float(np.abs(u - before).max())
    return iterations
