"""Time clustering beside scikit-fuzzy, scipy and scikit-learn, in one process.

    python benchmarks/bench_clustering.py [REPEATS]

Contestants take turns. The tables give medians (minima) of wall and process time, and how many
times ours that is: medians of wall time (minima of process time, which hardly feel what else
runs on the machine). Peers are held to the number of
threads that the table says with threadpoolctl. What takes little time runs several times a turn,
as in a loop of iterations, and counts with its mean. Memory is the growth of the process's peak.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import skfuzzy
from scipy import ndimage
from sklearn.cluster import KMeans as PeerKMeans
from sklearn.mixture import GaussianMixture as PeerMixture
from threadpoolctl import threadpool_limits

from fuzzyseg.clustering import FCM, RFCM, GaussianMixture, KMeans
from fuzzyseg.clustering.image import as_points
from fuzzyseg.clustering.rfcm import RobustSweep
from fuzzyseg.clustering.rule import Rule
from fuzzyseg.clustering.solver import assign, next_centres
from fuzzyseg.clustering.starts import start_centres
from fuzzyseg.conventions import FWHM_PER_SIGMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

BETA = 1e-3  # RFCM's default, for images scaled to a maximum of 1


@dataclass
class Contestant:
    """One row of a table; slow ones run `share` as often, fast ones `number` times in a turn."""

    name: str
    work: Callable[[], Any]
    threads: int = 1
    share: float = 1.0
    number: int = 1
    result: Any = None
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


@dataclass
class Table:
    """Contestants on one task, what was asked of them, and how their results agree."""

    title: str
    required: str
    agreement: str
    rows: list[Contestant]


def bone_spect_like(
    shape: tuple[int, int, int] = (128, 128, 128), n_lesions: int = 60, seed: int = 0
) -> Image:
    """Make a body with spine, ribs and lesions.

    Blurred by 2.5 voxels (11 mm), with Poisson noise after a light filter; its maximum is 1.
    """
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    ribs = (np.abs(np.hypot(x / 0.72, y / 0.52) - 1) < 0.07) & (np.mod(z, 0.14) < 0.06)
    bone = (np.hypot(x, y - 0.35) < 0.14) | ribs
    activity = np.where(np.hypot(x / 0.8, y / 0.6) < 1, 1.0, 0.0) * np.ones(shape)
    activity[bone] = 10
    grid = np.indices(shape, sparse=True)
    for centre in np.argwhere(bone)[rng.choice(np.count_nonzero(bone), n_lesions, replace=False)]:
        squared = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
        activity[squared <= rng.uniform(1.5, 3.5) ** 2] = 40
    counts = rng.poisson(6 * ndimage.gaussian_filter(activity, 2.5 / FWHM_PER_SIGMA))
    filtered = ndimage.gaussian_filter(counts.astype(np.float64), 0.5)
    return (filtered / filtered.max()).astype(np.float32)


def take_turns(rows: list[Contestant], repeats: int) -> None:
    """Time the contestants, after one run of each that is not counted."""
    for turn in range(-1, repeats):
        for row in rows:
            if turn >= max(2, round(repeats * row.share)) or (turn < 0 and row.share < 0.5):
                continue  # the slowest go without a warm-up, too
            with threadpool_limits(row.threads):
                wall, cpu = time.perf_counter(), time.process_time()
                for _ in range(row.number):
                    row.result = row.work()
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if turn >= 0:
                row.wall_ms.append(1e3 * wall / row.number)
                row.cpu_ms.append(1e3 * cpu / row.number)


def fcm(image: Image, repeats: int, share: float, number: int, required: str) -> Table:
    """Run fuzzy c-means to convergence from one start."""
    y = image.reshape(1, -1).astype(np.float64)
    (start,) = start_centres(y, None, 3, "uptake", 1, 0)
    u = 1 / ((y - start) ** 2 + 1e-12)
    u /= u.sum(0)
    error = 1e-4 * (y.size / 192**2) ** 0.5  # of the norm of all memberships' changes

    rows = [
        Contestant("fuzzyseg", lambda: FCM(init=start).fit(image), number=number),
        Contestant(
            "scikit-fuzzy 0.5, same start",
            lambda: skfuzzy.cmeans(y, 3, 2.0, error=error, maxiter=1000, init=u),
            share=share,
        ),
    ]
    take_turns(rows, repeats)
    ours, (centres, _, _, _, history, n_iter, _) = (row.result for row in rows)
    centre_difference = np.abs(np.sort(centres[:, 0]) - ours.cluster_centers_[:, 0]).max()
    return Table(
        f"Fuzzy c-means to convergence, {'x'.join(map(str, image.shape))}",
        required,
        f"Centres differ by {centre_difference:.0e}, the objective by "
        f"{abs(ours.objective_ / history[-1] - 1):.0e} of itself. Iterations: ours "
        f"{ours.n_iter_}, nearly all on the histogram; scikit-fuzzy {n_iter}.",
        rows,
    )


def rfcm_literal(y: Any, u: Any, v: Any, taps: Any) -> tuple[Any, Any]:
    """Eqs. (5) and (6), q = 2, with a convolution for each pair of classes."""
    uq = u**2
    cost = []
    for k in range(len(v)):
        near = np.zeros_like(y)
        for m in range(len(v)):
            if m != k:
                near += ndimage.convolve(uq[m], taps, mode="constant")
        cost.append((y - v[k]) ** 2 + 2 * BETA * near)
    new = 1 / np.stack(cost)
    new /= new.sum(0)
    return new, np.array([(w * y).sum() / w.sum() for w in new**2])


def rfcm_friendly(y: Any, u: Any, v: Any, taps: Any) -> tuple[Any, Any]:
    """Eqs. (5) and (6), q = 2, the other classes added up first: a convolution for each class."""
    uq = u**2
    total = uq.sum(0)
    near = np.stack([ndimage.convolve(total - w, taps, mode="constant") for w in uq])
    new = 1 / ((y - v[:, None, None, None]) ** 2 + 2 * BETA * near)
    new /= new.sum(0)
    return new, np.array([(w * y).sum() / w.sum() for w in new**2])


def rfcm(image: Image, repeats: int) -> Table:
    """Run one iteration of robust fuzzy c-means with 26 neighbours."""
    points = as_points(image, None, None)
    centres = FCM().fit(image).cluster_centers_
    u0 = assign(points.y, centres, 2.0)[0]
    y64, u64 = image.astype(np.float64), u0.reshape(3, *image.shape).astype(np.float64)
    taps = np.ones((3, 3, 3))
    taps[1, 1, 1] = 0
    rows, after_one = [], []
    pools = [ThreadPoolExecutor(n) for n in (1, 2)]
    for n_jobs, pool in enumerate(pools, start=1):
        u = u0.copy()
        rule = Rule(q=2.0, near="others", weights=(BETA,) * 3, twice=2.0)
        sweep = RobustSweep(points, u, rule, pool)

        def iterate(sweep: RobustSweep = sweep) -> Any:
            return next_centres(sweep(centres, update=True), centres)

        v = iterate()
        after_one.append((u.copy(), v))
        rows.append(Contestant("fuzzyseg, float32", iterate, threads=n_jobs, number=5))
    for name, plain in (("literal", rfcm_literal), ("one convolution a class", rfcm_friendly)):
        rows.append(
            Contestant(
                f"scipy, float64, {name}",
                lambda plain=plain: plain(y64, u64, centres[:, 0], taps),
                share=0.5,
            )
        )
    take_turns(rows, repeats)
    for pool in pools:
        pool.shutdown()
    (u, v), (u_two, _) = after_one
    expected, expected_v = rows[2].result
    same = np.array_equal(u, u_two)
    memory = working_memory(lambda: RFCM(max_iter=3).fit(image), 4 * u.size + image.size)
    return Table(
        f"Robust fuzzy c-means, one iteration, 26 neighbours, {'x'.join(map(str, image.shape))}",
        "25x against eqs. (5)-(6) written plainly in scipy, under 50 MB beside input and output",
        f"Memberships differ from the literal ones by at most "
        f"{np.abs(u.reshape(expected.shape) - expected).max():.0e}, centres by "
        f"{np.abs(v[:, 0] - expected_v).max():.0e}; one and two threads give "
        f"{'the same bits' if same else 'DIFFERENT BITS'}. A whole `RFCM.fit` takes "
        f"{memory} beside the image, memberships and labels.",
        rows,
    )


def k_means(image: Image, repeats: int) -> Table:
    """Run K-means to convergence from one start."""
    y = image.reshape(-1, 1)
    (start,) = start_centres(y.T, None, 3, "uptake", 1, 0)

    def peer() -> Any:
        return PeerKMeans(3, init=start.astype(np.float32), n_init=1, tol=0).fit(y)

    rows = [
        Contestant("fuzzyseg", lambda: KMeans(init=start, tol=1e-6).fit(image)),
        *(Contestant("scikit-learn, same start", peer, threads=n, share=0.5) for n in (1, 2)),
    ]
    take_turns(rows, repeats)
    ours, theirs = rows[0].result, rows[1].result

    def inertia(centres: Any) -> float:
        """In float64: scikit-learn's own sums run in float32."""
        return float(min_squares(image.astype(np.float64), np.ravel(centres)).sum())

    ratio = inertia(ours.cluster_centers_) / inertia(theirs.cluster_centers_)
    return Table(
        f"K-means to convergence, {'x'.join(map(str, image.shape))}",
        "10x, to the same inertia",
        f"Our inertia is {ratio:.8f} times scikit-learn's, both computed in float64 from the "
        f"centres. Iterations: ours {ours.n_iter_}, scikit-learn {theirs.n_iter_}.",
        rows,
    )


