"""A cohort: simulated patients as files, each a task, resumed where it stopped."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.io.output import new_folder, sweep, write_text
from fuzzyseg.jobs import Here, Task, run
from fuzzyseg.provenance import now
from fuzzyseg.simulation.ct_only import SimulatedCT, simulate_ct
from fuzzyseg.simulation.record import resumed
from fuzzyseg.simulation.sidecars import CT_SIDECAR, spect_sidecar
from fuzzyseg.simulation.simulated import Recipe, Simulated, check_recipe, simulate_patient
from fuzzyseg.simulation.simulated_dicom import write_dicom
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fuzzyseg.jobs import Engine, Failure

    Finish = Callable[[Path, Simulated | SimulatedCT], None]


def simulate_cohort(
    out: Path,
    patients: int,
    recipe: Recipe,
    *,
    engine: Engine | None = None,
    finish: Finish | None = None,
    other_code: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write patients 1 to `patients` to folders of `out`, and cohort.json beside them.

    A patient's folder appears when it is whole; those that are there from an earlier run of
    the same recipe are kept. A patient that cannot be made stops no other.

    Parameters
    ----------
    out : Path
    patients : int
    recipe : Recipe
    engine : Engine, optional
        Of `fuzzyseg.jobs.get_engine`, entered here; by default this process. Processes with one
        thread each are on a few cores faster than one with many threads.
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
        If the recipe cannot be used, `out` holds another cohort or cannot be written to, a disk
        is full, or, when all others are made, a patient could not be.
    """
    if patients < 1:
        raise InputError(
            f"expected at least 1 patient, found {patients}; give --patients of 1 or more"
        )
    check_recipe(recipe)
    folders = [out / _name(number) for number in range(1, patients + 1)]
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        made = resumed(out, recipe, other_code=other_code)
        sweep(out)
        _write_json(out / "cohort.json", made)
    failures = _compute(out, folders, recipe, engine or Here(), finish, progress)
    with _writing(out):
        there = sorted(out.glob("patient-*"))
        described = [json.loads((f / "patient.json").read_text("utf-8")) for f in there]
        summary = {
            "created": now(),
            "patients": [folder.name for folder in there],
            "lesions": [len(d["patient"]["lesions"]) for d in described],
        }
        _write_json(out / "cohort.json", made | summary)
    _require_none(failures)
    return folders


def write_patient(
    out: Path,
    recipe: Recipe,
    number: int,
    finish: Finish | None = None,
) -> None:
    """Simulate one patient and write its folder, which appears when it is whole, unless it has."""
    if (out / _name(number)).exists():  # made by a worker that was lost before it could say so
        return
    if recipe.ct_only:
        _write_ct(out, recipe, number, finish)
        return
    patient = simulate_patient(recipe, number)
    with _writing(out), new_folder(out / _name(number)) as folder:
        grid = patient.spect
        write_image(folder / "spect.nii.gz", grid)
        write_image(folder / "ct.nii.gz", patient.ct)
        _write_json(folder / "spect.json", spect_sidecar(patient))
        _write_json(folder / "ct.json", CT_SIDECAR)
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


def _name(number: int) -> str:
    return f"patient-{number:04d}"


def _write_ct(out: Path, recipe: Recipe, number: int, finish: Finish | None) -> None:
    body = simulate_ct(recipe, number)
    with _writing(out), new_folder(out / _name(number)) as folder:
        write_image(folder / "ct.nii.gz", body.ct)
        _write_json(folder / "ct.json", CT_SIDECAR)
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


def _compute(
    out: Path,
    folders: list[Path],
    recipe: Recipe,
    engine: Engine,
    finish: Finish | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Failure]:
    """Make the patients that are missing; say of which nothing came, and why."""
    tasks = [
        Task(folder.name, write_patient, (out, recipe, number, finish))
        for number, folder in enumerate(folders, start=1)
        if not folder.exists()
    ]
    there, failures = len(folders) - len(tasks), {}
    with engine as opened:
        if progress is not None:
            progress(there, len(folders))
        for outcome in run(tasks, opened):
            if outcome.failure is not None:
                failures[outcome.task.name] = outcome.failure
                continue
            there += 1
            if progress is not None:
                progress(there, len(folders))
    return failures


def _require_none(failures: dict[str, Failure]) -> None:
    for name, failure in failures.items():
        raise InputError(
            f"expected every patient to be simulated, found {len(failures)} that failed, the first "
            f"{name} ({failure.line}); run the command again to resume"
        ) from RuntimeError(failure.traceback)


def _write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
