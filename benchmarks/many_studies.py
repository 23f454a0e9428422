"""Measure what a study of a cohort costs a worker: the first and later ones, memory, files.

    fuzzyseg simulate -o COHORT --patients 3 --seed 1 --views 60 --no-fine --dicom
    python benchmarks/many_studies.py COHORT [KIND ...]

Each kind of study is computed in a process of its own, with one thread, one patient after the
other, three times. Seconds are of process time, which hardly feels what else runs on the machine.
A draft's CT is as coarse as its SPECT; a "fine" one is the same on as many voxels as a clinic's.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import nibabel as nib
import numpy as np

from fuzzyseg.batch.many import Batch, run_one
from fuzzyseg.batch.one import How
from fuzzyseg.batch.source import Source
from fuzzyseg.jobs.processes import SPAWN, one_thread
from fuzzyseg.segmentation.settings import Settings

MIB = 2**20
TURNS = 3
PARTS = 4, 4, 2  # along x, y, z


def fine_ct(patient: Path, folder: Path) -> None:
    """Write the CT with its voxels cut into 4 x 4 x 2: of 4.4 mm into 1.1 x 1.1 x 2.2 mm."""
    image = nib.load(patient / "ct.nii.gz")
    hu = np.asarray(image.dataobj).astype(np.int16)
    for axis, parts in enumerate(PARTS):
        hu = hu.repeat(parts, axis)
    affine = image.affine @ np.diag([*(1 / n for n in PARTS), 1])
    affine[:3, 3] -= image.affine[:3, :3] @ [(n - 1) / (2 * n) for n in PARTS]
    nib.save(nib.Nifti1Image(hu, affine), folder / f"{patient.name}-ct.nii")


def sources(patient: Path, scratch: Path) -> dict[str, tuple[Source, Settings]]:
    """Kinds of studies of one simulated patient."""
    learned, fuzzy = Settings(jobs=1), Settings(method="rfcm", jobs=1)
    spect, ct, name = patient / "spect.nii.gz", patient / "ct.nii.gz", patient.name
    return {
        "SPECT": (Source(name, spect, modality="NM"), learned),
        "SPECT, rfcm": (Source(name, spect, modality="NM"), fuzzy),
        "SPECT + CT": (Source(name, spect, ct), learned),
        "SPECT + CT, DICOM": (Source(name, patient / "dicom"), learned),
        "SPECT + fine CT": (Source(name, spect, scratch / f"{name}-ct.nii"), learned),
        "fine CT": (Source(name, scratch / f"{name}-ct.nii", modality="CT"), learned),
    }


def files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def measure(kind: str, patients: list[Path], scratch: Path) -> None:
    """Print a row of the table; the whole life of a worker."""
    rows = []
    for turn in range(TURNS):
        for patient in patients:
            source, settings = sources(patient, scratch)[kind]
            how = How(settings)
            place = Batch((), scratch, how).place(replace(source, name=f"{turn}{source.name}"))
            before = time.process_time()
            run_one(source, place, how)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append((time.process_time() - before, memory))
    (first, memory), *later = rows
    seconds = median(row[0] for row in later)
    images = [path for path in (source.image, source.ct) if path is not None]
    given = [file for path in images for file in files(path)]
    written = files(place.folder)
    print(
        f"| {kind} | {first:.1f} | {seconds:.1f} | {2 * 3600 / seconds:.0f} | {memory:.0f} "
        f"| {later[-1][1]:.0f} | {size(given) / MIB:.1f} in {len(given)} "
        f"| {size(written) / MIB:.1f} in {len(written)} |",
        flush=True,
    )


def main() -> None:
    patients = sorted(Path(sys.argv[1]).glob("patient-*"))
    print(
        "| study | first s | later s | per hour on 2 cores | MiB after one | MiB after all | "
        "MiB read, files | MiB written, files |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for kind in sys.argv[2:] or sources(patients[0], Path()):
        with tempfile.TemporaryDirectory() as scratch, one_thread():
            for patient in patients if "fine" in kind else []:
                fine_ct(patient, Path(scratch))
            worker = SPAWN.Process(target=measure, args=(kind, patients, Path(scratch)))
            worker.start()
            worker.join()


if __name__ == "__main__":
    main()
