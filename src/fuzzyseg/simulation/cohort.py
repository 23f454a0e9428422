"""A cohort: simulated patients as files, made in parallel, resumed where it stopped."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.io.output import new_folder, sweep, write_text
from fuzzyseg.jobs.processes import executor
from fuzzyseg.provenance import now
from fuzzyseg.simulation.ct_only import SimulatedCT, simulate_ct
from fuzzyseg.simulation.record import resumed
from fuzzyseg.simulation.simulated import Recipe, Simulated, check_recipe, simulate_patient
from fuzzyseg.simulation.simulated_dicom import write_dicom
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Finish = Callable[[Path, Simulated | SimulatedCT], None]


def simulate_cohort(
    out: Path,
    patients: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    finish: Finish | None = None,
    other_code: bool = False,
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
    other_code : bool
        Go on with a cohort that another version or other code began, which is refused else.
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
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        made = resumed(out, recipe, other_code=other_code)
        sweep(out)
        _write_json(out / "cohort.json", made)
    missing = [n for n, folder in enumerate(folders, start=1) if not folder.exists()]
    try:
        _run(out, missing, recipe, jobs, finish, _counted(progress, patients, len(missing)))
    except (BrokenProcessPool, MemoryError) as error:
        raise InputError(
            f"expected enough memory for {jobs} patients at a time, found that a "
            "process was killed; give fewer --jobs, and run the command again to "
            "resume"
        ) from error
    with _writing(out):
        there = sorted(out.glob("patient-*"))
        described = [json.loads((f / "patient.json").read_text("utf-8")) for f in there]
        summary = {
            "created": now(),
            "patients": [folder.name for folder in there],
            "lesions": [len(d["patient"]["lesions"]) for d in described],
        }
        _write_json(out / "cohort.json", made | summary)
    return folders


def write_patient(
    out: Path,
    recipe: Recipe,
    number: int,
    finish: Finish | None = None,
) -> None:
    """Simulate one patient and write its folder, which appears when it is whole."""
    if recipe.ct_only:
        _write_ct(out, recipe, number, finish)
        return
    patient = simulate_patient(recipe, number)
    name = f"patient-{number:04d}"
    with _writing(out), new_folder(out / name) as folder:
        grid = patient.spect
        write_image(folder / "spect.nii.gz", grid)
        write_image(folder / "ct.nii.gz", patient.ct)
        for what in ("attenuation", "activity"):
            write_image(folder / f"{what}.nii.gz", Volume(getattr(patient, what), grid.affine))
        write_labels(folder / "labels.nii.gz", patient.labels, grid)
        write_labels(folder / "ct_labels.nii.gz", patient.ct_labels, patient.ct)
        if patient.follow_up is not None:
            _write_json(folder / "follow_up.json", patient.follow_up)
        if recipe.dicom:
            write_dicom(folder / "dicom", patient)
        if finish is not None:
            finish(folder, patient)
        _write_json(folder / "patient.json", patient.description)


def _write_ct(out: Path, recipe: Recipe, number: int, finish: Finish | None) -> None:
    body = simulate_ct(recipe, number)
    with _writing(out), new_folder(out / f"patient-{number:04d}") as folder:
        write_image(folder / "ct.nii.gz", body.ct)
        write_labels(folder / "ct_labels.nii.gz", body.ct_labels, body.ct)
        if finish is not None:
            finish(folder, body)
        _write_json(folder / "patient.json", body.description)


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn what the file system refuses into one clear line."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"expected space to write a cohort to {out}, found: {error.strerror or error}; "
            "free some space or choose another folder, and run the command again to resume"
        ) from error


def _run(
    out: Path,
    numbers: list[int],
    recipe: Recipe,
    jobs: int,
    finish: Finish | None,
    done: Callable[[], None],
) -> None:
    if jobs == 1 or len(numbers) < 2:
        for number in numbers:
            write_patient(out, recipe, number, finish)
            done()
        return
    with executor(min(jobs, len(numbers))) as pool:
        running = [pool.submit(write_patient, out, recipe, n, finish) for n in numbers]
        try:
            for future in as_completed(running):
                future.result()
                done()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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


def _write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
