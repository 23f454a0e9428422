"""Time the simulator beside pytomography 3.4.0, in one process and one thread.

    python benchmarks/bench_simulation.py [REPEATS]

Projections: contestants take turns on the same 128^3 problem with attenuation and response, the
field of view full; medians (minima) of a view forward and back, and how far the projections are
apart. Without pytomography its columns are empty. Then one patient, start to end, with the
largest memory that the process has held.
"""

from __future__ import annotations

import importlib.util
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.simulation.scanner.geometry import collapse, make_orbit
from fuzzyseg.simulation.scanner.projector import Projector
from fuzzyseg.simulation.scanner.protocol import ReconstructionSettings
from fuzzyseg.simulation.scanner.reconstruction import reconstruct
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.scanner.scan import acquire

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

VIEWS = 6  # timed together
RESPONSE = PROTOCOLS["discovery670"].response
PATIENT_VIEWS = 60
TARGET_RATIO = 15.0
TARGET_SECONDS = 40.0
TARGET_GB = 3.0


def problem(n: int = 128, voxel_cm: float = 0.44) -> tuple[Array, Array, NDArray[np.float64], Any]:
    """Random activity in a water body that fills the field of view; angles in degrees, orbit."""
    x = (np.arange(n) - (n - 1) / 2) * voxel_cm
    body = np.hypot(x[:, None], x[None, :]) < n * voxel_cm / 2 - voxel_cm
    rng = np.random.default_rng(0)
    smooth = rng.random((n // 8, n // 8, n // 8)).repeat(8, 0).repeat(8, 1).repeat(8, 2)
    image = (smooth * body[..., None]).astype(np.float32)
    mu = (0.15 * body[..., None] * np.ones(n)).astype(np.float32)
    orbit = make_orbit(body, voxel_cm, VIEWS, "circular", 1.0)
    return image, mu, np.rad2deg(orbit.angles_rad), orbit


def pytomography_matrix(
    mu: Array, degrees: NDArray[np.float64], radii: NDArray[np.float64], voxel_cm: float
) -> Any:
    """System matrix of pytomography with the same physics."""
    import torch
    from pytomography.metadata.SPECT import SPECTObjectMeta, SPECTProjMeta, SPECTPSFMeta
    from pytomography.projectors.SPECT import SPECTSystemMatrix
    from pytomography.transforms.SPECT import SPECTAttenuationTransform, SPECTPSFTransform

    torch.set_num_threads(1)
    psf = SPECTPSFMeta(
        (RESPONSE.slope, RESPONSE.at_face_cm, RESPONSE.intrinsic_cm),
        # Its kernels are sampled, ours integrated over pixels: a twelfth of a pixel squared.
        sigma_fit=lambda d, a, b, c: np.sqrt((a * d + b) ** 2 + c**2 + voxel_cm**2 / 12),
        min_sigmas=3.5,
    )
    return SPECTSystemMatrix(
        [SPECTAttenuationTransform(torch.tensor(mu)), SPECTPSFTransform(psf)],
        [],
        SPECTObjectMeta([voxel_cm] * 3, list(mu.shape)),
        SPECTProjMeta(mu.shape[1:], [voxel_cm] * 2, 270 - degrees, radii=radii),
    )


def timed(task: Callable[[], Any]) -> tuple[float, float]:
    """Wall and process time of a task, in ms."""
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)


def projection_rows(repeats: int) -> list[dict[str, Any]]:
    """Forward and back projection of a view, ours and pytomography's."""
    image, mu, degrees, orbit = problem()
    ours = Projector(mu, voxel_cm=0.44, orbit=orbit, response=RESPONSE)
    projections = ours.forward(image)
    tasks: dict[str, list[Callable[[], Any]]] = {
        "forward": [lambda: ours.forward(image)],
        "back": [lambda: ours.back(projections)],
    }
    difference = None
    if importlib.util.find_spec("pytomography") is not None:
        import torch

        theirs = pytomography_matrix(mu, degrees, orbit.radii_cm, 0.44)
        loaded = torch.tensor(image), torch.tensor(projections)
        tasks["forward"].append(lambda: theirs.forward(loaded[0]))
        tasks["back"].append(lambda: theirs.backward(loaded[1]))
        found = theirs.forward(loaded[0]).numpy()
        difference = float(np.linalg.norm(found - projections) / np.linalg.norm(found))
    rows = []
    both: list[list[float]] = [[], []]
    for name, contestants in tasks.items():
        times: list[list[tuple[float, float]]] = [[] for _ in contestants]
        for task in contestants:
            task()
        for _ in range(repeats):
            for task, kept in zip(contestants, times, strict=True):
                kept.append(tuple(t / VIEWS for t in timed(task)))  # type: ignore[arg-type]
        row: dict[str, Any] = {"name": f"{name} projection, a view, 128^3"}
        for who, kept in zip(("ours", "peer"), times, strict=False):
            wall, cpu = zip(*kept, strict=True)
            row |= {f"{who}_ms": median(wall), f"{who}_min_ms": min(wall)}
            row[f"{who}_cpu_ms"] = median(cpu)
            both[who == "peer"].append(median(wall))
        rows.append(row)
    rows.append(
        {"name": "forward + back, a view, 128^3", "ours_ms": sum(both[0]), "difference": difference}
    )
    if both[1]:
        rows[-1]["peer_ms"] = sum(both[1])
    for row in rows:
        row["ratio"] = row["peer_ms"] / row["ours_ms"] if "peer_ms" in row else None
    return rows


def patient_row() -> dict[str, Any]:
    """One patient of 128 x 128 x 200: scan simulated twice as fine, OS-EM 2 x 10, all effects."""
    protocol = replace(
        PROTOCOLS["discovery670"].with_views(PATIENT_VIEWS),
        reconstruction=ReconstructionSettings(iterations=2, subsets=10),
    )
    voxel = protocol.pixel_cm / 2
    x = (np.arange(256) - 127.5) * voxel
    trunk = (x[:, None] / 19) ** 2 + (x[None, :] / 12.5) ** 2 < 1
    spine = np.hypot(x[:, None], x[None, :] + 7) < 2
    activity, mu = (
        np.repeat(plane.astype(np.float32)[..., None], 400, axis=2)
        for plane in (5e3 * trunk + 4.5e4 * spine, 0.15 * trunk + 0.05 * spine)
    )
    start, cpu = time.perf_counter(), time.process_time()
    scan = acquire(activity, mu, voxel_cm=voxel, protocol=protocol)
    acquired = time.perf_counter()
    image = reconstruct(scan, collapse(mu, 2, (0, 1, 2), "mean"))
    done = time.perf_counter()
    truth = float(activity.sum(dtype=np.float64)) / 8
    return {
        "name": f"patient {'x'.join(map(str, image.shape))}, {PATIENT_VIEWS} views",
        "acquire_s": acquired - start,
        "reconstruct_s": done - acquired,
        "total_s": done - start,
        "cpu_s": time.process_time() - cpu,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "recovered": float(image.sum(dtype=np.float64)) / truth,
        "counts_million": float(scan.counts.sum(dtype=np.float64)) / 1e6,
    }


def patient_in_own_process() -> dict[str, Any]:
    """Run `patient_row` where nothing else has used memory, with empty caches of kernels."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, __file__, "--patient"],
            env={**os.environ, "FUZZYSEG_CACHE": cache},
            capture_output=True,
            text=True,
            check=True,
        )
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def run(repeats: int) -> list[dict[str, Any]]:
    """Run every comparison; one dictionary of figures each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytomography's own
        return [*projection_rows(repeats), patient_in_own_process()]


def main() -> None:
    """Print the tables as Markdown."""
    if sys.argv[1:] == ["--patient"]:
        print(json.dumps(patient_row()))
        return
    *rows, patient = run(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
    print("| task | ours ms (min) | pytomography ms (min) | ratio | CPU ms |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for row in rows:
        cells = [
            f"{row[f'{who}_ms']:.1f}"
            + (f" ({row[f'{who}_min_ms']:.1f})" if f"{who}_min_ms" in row else "")
            if f"{who}_ms" in row
            else "not installed"
            for who in ("ours", "peer")
        ]
        cpu = " / ".join(
            f"{row[f'{who}_cpu_ms']:.1f}" for who in ("ours", "peer") if f"{who}_cpu_ms" in row
        )
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.0f}"
        print(f"| {row['name']} | {cells[0]} | {cells[1]} | {ratio} | {cpu} |")
    if rows[-1]["difference"] is not None:
        print(f"\nProjections differ by {rows[-1]['difference']:.2%} (norm of the difference).")
        met = "met" if rows[-1]["ratio"] >= TARGET_RATIO else "MISSED"
        print(f"Required: at least {TARGET_RATIO:.0f} times faster, forward and back: {met}.")
    columns = {
        "scan s": f"{patient['acquire_s']:.1f}",
        "reconstruction s": f"{patient['reconstruct_s']:.1f}",
        "total s": f"{patient['total_s']:.1f}",
        "CPU s": f"{patient['cpu_s']:.1f}",
        "peak GB": f"{patient['peak_gb']:.2f}",
        "recovered": f"{patient['recovered']:.3f}",
        "Mcounts": f"{patient['counts_million']:.1f}",
    }
    print(f"\n| patient | {' | '.join(columns)} |")
    print("| --- |" + " ---: |" * len(columns))
    print(f"| {patient['name']} | {' | '.join(columns.values())} |")
    met = patient["total_s"] < TARGET_SECONDS and patient["peak_gb"] < TARGET_GB
    print(
        f"\nRequired: under {TARGET_SECONDS:.0f} s and {TARGET_GB:.0f} GB: "
        f"{'met' if met else 'MISSED'}. Monte Carlo of the scatter kernels included."
    )


if __name__ == "__main__":
    main()
