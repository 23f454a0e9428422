"""Print how well each method does on a simulated cohort (docs/clustering.md, docs/results.md).

    python experiments/methods.py COHORT

Means over patients weighted by true volume, eq. 22 of Chen et al. 2021; surface DSC a plain mean.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fuzzyseg.conventions import CLASSES
from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import evaluate, plain_mean, volume_weighted_mean
from fuzzyseg.resample import resample
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Study

CASES = {
    "thresholds, 2% and 42% of the maximum": (Settings(method="threshold"), False),
    "Gaussian mixture": (Settings(method="gmm"), False),
    "FCM, free centres, whole volume": (
        Settings(method="fcm", centres="free", mask=False),
        False,
    ),
    "FCM, free centres": (Settings(method="fcm", centres="free"), False),
    "RFCM, free centres": (Settings(method="rfcm", centres="free"), False),
    "K-means": (Settings(method="kmeans"), False),
    "RFCM": (Settings(method="rfcm"), False),
    "RFCM, with CT": (Settings(method="rfcm"), True),
    "bundled model, unsupervised": (Settings(model="spect-unsupervised"), False),
    "bundled model": (Settings(model="spect"), False),
    "bundled model, with CT": (Settings(model="spect-ct"), True),
}


def main(cohort: Path) -> None:
    scores: dict[str, list] = {name: [] for name in CASES}
    patients = sorted(cohort.glob("patient-*"))
    for folder in patients:
        spect = read_nifti(folder / "spect.nii.gz", "NM", "Bq/mL")
        ct = resample(read_nifti(folder / "ct.nii.gz", "CT"), spect)
        truth = read_nifti(folder / "labels.nii.gz").array.astype("uint8")
        for name, (settings, with_ct) in CASES.items():
            found = segment(Study(spect=spect, ct=ct if with_ct else None), settings)
            scores[name].append(
                evaluate(
                    found.labels,
                    truth,
                    spacing_mm=spect.spacing_mm,
                    class_names=CLASSES,
                ).rows
            )
    print(f"{len(patients)} patients of {cohort.name}\n")
    print("| method | bone DSC | lesion DSC | bone surface DSC | lesion surface DSC |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, rows in scores.items():
        cells = []
        for k in (0, 1):
            volumes = [patient[k].truth_ml for patient in rows]
            cells.append(volume_weighted_mean([p[k].dsc for p in rows], volumes).estimate)
        cells += [plain_mean([p[k].surface_dsc for p in rows]).estimate for k in (0, 1)]
        print(f"| {name} | " + " | ".join(f"{c:.2f}" for c in cells) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