def min_squares(y: Any, centres: Any) -> Any:
    """Squared distances to the nearest centre."""
    return np.min([(y - c) ** 2 for c in centres], axis=0)


def mixture(image: Image, repeats: int) -> Table:
    """Climb a Gaussian mixture from K-means' classes, to one tolerance."""
    y = image.reshape(-1, 1)
    (start,) = start_centres(y.T, None, 3, "uptake", 1, 0)
    classes = KMeans(init=start, tol=1e-4).fit(image)
    groups = [image[classes.labels_ == k].astype(np.float64) for k in range(3)]

    def peer() -> Any:
        return PeerMixture(
            3,
            tol=1e-4,
            reg_covar=1e-6 * float(y.var(dtype=np.float64)),
            max_iter=300,
            weights_init=[g.size / y.size for g in groups],
            means_init=[[g.mean()] for g in groups],
            precisions_init=[[[1 / g.var()]] for g in groups],
        ).fit(y.astype(np.float64))

    rows = [
        Contestant("fuzzyseg, with its K-means", lambda: GaussianMixture(init=start).fit(image)),
        *(Contestant("scikit-learn, K-means given", peer, threads=n, share=0.3) for n in (1, 2)),
    ]
    take_turns(rows, repeats)
    ours, theirs = rows[0].result, rows[1].result
    return Table(
        f"Gaussian mixture to convergence, {'x'.join(map(str, image.shape))}",
        "10x, to the same log likelihood",
        f"Mean log likelihood of a voxel: ours {-ours.objective_:.6f}, scikit-learn "
        f"{theirs.score(y.astype(np.float64)):.6f}. Iterations: ours {ours.n_iter_}, nearly all "
        f"on the histogram; scikit-learn {theirs.n_iter_}.",
        rows,
    )


