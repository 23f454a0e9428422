"""Volume and activity of true lesions over what a segmentation measures, by size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.quantification.around import REACH_MM, nearest_lesion
from fuzzyseg.quantification.partial_volume import REACH_FWHM, recovered
from fuzzyseg.quantification.pieces import components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.experiments.quantification.truth import Truth
    from fuzzyseg.volume import Segmentation

SIZES_MM = (0.0, 12.0, 18.0, 24.0, 1000.0)
COLUMNS = (
    "volume, hard", "volume, fuzzy", "activity, hard", "activity, fuzzy", "GTM", "RBV",
)  # fmt: skip


@dataclass(frozen=True)
class Recovery:
    """One true lesion: diameter of the sphere of its volume, and measured over true by column."""

    diameter_mm: float
    found: bool
    ratios: tuple[float, ...]


def recoveries(segmentation: Segmentation, truth: Truth, fwhm_mm: float) -> list[Recovery]:
    """Compare a segmentation of a simulated patient's SPECT with the truth.

    Of each true lesion, in the voxels that are nearest to it and no further than 10 mm from it.
    """
    volume, u = segmentation.volume, segmentation.memberships
    hard, spacing = segmentation.labels == 2, volume.spacing_mm
    pieces = components(truth.labels == 2, volume.affine)
    owner, distance = nearest_lesion(pieces.labels, spacing)
    margin = np.ceil((REACH_MM + REACH_FWHM * fwhm_mm) / np.array(spacing)).astype(int)
    rows = []
    for number, voxels in enumerate(pieces.voxels, start=1):
        at = np.argwhere(pieces.labels == number)
        low, high = np.maximum(at.min(axis=0) - margin, 0), at.max(axis=0) + margin + 1
        x, y, z = (slice(a, b) for a, b in zip(low, high, strict=True))
        box = x, y, z
        own = (owner[box] == number) & (distance[box] <= REACH_MM)
        image, inside = volume.array[box].astype(float), hard[box] & own
        soft = np.where(own, u[2, *box], 0).astype(float)
        total = float(truth.activity[tuple(at.T)].sum(dtype=float))
        fixed = recovered(image, u[:, *box], own, 2, fwhm_mm, spacing)
        ratios = (
            inside.sum() / voxels,
            soft.sum() / voxels,
            image[inside].sum() / total,
            np.vdot(image, soft) / total,
            fixed.by_matrix / total,
            fixed.by_voxel / total,
        )
        diameter = float(np.cbrt(6000 * voxels * volume.voxel_volume_ml / np.pi))
        rows.append(Recovery(diameter, bool(inside.any()), tuple(map(float, ratios))))
    return rows


def table(found: Sequence[Recovery]) -> str:
    """Markdown table of medians over the found lesions and quartiles, by diameter."""
    lines = [
        f"| diameter, mm | lesions | found | {' | '.join(COLUMNS)} |",
        "| --- |" + " ---: |" * (2 + len(COLUMNS)),
    ]
    for low, high in itertools.pairwise(SIZES_MM):
        rows = [r for r in found if low <= r.diameter_mm < high]
        seen = np.array([r.ratios for r in rows if r.found])
        cells = ["-"] * len(COLUMNS)
        if len(seen):
            first, middle, third = np.percentile(seen, (25, 50, 75), axis=0)
            cells = [
                f"{m:.2f} [{a:.2f}, {b:.2f}]" for a, m, b in zip(first, middle, third, strict=True)
            ]
        name = f"{low:g} to {high:g}" if high < SIZES_MM[-1] else f"from {low:g}"
        lines.append(f"| {name} | {len(rows)} | {len(seen)} | {' | '.join(cells)} |")
    return "\n".join(lines)
