"""Print how well every clustering does on cohorts, SPECT alone and with CT (docs/clustering.md).

    python benchmarks/methods_table.py COHORT...

Means over patients weighted by true volume, eq. 22 of Chen et al. 2021; surface DSC a plain mean.
Default settings: the body, fixed centres. Each cell is SPECT alone / with CT.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import evaluate, plain_mean, volume_weighted_mean
from fuzzyseg.resample import resample
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.segmentation.methods import clustering_methods
from fuzzyseg.volume import Study

NAMES = ("background", "bone", "lesion")


def table(cohort: Path) -> None:
    scores: dict[str, tuple[list, list]] = {name: ([], []) for name in clustering_methods()}
    patients = sorted(cohort.glob("patient-*"))
    for folder in patients:
        spect = read_nifti(folder / "spect.nii.gz", "NM", "Bq/mL")
        ct = resample(read_nifti(folder / "ct.nii.gz", "CT"), spect)
        truth = read_nifti(folder / "labels.nii.gz").array.astype("uint8")
        for name, rows in scores.items():
            for given, found in zip((None, ct), rows, strict=True):
                labels = segment(Study(spect=spect, ct=given), Settings(method=name)).labels
                spacing = spect.spacing_mm
                found.append(evaluate(labels, truth, spacing_mm=spacing, class_names=NAMES).rows)
    print(f"{len(patients)} patients of {cohort.name}, SPECT alone / with CT\n")
    print("| method | bone DSC | lesion DSC | bone surface DSC | lesion surface DSC |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, rows in scores.items():
        cells = [" / ".join(f"{summary(found)[i]:.2f}" for found in rows) for i in range(4)]
        print(f"| `{name}` | " + " | ".join(cells) + " |", flush=True)
    print()


def summary(rows: list) -> list[float]:
    """DSC of bone and lesion, then their surface DSC."""
    overlap = []
    for k in (0, 1):
        volumes = [patient[k].truth_ml for patient in rows]
        overlap.append(volume_weighted_mean([p[k].dsc for p in rows], volumes).estimate)
    return overlap + [plain_mean([p[k].surface_dsc for p in rows]).estimate for k in (0, 1)]


if __name__ == "__main__":
    for path in sys.argv[1:]:
        table(Path(path))