def working_memory(work: Callable[[], Any], result_bytes: int) -> str:
    """Growth of the process's peak memory over `work`, less its result, in words (Linux only)."""
    clear, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not clear.exists():
        return "an amount not measured on this system"

    def kilobytes(key: str) -> int:
        return int(next(x for x in status.read_text().splitlines() if x.startswith(key)).split()[1])

    work()  # compiled and loaded
    ctypes.CDLL(None).malloc_trim(0)  # gives freed memory back, so that taking it again shows
    clear.write_text("5")  # resets the peak
    before = kilobytes("VmRSS:")
    kept = work()
    grown = (kilobytes("VmHWM:") - before) * 1024 - result_bytes
    del kept
    return f"{grown / 1e6:.0f} MB"


def first_use() -> str:
    """Time the first clustering of a process, with an empty and with a filled cache."""
    program = (
        "import time; start = time.perf_counter()\n"
        "import numpy as np; from fuzzyseg.clustering import RFCM, KMeans\n"
        "image = np.random.default_rng(0).random((8, 8, 8), np.float32)\n"
        "v = KMeans().fit(image).cluster_centers_\n"
        "RFCM(init=v, move_centres=False).fit(image)\n"
        "print(time.perf_counter() - start, time.process_time())"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", program]
        (empty, empty_cpu), (filled, filled_cpu) = (
            map(float, subprocess.check_output(command, env=environment).split()) for _ in range(2)
        )
    return (
        "First use in a process of K-means and then robust fuzzy c-means at q = 2, as `fuzzyseg "
        f"segment` does, imports included: {empty:.1f} s, {empty_cpu:.1f} s of them computing, "
        f"with an empty cache (compiles; required: under 10 s); {filled:.1f} s "
        f"({filled_cpu:.1f} s) with a filled one."
    )


def run(repeats: int) -> list[Table]:
    """Run every comparison."""
    volume, plane = bone_spect_like(), bone_spect_like((192, 192, 9), 12)[..., 4]
    return [
        fcm(volume, repeats, 2 / repeats, 1, "500x"),
        fcm(np.ascontiguousarray(plane), max(repeats, 11), 0.5, 20, "200x"),
        rfcm(volume, 3 * repeats),
        k_means(volume, repeats),
        mixture(volume, repeats),
    ]


def digits(x: float) -> str:
    """Three digits, without an exponent."""
    return f"{x:.3g}" if x < 1000 else f"{x:.0f}"


def main() -> None:
    """Print the tables as Markdown."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(
        "Images are bone-SPECT-like, float32, made by code from a fixed seed; 3 classes, q = 2. "
        "Wall and process milliseconds: median (minimum). Times ours: by the medians of wall time "
        "(by the minima of process time, which hardly feel what else runs on the machine).\n"
    )
    for table in run(repeats):
        print(f"**{table.title}** (required: {table.required})\n")
        print("| contestant | threads | turns | wall ms | process ms | times ours |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        wall, cpu = median(table.rows[0].wall_ms), min(table.rows[0].cpu_ms)
        for row in table.rows:
            print(
                f"| {row.name} | {row.threads} | {len(row.wall_ms)} "
                f"| {digits(median(row.wall_ms))} ({digits(min(row.wall_ms))}) "
                f"| {digits(median(row.cpu_ms))} ({digits(min(row.cpu_ms))}) "
                f"| {digits(median(row.wall_ms) / wall)} ({digits(min(row.cpu_ms) / cpu)}) |"
            )
        print(f"\n{table.agreement}\n", flush=True)
    print(first_use())


if __name__ == "__main__":
    main()
