"""Time clustering and losses on a GPU, with the share of its memory bandwidth that they reach.

    python benchmarks/gpu.py [cuda|cpu] [SIZE...]

One iteration of each method, and forward and backward of each loss, on float32 cubes (128 and 256
by default), 3 classes, q = 2; medians of 20 after 3 that do not count. The bandwidth is that of a
device-to-device copy, measured in the same run. The bytes counted are the fewest that the task
needs (image and memberships read and written once), so the share says what a perfect kernel would
gain. Results are compared with the CPU's kernels.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch
from bench_clustering import bone_spect_like

from fuzzyseg.clustering import FCM, FLICM, KFCM, PCM, RFCM, SFCM
from fuzzyseg.clustering.image import as_points
from fuzzyseg.clustering.rule import Rule
from fuzzyseg.clustering.solver import assign
from fuzzyseg.clustering.sweeps import ArraySweep
from fuzzyseg.losses import get_loss

if TYPE_CHECKING:
    from collections.abc import Callable

N_CLASSES = 3


def clock(work: Callable[[], object], device: str, repeats: int = 20) -> float:
    """Median milliseconds, the device's queue emptied before and after."""
    spent = []
    for turn in range(-3, repeats):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        if turn >= 0:
            spent.append(1e3 * (time.perf_counter() - start))
    return median(spent)


def bandwidth(device: str) -> float:
    """Bytes a millisecond of a copy, reading and writing counted."""
    a = torch.zeros(2**28 if device == "cuda" else 2**24, device=device)
    b = torch.empty_like(a)
    return 2 * a.numel() * 4 / clock(lambda: b.copy_(a), device)


def table(size: int, device: str, peak: float) -> None:
    image = bone_spect_like((size,) * 3)
    given = torch.from_numpy(image).to(device)
    points, host = as_points(given, None, None), as_points(image, None, None)
    v = FCM().fit(image).cluster_centers_
    u, voxels = assign(points.y, v, 2.0)[0], image.size
    print(f"| {size}^3, {device} | ms | of the bandwidth | from the CPU's kernel |")
    print("| --- | ---: | ---: | ---: |")
    rows = {"FCM": Rule(q=2.0)}
    for model in (RFCM(), FLICM(), KFCM(), PCM(), SFCM()):
        model._prepare(host, v)
        rows[type(model).__name__] = model._rule(points, None)
    with ThreadPoolExecutor(1) as pool:
        for name, rule in rows.items():
            sweep = ArraySweep(points, u.clone(), rule)
            sweep(v)
            kernel = (
                RFCM._sweep.__get__(RFCM()) if name == "RFCM" else FLICM._sweep.__get__(FLICM())
            )
            ours = kernel(host, assign(host.y, v, 2.0)[0], rule, pool)
            ours(v)
            apart = np.abs(sweep.u.cpu().numpy().reshape(3, -1) - ours.u.reshape(3, -1)).max()
            moved = voxels * 4 * (1 + (2 * N_CLASSES if rule.remembers else 0))
            ms = clock(lambda s=sweep: s(v), device)
            print(f"| {name}, one iteration | {ms:.2f} | {moved / ms / peak:.0%} | {apart:.0e} |")
    scores = torch.randn(1, N_CLASSES, *image.shape, device=device, requires_grad=True)
    for name in ("rfcm", "ms"):
        loss = get_loss(name)

        def both(loss: Callable = loss) -> None:
            scores.grad = None
            loss(scores, given[None, None]).backward()

        moved = voxels * 4 * (1 + 2 * N_CLASSES)
        ms = clock(both, device)
        print(f"| loss {name}, forward and backward | {ms:.2f} | {moved / ms / peak:.0%} | |")
    print(flush=True)


def main(device: str, sizes: list[int]) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("expected a GPU, found none; use 'cpu' to see that the tables run")
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU tensors"
    peak = bandwidth(device)
    print(f"{name}, torch {torch.__version__}: a copy moves {peak / 1e6:.0f} GB/s\n")
    for size in sizes:
        table(size, device, peak)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cuda", [int(n) for n in sys.argv[2:]] or [128, 256])
