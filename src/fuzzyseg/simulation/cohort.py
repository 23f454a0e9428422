"""A cohort: simulated patients as files, made in parallel, resumed where it stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.provenance import now, versions
from fuzzyseg.simulation.simulated import Recipe, Simulated, check_recipe, simulate_patient
from fuzzyseg.simulation.simulated_dicom import write_dicom
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable

_UNFINISHED = ".unfinished-"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


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
    check_recipe(recipe)
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
            write_dicom(folder / "dicom", patient)
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


def _write_json(path: Path, value: Any) -> None:
    partial = path.with_name(f".{path.name}.unfinished")
    partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(path)
