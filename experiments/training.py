"""Train every loss with several seeds and print how they do (docs/results.md).

    python experiments/training.py OUT TRAIN HELD_OUT SHIFTED [--steps 500] [--seeds 3] [--jobs 2]

TRAIN, HELD_OUT and SHIFTED are cohorts of `fuzzyseg simulate`. Runs go to OUT and are kept: what
was trained is not trained again, what was broken off goes on. Scores are volume-weighted means of
the DSC (eq. 22 of Chen et al. 2021), of a mean over seeds, with the lowest and highest seed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import evaluate
from fuzzyseg.models.model_files import load_model
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.training.validate import mean_scores
from fuzzyseg.volume import Volume

NOISE = 0.01  # of the image scaled to [0, 1]
COMMON = ["--spect", "body", "--patch", "48", "--lr", "0.01", "--planes", "transverse"]
RUNS = {
    "L_RFCM": ["--loss", "rfcm"],
    "L_MS": ["--loss", "ms"],
    "L_FCM_label": ["--loss", "fcm-label", "--lesions", "0.3", "--bright", "0.3"],
    "L_CE": ["--loss", "ce", "--lesions", "0.3", "--bright", "0.3"],
    "L_DSC": ["--loss", "dice", "--lesions", "0.3", "--bright", "0.3"],
    "L_semi-RFCM": ["--loss", "semi-rfcm", "--lesions", "0.3", "--bright", "0.3"],
    "L_semi-MS": ["--loss", "semi-ms", "--lesions", "0.3", "--bright", "0.3"],
}
CLASSICAL = {
    "fixed thresholds": Settings(method="threshold"),
    "FCM": Settings(method="fcm"),
    "RFCM": Settings(method="rfcm"),
}


def train(out: Path, cohort: Path, name: str, seed: int, steps: int) -> Path:
    """Train one network, unless its model is there."""
    run = out / f"{name}-{seed}"
    if not (run / "model.json").exists():
        options = [*RUNS[name], *COMMON, "--seed", str(seed), "--steps", str(steps)]
        command = [sys.executable, "-m", "fuzzyseg.cli.main", "train", str(cohort), "-o", str(run)]
        one_thread = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        subprocess.run(
            [*command, "--resume", "--quiet", *options],
            check=True,
            env=os.environ | one_thread,
        )
    return run / "model.json"


def cohort_cases(cohort: Path, noise: float = 0.0) -> list[tuple[Volume, np.ndarray]]:
    """SPECT and truth of each patient."""
    found = []
    for number, folder in enumerate(sorted(cohort.glob("patient-*"))):
        spect = read_nifti(folder / "spect.nii.gz", "NM", "Bq/mL")
        if noise:
            rng = np.random.default_rng(number)
            grain = rng.standard_normal(spect.shape, dtype=np.float32)
            noisy = spect.array + np.float32(noise * np.ptp(spect.array)) * grain
            spect = Volume(noisy, spect.affine, "NM", "Bq/mL")
        truth = read_nifti(folder / "labels.nii.gz").array.astype(np.uint8)
        found.append((spect, truth))
    return found


def scores(settings: Settings, cases: list[tuple[Volume, np.ndarray]]) -> list[float]:
    """DSC and surface DSC of bone and lesion."""
    patients = [
        evaluate(
            segment(spect, settings).labels,
            truth,
            spacing_mm=spect.spacing_mm,
            class_names=CLASSES,
        )
        for spect, truth in cases
    ]
    found = mean_scores(patients)
    return [found[name][what] or 0.0 for name in CLASSES[1:] for what in ("dsc", "surface_dsc")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("out", "train", "held_out", "shifted"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    work = [(name, seed) for seed in range(given.seeds) for name in RUNS]
    with ThreadPoolExecutor(given.jobs) as pool:
        paths = list(
            pool.map(lambda job: train(given.out, given.train, job[0], job[1], given.steps), work)
        )
    sets = {
        "held-out": cohort_cases(given.held_out),
        "held-out, noise": cohort_cases(given.held_out, NOISE),
        "shifted": cohort_cases(given.shifted),
    }
    methods = {name: [settings] for name, settings in CLASSICAL.items()}
    for (name, _), path in zip(work, paths, strict=True):
        model = Settings(method="model", model=str(load_model(path) and path))
        methods.setdefault(name, []).append(model)
    print("| method | set | bone DSC | bone surface | lesion DSC | lesion surface |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, settings in methods.items():
        for where, cases in sets.items():
            found = np.array([scores(one, cases) for one in settings])
            cells = [
                f"{mean:.2f}" + (f" ({low:.2f} to {high:.2f})" if len(found) > 1 else "")
                for mean, low, high in zip(found.mean(0), found.min(0), found.max(0), strict=True)
            ]
            print(f"| {name} | {where} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
