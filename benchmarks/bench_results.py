"""From memberships to files: a study of 128 x 128 x 200 voxels and 60 lesions, with its CT.

    python benchmarks/bench_results.py

Measures, DICOM results, pictures and the report, as `fuzzyseg segment` writes them for DICOM after
the network. A fixed compression of 64 MB beside them tells how busy the machine was: alone, wall
and process time are equal.
"""

from __future__ import annotations

import sys
import tempfile
import time
import zlib
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from fuzzyseg.io import (
    DicomPatient,
    DicomStudy,
    Injection,
    SpectAcquisition,
    read_study,
    write_ct_series,
    write_nm,
)
from fuzzyseg.io.output import to_json
from fuzzyseg.io.results.formats import default_formats, write_results
from fuzzyseg.quantification import Measuring, document, lesions_csv, measures_of, quantify
from fuzzyseg.report import write_preview
from fuzzyseg.report.page import write_report
from fuzzyseg.resample import align
from fuzzyseg.segmentation import summary
from fuzzyseg.volume import Provenance, Segmentation, Study, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE, WIDTH_MM, LESIONS = (128, 128, 200), 4.42, 60
CT_STEP = 2  # CT voxels a SPECT voxel, along each axis
STARTED = datetime(2026, 1, 1, 12)
REQUIRED_S = 6.0


def memberships() -> np.ndarray:
    """Soft memberships, float32 (3, *SHAPE), of balls of lesion in a lattice of bone."""
    rng = np.random.default_rng(0)
    x, y, z = np.ogrid[tuple(slice(n) for n in SHAPE)]
    bone = (((x // 8) % 3 == 0) | ((y // 8) % 4 == 0)) & ((x - 64) ** 2 + (y - 64) ** 2 < 40**2)
    lesion = np.zeros(SHAPE, np.float32)
    cells = [(a, b, c) for a in (40, 56, 72, 88) for b in (52, 64, 76) for c in range(20, 190, 34)]
    for at in cells[:LESIONS]:
        near = tuple(slice(i - 8, i + 9) for i in at)
        radius = rng.uniform(1.2, 4.5)
        away = np.sqrt((x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2)[near]
        lesion[near] = np.maximum(lesion[near], 1 / (1 + np.exp(3 * (away - radius))))
    other = ndimage.gaussian_filter((bone | (0 * z > 0)).astype(np.float32), 1.0) * (1 - lesion)
    return np.stack([1 - lesion - other, other, lesion]).astype(np.float32)


def dicom_study(folder: Path, u: np.ndarray) -> Study:
    """Write a SPECT (NM) and a CT series of these memberships, and read them as users' are."""
    rng = np.random.default_rng(1)
    activity = 1e3 * ((u[0] > 0.5) * 0.2 + 3 * u[1] + 20 * u[2]).astype(np.float32)
    image = ndimage.gaussian_filter(activity, 1.2) * rng.normal(1, 0.05, SHAPE).astype(np.float32)
    affine = np.diag([WIDTH_MM, WIDTH_MM, WIDTH_MM, 1.0])
    density = np.kron(40 + 400 * u[1] + 700 * u[2], np.ones((CT_STEP,) * 3, np.float32))
    hu = (density + rng.normal(0, 20, density.shape)).astype(np.float32)
    fine = np.diag([*[WIDTH_MM / CT_STEP] * 3, 1.0])
    fine[:3, 3] = (WIDTH_MM / CT_STEP - WIDTH_MM) / 2
    who = DicomPatient("BENCH^MARK", "B-1", weight_kg=80.0)
    visit = DicomStudy(seed="benchmark", started=STARTED, equipment="none")
    write_nm(
        folder / "spect.dcm",
        Volume(image, affine, "NM", "Bq/mL"),
        patient=who,
        study=visit,
        acquisition=SpectAcquisition(started=STARTED, views=120, view_seconds=15.0),
        injection=Injection(activity_mbq=700.0, given=STARTED - timedelta(hours=3)),
    )
    write_ct_series(folder / "ct", Volume(hu, fine, "CT", "HU"), patient=who, study=visit)
    return read_study(folder / "spect.dcm", folder / "ct", headers=True)


def main() -> None:
    """Print a table of wall and process seconds."""
    taken: dict[str, tuple[float, float]] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        wall, process = time.perf_counter(), time.process_time()
        yield
        taken[name] = (time.perf_counter() - wall, time.process_time() - process)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        u = memberships()
        study = dicom_study(folder, u)
        ct, study = study.beside, align(study)
        labels = u.argmax(0).astype(np.uint8)
        names = ("background", "bone", "lesion")
        result = Segmentation(u, labels, names, study.image, Provenance("drawn"))
        block = np.random.default_rng(2).integers(0, 8, 64_000_000, np.uint8).tobytes()
        out = folder / "out"
        out.mkdir()
        with timed("compression of 64 MB, to compare"):
            zlib.compress(block, 1)
        with timed("measures, with partial-volume correction"):
            measured = quantify(result, ct=ct, measuring=Measuring(resolution_mm=8.0))
        told = measures_of(measured)
        for name in default_formats(study.image):
            with timed(f"`{name}`"):
                write_results(out, result, (name,), measured=told)
        with timed("`preview.png`"):
            write_preview(out / "preview.png", result)
        with timed("`lesions.csv`, `summary.json`"):
            (out / "lesions.csv").write_text(lesions_csv(measured), encoding="utf-8")
            found = document(measured, result.volume)
            (out / "summary.json").write_text(to_json(found), encoding="utf-8")
        with timed("`report.html`"):
            write_report(
                out / "report.html", result, measured, ct=study.beside, described=summary(result)
            )
        size = (out / "report.html").stat().st_size / 1e6
    steps = [seconds for name, seconds in taken.items() if "to compare" not in name]
    wall, process = (sum(each) for each in zip(*steps, strict=True))
    lines = [
        f"| {LESIONS} lesions, {len(measured.lesions)} measured | wall s | process s |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {w:.2f} | {p:.2f} |" for name, (w, p) in taken.items()),
        f"| all but that (required: under {REQUIRED_S:g} s) | {wall:.2f} | {process:.2f} |",
        "",
        f"The report has {size:.1f} MB.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
