"""A cohort: simulated patients as files, made in parallel, resumed where it stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.errors import InputError, TooWideError
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.io.hounsfield import AIR_HU
from fuzzyseg.provenance import now, versions
from fuzzyseg.simulation.geometry import body_footprint, check_field_of_view, collapse
from fuzzyseg.simulation.patient import Patient, draw_patient
from fuzzyseg.simulation.phantom.stand_in import load_phantom
from fuzzyseg.simulation.phantom.table import shipped_tables
from fuzzyseg.simulation.protocol import Protocol, get_protocol
from fuzzyseg.simulation.reconstruction import reconstruct
from fuzzyseg.simulation.scan import Scan, acquire
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.labelled import LabelledVolume

_UNFINISHED = ".unfinished-"
_STUDY_TIME = datetime(2026, 1, 1, 12)  # of every simulated study: files depend on the seed alone
_SEXES: dict[str, Literal["M", "F"]] = {"male": "M", "female": "F"}
_MOST_DRAWS = 50  # of a patient that fits into the field of view
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Recipe:
    """What a cohort is made of; with a patient's number it determines every file.

    Parameters
    ----------
    protocol : str
        Key of `fuzzyseg.simulation.protocol.PROTOCOLS`.
    seed : int
    views : int or None
        Projections over 360 degrees; None for the protocol's own.
    vendor : bool
        Reconstruct as a clinical workstation would, rather than by the protocol's default.
    fine : bool
        Draw and scan the patient on voxels finer than the reconstruction's. False takes an
        eighth of the time, for a draft: a reconstruction then inverts the very model that made
        its data, and thin bones are drawn coarsely.
    phantom, labels : str or None
        A labelled volume and its table of tissues, in place of the built-in phantom.
    axial : (float, float)
        Part of the body, from mid-thigh (0) to the vertex (1).
    dicom : bool
        Also write the SPECT as NM multi-frame, and the CT as a series.
    device : {"cpu", "cuda"}
        Where the physics is computed.
    """

    protocol: str = "discovery670"
    seed: int = 0
    views: int | None = None
    vendor: bool = False
    fine: bool = True
    phantom: str | None = None
    labels: str | None = None
    axial: tuple[float, float] = (0.0, 1.0)
    dicom: bool = False
    device: Literal["cpu", "cuda"] = "cpu"


@dataclass(frozen=True, eq=False)
class Simulated:
    """One simulated patient on the grid of the reconstruction.

    Parameters
    ----------
    spect : Volume
        Reconstructed activity, Bq/mL.
    ct : Volume
        HU, on the patient's own, finer grid.
    activity, attenuation : float32 ndarray of shape (X, Y, Z)
        Truth: Bq/mL, and 1/cm at 140 keV.
    labels : uint8 ndarray of shape (X, Y, Z)
        Truth: 0 background, 1 bone, 2 lesion.
    description : dict
        Everything drawn and counted, as JSON can hold it.
    """

    spect: Volume
    ct: Volume
    activity: NDArray[np.float32]
    attenuation: NDArray[np.float32]
    labels: NDArray[np.uint8]
    description: dict[str, Any]


def simulate_patient(recipe: Recipe, number: int) -> Simulated:
    """Draw, scan and reconstruct patient `number` (from 1) of a cohort.

    Raises
    ------
    InputError
        If the recipe or its phantom cannot be used.
    """
    protocol = _protocol(recipe)
    factor = protocol.oversampling if recipe.fine else 1
    voxel_cm = protocol.pixel_cm / factor
    # A patient's seeds depend on its number alone: a longer cohort begins with the shorter one.
    of_patient, of_noise = np.random.SeedSequence([recipe.seed, number]).spawn(2)
    patient = _draw_fitting(of_patient, protocol, factor, recipe)
    scan = acquire(
        patient.activity,
        patient.attenuation,
        voxel_cm=voxel_cm,
        protocol=protocol,
        seed=of_noise,
        device=recipe.device,
    )
    attenuation = _coarser(patient.attenuation, factor)
    settings = protocol.vendor if recipe.vendor else protocol.reconstruction
    image = reconstruct(scan, attenuation, settings=settings, device=recipe.device)
    affine = _coarser_affine(patient.affine, factor)
    name = f"simulated patient {number}"
    return Simulated(
        spect=Volume(image, affine, "NM", "Bq/mL", name),
        ct=Volume(patient.ct, patient.affine, "CT", "HU", name),
        activity=_coarser(patient.activity, factor),
        attenuation=attenuation,
        labels=_majority(patient.labels, factor),
        description={
            "number": number,
            "recipe": asdict(recipe),
            "protocol": asdict(protocol),
            "reconstruction": asdict(settings),
            "patient": patient.parameters,
            "scan": _described(scan),
            "versions": versions(),
        },
    )


def simulate_cohort(
    out: Path,
    patients: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    finish: Callable[[Path, Simulated], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write patients 1 to `patients` to folders of `out`, and cohort.json beside them.

    A patient's folder appears when it is whole; those that are there from an earlier run of
    the same recipe are kept.

    Parameters
    ----------
    out : Path
    patients : int
    recipe : Recipe
    jobs : int
        Processes, each with one thread: on a few cores faster than one with many threads.
    finish : callable, optional
        Called in the worker with a patient's unfinished folder and the patient, to add files;
        a function of a module, so that other processes can import it.
    progress : callable, optional
        Called with (patients there, patients in all).

    Returns
    -------
    list of Path
        The patients' folders.

    Raises
    ------
    InputError
        If the recipe cannot be used, `out` holds another cohort, or cannot be written to.
    """
    if patients < 1 or jobs < 1:
        raise InputError(
            f"expected at least 1 patient and 1 job, found {patients} and {jobs}; "
            "give --patients and --jobs of 1 or more"
        )
    _protocol(recipe)
    _stand_in(recipe)
    folders = [out / f"patient-{number:04d}" for number in range(1, patients + 1)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _check_resumed(out, recipe)
        for left in out.glob(f".patient-*{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        _write_json(out / "cohort.json", {"recipe": asdict(recipe), "versions": versions()})
        missing = [n for n, folder in enumerate(folders, start=1) if not folder.exists()]
        _run(out, missing, recipe, jobs, finish, _counted(progress, patients, len(missing)))
        described = [json.loads((f / "patient.json").read_text("utf-8")) for f in folders]
        _write_json(
            out / "cohort.json",
            {
                "recipe": asdict(recipe),
                "patients": [folder.name for folder in folders],
                "created": now(),
                "versions": versions(),
                "lesions": [len(d["patient"].get("lesions", [])) for d in described],
            },
        )
    except OSError as error:
        raise InputError(
            f"expected room to write a cohort to {out}, found: {error.strerror or error}; "
            "free some space or choose another folder, and run the command again to go on"
        ) from error
    return folders


def write_patient(
    out: Path,
    recipe: Recipe,
    number: int,
    finish: Callable[[Path, Simulated], None] | None = None,
) -> None:
    """Simulate one patient and write its folder, which appears when it is whole."""
    patient = simulate_patient(recipe, number)
    name = f"patient-{number:04d}"
    folder = Path(tempfile.mkdtemp(prefix=f".{name}{_UNFINISHED}", dir=out))
    try:
        grid = patient.spect
        write_image(folder / "spect.nii.gz", grid)
        write_image(folder / "ct.nii.gz", patient.ct)
        for what in ("attenuation", "activity"):
            write_image(folder / f"{what}.nii.gz", Volume(getattr(patient, what), grid.affine))
        write_labels(folder / "labels.nii.gz", patient.labels, grid)
        if recipe.dicom:
            _write_dicom(folder / "dicom", patient)
        if finish is not None:
            finish(folder, patient)
        _write_json(folder / "patient.json", patient.description)
        folder.chmod(0o755)
        folder.rename(out / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(
    out: Path,
    numbers: list[int],
    recipe: Recipe,
    jobs: int,
    finish: Callable[[Path, Simulated], None] | None,
    done: Callable[[], None],
) -> None:
    if jobs == 1 or len(numbers) < 2:
        for number in numbers:
            write_patient(out, recipe, number, finish)
            done()
        return
    # Forked children would inherit the threads' locks of numerical libraries: start afresh.
    context = multiprocessing.get_context("spawn")
    threads = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(min(jobs, len(numbers)), mp_context=context) as pool:
            running = [pool.submit(write_patient, out, recipe, n, finish) for n in numbers]
            try:
                for future in as_completed(running):
                    future.result()
                    done()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for name, value in threads.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _counted(
    progress: Callable[[int, int], None] | None, patients: int, missing: int
) -> Callable[[], None]:
    """Return a function that reports one more patient each time."""
    there = patients - missing

    def done(step: int = 1) -> None:
        nonlocal there
        there += step
        if progress is not None:
            progress(there, patients)

    done(0)
    return done


def _protocol(recipe: Recipe) -> Protocol:
    protocol = get_protocol(recipe.protocol)
    return protocol if recipe.views is None else protocol.with_views(recipe.views)


def _stand_in(recipe: Recipe) -> LabelledVolume | None:
    if recipe.phantom is None:
        if recipe.labels is not None:
            raise InputError(
                f"expected --phantom with --labels, found only the table {recipe.labels}; "
                "name the labelled volume too"
            )
        return None
    if recipe.labels is None:
        raise InputError(
            f"expected a table of tissues for {recipe.phantom}, found none; give "
            f"--labels FILE.toml, or one of the package's own: {', '.join(shipped_tables())}"
        )
    return load_phantom(recipe.phantom, recipe.labels)


def _draw_fitting(
    seeds: np.random.SeedSequence, protocol: Protocol, factor: int, recipe: Recipe
) -> Patient:
    """Draw patients until one fits into the field of view, and pad it to whole pixels."""
    voxel_mm = 10 * protocol.pixel_cm / factor
    phantom = _stand_in(recipe)
    pixels = int(protocol.fov_cm / protocol.pixel_cm) // 2 * 2
    for seed in seeds.generate_state(_MOST_DRAWS, np.uint32):
        try:
            patient = draw_patient(
                int(seed),
                voxel_mm=voxel_mm,
                matrix=pixels * factor,
                axial=recipe.axial,
                sample_mm=None if recipe.fine else voxel_mm,
                phantom=phantom,
            )
            check_field_of_view(
                body_footprint(patient.activity, patient.attenuation),
                voxel_mm / 10,
                protocol.fov_cm,
            )
        except TooWideError:
            if phantom is not None:  # another draw of the same body would not be narrower
                raise
            continue
        return _padded(patient, factor)
    raise InputError(
        f"expected patients that fit into the {protocol.fov_cm:g} cm that {protocol.name} sees, "
        f"found {_MOST_DRAWS} in a row too wide; use another protocol or phantom"
    )


def _padded(patient: Patient, factor: int) -> Patient:
    """Add slices of air at the top until they fill whole pixels."""
    missing = -patient.activity.shape[2] % factor
    if not missing:
        return patient
    air = {"activity": 0.0, "attenuation": 0.0, "ct": AIR_HU, "labels": 0}
    padded: dict[str, Any] = {
        name: np.pad(getattr(patient, name), ((0, 0), (0, 0), (0, missing)), constant_values=value)
        for name, value in air.items()
    }
    return replace(patient, **padded)


def _check_resumed(out: Path, recipe: Recipe) -> None:
    """Raise InputError if `out` holds patients of another recipe."""
    if not any(out.glob("patient-*")):
        return
    try:
        found = json.loads((out / "cohort.json").read_text("utf-8"))["recipe"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"expected an empty folder or a cohort to go on with, found patients without a "
            f"readable cohort.json in {out}; choose another folder"
        ) from error
    different = [key for key, value in asdict(recipe).items() if found.get(key) != _listed(value)]
    if different:
        raise InputError(
            f"expected a cohort of the same recipe to go on with, found in {out} another "
            f"{' and '.join(different)}; choose another folder"
        )


def _listed(value: Any) -> Any:
    """Return what JSON makes of a value."""
    return list(value) if isinstance(value, tuple) else value


def _coarser(array: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of blocks of `factor` voxels a side."""
    return collapse(array, factor, (0, 1, 2), "mean") if factor > 1 else array


def _majority(labels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Labels of blocks: bone or lesion where they fill half, and the larger of the two."""
    if factor == 1:
        return labels
    bone, lesion = (_coarser((labels == k).astype(np.float32), factor) for k in (1, 2))
    return np.where(bone + lesion < 0.5, 0, np.where(lesion >= bone, 2, 1)).astype(np.uint8)


def _coarser_affine(affine: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Affine of blocks of `factor` voxels a side."""
    coarse = affine.copy()
    coarse[:3, :3] *= factor
    coarse[:3, 3] += affine[:3, :3] @ np.full(3, (factor - 1) / 2)
    return coarse


def _described(scan: Scan) -> dict[str, Any]:
    return {
        "counts": int(scan.counts.sum(dtype=np.float64)),
        "window_counts": int(scan.window_counts.sum(dtype=np.float64)),
        "scatter_fraction": round(scan.scatter_fraction, 4),
        "beds": len(scan.beds),
        "view_seconds": scan.protocol.scan_minutes
        * 60
        * scan.protocol.detectors
        / (len(scan.beds) * scan.protocol.views),
        "voxel_cm": scan.voxel_cm,
        "shape": list(scan.shape),
    }


def _write_json(path: Path, value: Any) -> None:
    partial = path.with_name(f".{path.name}.unfinished")
    partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _write_dicom(folder: Path, patient: Simulated) -> None:
    """Write spect.dcm (NM multi-frame) and ct/ (a series) as one study."""
    from fuzzyseg.io import (
        DicomPatient,
        DicomStudy,
        Injection,
        SpectAcquisition,
        write_ct_series,
        write_nm,
    )

    described = patient.description
    drawn, protocol = described["patient"], described["protocol"]
    who = DicomPatient(
        name=f"FUZZYSEG^PATIENT-{described['number']:04d}",
        patient_id=f"SIMULATED-{described['recipe']['seed']}-{described['number']:04d}",
        sex=_SEXES.get(drawn.get("sex", ""), ""),
        height_m=drawn["stature_mm"] / 1000 if "stature_mm" in drawn else None,
        weight_kg=drawn["weight_kg"],
    )
    study = DicomStudy(
        seed=json.dumps([described["recipe"], described["number"]]),
        started=_STUDY_TIME,
        equipment=protocol["name"],
    )
    settings = described["reconstruction"]
    corrections = [("ATTN", settings["attenuation"]), ("SCAT", settings["scatter"] != "none")]
    window = protocol["photopeak"]
    folder.mkdir()
    write_nm(
        folder / "spect.dcm",
        patient.spect,
        patient=who,
        study=study,
        acquisition=SpectAcquisition(
            started=_STUDY_TIME,
            views=protocol["views"],
            view_seconds=described["scan"]["view_seconds"],
            window_kev=(window["low_kev"], window["high_kev"]),
            counts=described["scan"]["counts"],
            corrections=tuple(name for name, applied in corrections if applied),
        ),
        injection=Injection(
            activity_mbq=drawn["injected_mbq"],
            given=_STUDY_TIME - timedelta(hours=drawn["uptake_h"]),
        ),
    )
    write_ct_series(folder / "ct", patient.ct, patient=who, study=study)
