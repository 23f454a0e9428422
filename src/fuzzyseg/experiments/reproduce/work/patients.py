"""One simulated patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.reproduce.work.values import from_json
from fuzzyseg.simulation.cohort import write_patient
from fuzzyseg.simulation.simulated import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fuzzyseg.jobs import Work


def patient(work: Work) -> dict[str, Any]:
    """Simulate patient `number` of a recipe."""
    recipe = recipe_of(work.settings["recipe"])
    if "phantom" in work.files:
        table = work.files.get("labels", work.settings["table"])
        told = {"phantom": str(work.files["phantom"]), "labels": str(table)}
        recipe = recipe_of({**work.settings["recipe"], **told})
    write_patient(work.folder, recipe, work.settings["number"])
    return {"seed": recipe.seed}


def recipe_of(told: Mapping[str, Any]) -> Recipe:
    """Return a recipe from values that JSON held."""
    return Recipe(**from_json(told))


def folder_of(job: Path) -> Path:
    """Folder of the patient that a job simulated."""
    return next(iter(sorted(job.glob("patient-*"))))
