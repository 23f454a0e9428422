"""Time the metrics beside surface-distance 0.1 and scikit-learn, in one process and one thread.

    python benchmarks/bench_metrics.py [REPEATS]

Contestants take turns; the table gives medians (minima), the ratio of the medians, the first
of the scores computed, and the largest difference between the two's scores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import surface_distance.metrics as peer
from scipy import ndimage
from sklearn import metrics as sklearn_metrics
from threadpoolctl import threadpool_limits

from fuzzyseg.metrics import overlap, surface_distances, surface_dsc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

SPACING_MM = (4.42, 4.42, 4.42)
# A hair above a whole number of voxels: there both packages see the same elements within.
ONE_VOXEL_MM = 4.42 * (1 + 1e-6)


def bone_like_masks(n: int = 128, seed: int = 0) -> tuple[Mask, Mask]:
    """Make a skeleton of tubes and blobs on an n^3 grid, and a flawed outline of it.

    A spine of vertebrae, twelve pairs of ribs, a sternum and a pelvis of thresholded smooth
    noise; the second is the first moved by half a voxel, with a surface that wavers.
    """
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for _ in range(3)), indexing="ij")

    def skeleton(shift: float, waver: NDArray[np.float64]) -> Mask:
        u, v, w = x + shift + waver, y + waver, z + shift
        around = np.hypot(u / 0.75, v / 0.6)
        spacing, drop = 0.14, 0.25 * v
        ribs = np.hypot(around - 1, (np.mod(w - drop, spacing) - spacing / 2) / 0.75) < 0.035
        ribs &= (np.abs(w) < 0.8) & ~((v < 0) & (np.abs(u) < 0.2))
        spine = np.hypot(u, v - 0.55) < 0.12 + 0.03 * np.sin(w * 40)
        sternum = (np.hypot(u / 2, v + 0.6) < 0.05) & (np.abs(w) < 0.6)
        return np.asarray(ribs | spine | sternum)

    marrow = ndimage.gaussian_filter(rng.standard_normal((n, n, n)), 3)
    pelvis = (marrow > marrow.std()) & (z < -0.75) & (np.hypot(x / 0.7, y / 0.5) < 1)
    waver = ndimage.gaussian_filter(rng.standard_normal((n, n, n)), 4)
    waver *= 0.6 * (2 / n) / waver.std()
    truth = skeleton(0.0, np.zeros_like(waver)) | pelvis
    prediction = skeleton(0.5 * 2 / n, waver) | ndimage.binary_dilation(pelvis)
    return prediction, truth


def compare(
    name: str, ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int
) -> dict[str, Any]:
    """Time two contestants in turns, after one run of each that is not counted."""
    scores, peer_scores = np.asarray(ours()), np.asarray(theirs())
    wall: tuple[list[float], list[float]] = ([], [])
    cpu: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for i, contestant in enumerate((ours, theirs)):
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            contestant()
            wall[i].append(1e3 * (time.perf_counter() - wall_start))
            cpu[i].append(1e3 * (time.process_time() - cpu_start))
    return {
        "name": name,
        "ours_ms": median(wall[0]),
        "ours_min_ms": min(wall[0]),
        "ours_cpu_ms": median(cpu[0]),
        "peer_ms": median(wall[1]),
        "peer_min_ms": min(wall[1]),
        "peer_cpu_ms": median(cpu[1]),
        "ratio": median(wall[1]) / median(wall[0]),
        "score": float(scores.flat[0]),
        "difference": float(np.max(np.abs(scores - peer_scores))),
    }


def run(repeats: int) -> list[dict[str, Any]]:
    """Run every comparison; one dictionary of figures each."""
    prediction, truth = bone_like_masks()
    labels_p, labels_t = (bone_like_labels(mask) for mask in (prediction, truth))

    def peer_distances() -> dict[str, Any]:
        return peer.compute_surface_distances(truth, prediction, SPACING_MM)

    def peer_dsc(tolerance_mm: float) -> float:
        return peer.compute_surface_dice_at_tolerance(peer_distances(), tolerance_mm)

    def our_dsc(tolerance_mm: float) -> float:
        return surface_dsc(prediction, truth, spacing_mm=SPACING_MM, tolerance_mm=tolerance_mm)

    def peer_all() -> tuple[float, ...]:
        found = peer_distances()
        dsc = peer.compute_surface_dice_at_tolerance(found, ONE_VOXEL_MM)
        hd95 = peer.compute_robust_hausdorff(found, 95)
        return dsc, hd95, *peer.compute_average_surface_distance(found)

    def our_all() -> tuple[float, ...]:
        found = surface_distances(prediction, truth, spacing_mm=SPACING_MM)
        means = found.mean_truth_to_prediction_mm(), found.mean_prediction_to_truth_mm()
        return found.dsc(ONE_VOXEL_MM), found.hausdorff_mm(95), *means

    def our_overlap() -> tuple[Any, ...]:
        found = overlap(labels_p, labels_t, n_classes=3)
        return found.precision, found.recall, found.dsc, found.iou

    def peer_overlap() -> tuple[Any, ...]:
        t, p = labels_t.ravel(), labels_p.ravel()
        scores = sklearn_metrics.precision_recall_fscore_support(t, p, labels=[0, 1, 2])
        return *scores[:3], sklearn_metrics.jaccard_score(t, p, labels=[0, 1, 2], average=None)

    def peer_matrix() -> tuple[Any, ...]:
        m = sklearn_metrics.confusion_matrix(labels_t.ravel(), labels_p.ravel())
        both, t, p = np.diag(m), m.sum(axis=1), m.sum(axis=0)
        return both / p, both / t, 2 * both / (t + p), both / (t + p - both)

    with threadpool_limits(1), warnings.catch_warnings():
        # surface-distance 0.1 calls scipy by names that were moved.
        warnings.filterwarnings("ignore", "Please (use|import) .*", DeprecationWarning)
        return [
            compare(
                "surface DSC, tolerance 1 voxel | surface-distance 0.1",
                lambda: our_dsc(ONE_VOXEL_MM),
                lambda: peer_dsc(ONE_VOXEL_MM),
                repeats,
            ),
            compare(
                "surface DSC, tolerance 2 voxels | surface-distance 0.1",
                lambda: our_dsc(2 * ONE_VOXEL_MM),
                lambda: peer_dsc(2 * ONE_VOXEL_MM),
                repeats,
            ),
            compare(
                "surface DSC + HD95 + both mean distances | surface-distance 0.1",
                our_all,
                peer_all,
                repeats,
            ),
            compare(
                "DSC, recall, precision, IoU, 3 classes | scikit-learn's scores",
                our_overlap,
                peer_overlap,
                repeats,
            ),
            compare(
                "DSC, recall, precision, IoU, 3 classes | scikit-learn's confusion_matrix",
                our_overlap,
                peer_matrix,
                repeats,
            ),
        ]


def bone_like_labels(mask: Mask) -> NDArray[np.uint8]:
    """Label the bone 1 and, in its lowest third, lesions 2."""
    labels = mask.astype(np.uint8)
    labels[:, :, : mask.shape[2] // 3] *= 2
    return labels


def first_use_seconds() -> tuple[float, float]:
    """Time the first surface DSC of a process: with an empty cache, then with a filled one."""
    program = (
        "import time, numpy as np; from fuzzyseg.metrics import surface_dsc\n"
        "mask = np.ones((4, 4, 4), bool); start = time.perf_counter()\n"
        "surface_dsc(mask, mask, spacing_mm=(1, 1, 1), tolerance_mm=1)\n"
        "print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", program]
        empty, filled = (
            float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
            for _ in range(2)
        )
    return empty, filled


def main() -> None:
    """Print the table as Markdown."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    prediction, truth = bone_like_masks()
    found = surface_distances(prediction, truth, spacing_mm=SPACING_MM)
    elements = found.prediction_areas.size, found.truth_areas.size
    print(
        f"Two bone-like masks of {'x'.join(map(str, truth.shape))} voxels, {truth.mean():.1%} "
        f"inside, {elements[0]} and {elements[1]} surface elements "
        f"({found.truth_areas.sum() / 100:.0f} cm^2 of true surface); {repeats} repeats, "
        "one thread.\n"
    )
    print("| task, against | ours ms (min) | peer ms (min) | ratio | CPU ms | score | difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in run(repeats):
        print(
            f"| {row['name'].replace(' | ', ', ')} "
            f"| {row['ours_ms']:.1f} ({row['ours_min_ms']:.1f}) "
            f"| {row['peer_ms']:.0f} ({row['peer_min_ms']:.0f}) "
            f"| {row['ratio']:.0f} "
            f"| {row['ours_cpu_ms']:.1f} / {row['peer_cpu_ms']:.0f} "
            f"| {row['score']:.4f} | {row['difference']:.0e} |"
        )
    empty, filled = first_use_seconds()
    print(
        f"\nFirst surface DSC of a process, importing numba included: {empty:.1f} s with an empty "
        f"cache (compiles), {filled:.1f} s with a filled one."
    )


if __name__ == "__main__":
    main()
