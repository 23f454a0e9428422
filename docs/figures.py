"""Make the pictures of docs/simulation.md.

    python docs/figures.py COHORT [--scan PLANAR.dcm] [--xcat PHANTOM.nii.gz]

COHORT is a folder that `fuzzyseg simulate` wrote. The planar bone scan and the XCAT-derived
phantom are not part of the project; without them their panels are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from matplotlib.figure import Figure

from fuzzyseg.io import read_nifti
from fuzzyseg.simulation.patient import draw_patient
from fuzzyseg.simulation.patient_settings import PatientSettings

IMAGES = Path(__file__).parent / "images"


def draw(path: Path, panels: list[tuple[str, np.ndarray, float, float]], rows: int = 1) -> None:
    """Draw panels: title, picture (right, up), height over width of a pixel, black percentile."""
    columns = -(-len(panels) // rows)
    figure = Figure(figsize=(2.2 * columns, 4.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, picture, aspect, percentile) in zip(axes.flat, panels, strict=False):
        high = np.percentile(picture, percentile)
        axis.imshow(picture[::-1, ::-1].T, cmap="gray_r", vmin=0, vmax=high, aspect=aspect)
        axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=100, facecolor="white")


def patients(cohort: Path, scan: Path | None) -> None:
    """Anterior MIPs of simulated SPECT, beside a real planar scan."""
    panels = []
    if scan is not None:
        picture = pydicom.dcmread(scan).pixel_array.astype(float)
        panels.append(("real planar scan", picture[::-1, ::-1].T, 1.0, 99.5))
    for folder in sorted(cohort.glob("patient-*"))[:12]:
        spect = read_nifti(folder / "spect.nii.gz").array
        panels.append((folder.name, spect.max(axis=1), 1.0, 99.7))
    draw(IMAGES / f"patients-{cohort.name}.png", panels, rows=2)


def phantom(xcat: Path | None) -> None:
    """Bone of the parametric phantom from the front and the side, beside the XCAT-derived one."""
    panels = []
    for seed in (1, 4):
        patient = draw_patient(seed, PatientSettings(voxel_mm=3.0, arms="down", n_lesions=0))
        bone = (patient.attenuation * (patient.labels > 0)).sum(axis=1)
        side = (patient.attenuation * (patient.labels > 0)).sum(axis=0)
        panels += [(f"phantom, seed {seed}", bone, 1.0, 99.8), ("from its left", side, 1.0, 99.8)]
    if xcat is not None:
        image = np.asarray(nibabel.load(xcat).dataobj[::3, ::3, 740::3]) == 7
        # Its voxels run to the left and to the back, whatever the header says.
        image = image[::-1, ::-1].astype(float)
        panels += [("XCAT-derived", image.sum(axis=1), 1.0, 99.8)]
        panels += [("from its left", image.sum(axis=0), 1.0, 99.8)]
    draw(IMAGES / "phantom.png", panels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cohort", type=Path, nargs="*")
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--xcat", type=Path)
    given = parser.parse_args()
    for folder in given.cohort:
        patients(folder, given.scan)
    phantom(given.xcat)
