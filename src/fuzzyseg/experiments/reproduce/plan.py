"""What an item asks for, as jobs: cohorts, trained models, scores. Asking twice gives one job."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.reproduce.work.cts import (
    ct_of_attenuation,
    ct_pairs,
    real_ct,
    simulated_ct,
)
from fuzzyseg.experiments.reproduce.work.patients import patient
from fuzzyseg.experiments.reproduce.work.scoring import scores
from fuzzyseg.experiments.reproduce.work.training import trained
from fuzzyseg.jobs import Job
from fuzzyseg.losses.registry import LOSSES
from fuzzyseg.models.locate import BUNDLED
from fuzzyseg.segmentation.settings import Settings, given
from fuzzyseg.simulation.record import recipe_record
from fuzzyseg.simulation.simulated import Recipe
from fuzzyseg.training.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fuzzyseg.experiments.reproduce.preset import Preset
    from fuzzyseg.jobs import Work

_HERE = "fuzzyseg.experiments.reproduce.work"
_SIMULATION = ("fuzzyseg.simulation", f"{_HERE}.patients", f"{_HERE}.cts")
_TRAINING = (
    "fuzzyseg.training", "fuzzyseg.losses", "fuzzyseg.networks", "fuzzyseg.inference",
    "fuzzyseg.resample", "fuzzyseg.registration", "fuzzyseg.rigid",
    "fuzzyseg.fuzzy", "fuzzyseg.clustering.fixed", f"{_HERE}.training",
)  # fmt: skip
_SCORING = (
    "fuzzyseg.segmentation", "fuzzyseg.inference", "fuzzyseg.clustering", "fuzzyseg.metrics",
    "fuzzyseg.body", "fuzzyseg.resample", "fuzzyseg.registration", "fuzzyseg.rigid",
    f"{_HERE}.scoring",
)  # fmt: skip
PAPER_SEED, STAND_IN_SEED, CT_SEED = 1201, 1202, 1203
NOISE = 0.01  # standard deviation, of the image scaled to [0, 1]
BETA = 0.0008


@dataclass(frozen=True)
class Plan:
    """All that a reproduction is made of.

    Parameters
    ----------
    preset : Preset
    phantom : Path or None
        A labelled volume in place of the built-in body.
    labels : str or None
        Its table.
    cts : Path or None
        Folder of real CTs with bone labels, see `work.cts.ct_pairs`.
    """

    preset: Preset
    phantom: Path | None = None
    labels: str | None = None
    cts: Path | None = None

    def cohort(self, name: str) -> tuple[Job, ...]:
        """List a cohort's patients; none where what it needs was not given.

        "train", "choose" and "test" of the paper's kind, "stand-in choose" and "stand-in test",
        "xcat choose" and "xcat test" on the phantom's body, "ct test".
        """
        return _cohort(self, name)

    def model(self, loss: str, *, seed: int = 0, ct: bool = False, **options: Any) -> Job:
        """Train with a loss on the training patients.

        Parameters
        ----------
        loss : str
            As in `fuzzyseg train`.
        seed : int
        ct : bool
            On attenuation maps in place of SPECT.
        **options
            Of `Config`, where they differ from the reproduction's; `labelled`, how many of the
            patients have labels. `beta`, `lam` and `alpha` are for images scaled to [0, 1].
        """
        p = self.preset
        labelled = options.pop("labelled", None)
        labelled = None if labelled is not None and labelled >= p.train else labelled
        config = Config(
            loss=loss, seed=seed, beta=options.pop("beta", BETA), lam=options.pop("lam", 1e-9),
            steps=p.steps, batch=p.batch, patch=p.patch, filters=p.filters, lr=p.lr,
            validate_every=p.validate_every, patience=p.patience, planes=("transverse",),
            spect="zscore", noise=0.0, scale=0.0, bright=0.5, checkpoint_minutes=1.0,
        )  # fmt: skip
        if not ct and labelled != 0 and any(LOSSES[term].labels for term in config.terms):
            # Lesions are so few voxels that losses of labels alone do not find them else.
            config = replace(config, bright=0.3, lesions=0.4)
        if ct:
            config = replace(config, channels=("ct",), classes=2, ct="slice", spacing_mm=CT_MM)
        config = replace(config, **options)
        sets = {name: self.cohort(name) for name in ("train", "choose")}
        if ct:
            sets = {name: self._maps(jobs) for name, jobs in sets.items()}
        return Job(
            "model",
            trained,
            {"config": plain(config), "labelled": labelled},
            needs={"train": sets["train"], "validation": sets["choose"]},
            code=_TRAINING,
            resumes=True,
            label=f"train {loss}, seed {seed}",
        )

    def _maps(self, patients: tuple[Job, ...]) -> tuple[Job, ...]:
        return tuple(
            Job(
                "ct-map",
                ct_of_attenuation,
                needs={"patient": (one,)},
                code=_SIMULATION[1:],
                label="attenuation as CT",
            )
            for one in patients
        )

    def scores(
        self, method: Job | Settings, cohort: str, *, noise: float = 0.0, image: str = "spect"
    ) -> Job:
        """Segment a cohort by a model or a method, and compare with the truth.

        Parameters
        ----------
        method : Job or Settings
            A job of `model`, or settings of `fuzzyseg segment`.
        cohort : str
        noise : float
            Standard deviation of noise added to the image scaled to [0, 1].
        image : {"spect", "ct", "spect ct"}
        """
        needs = {"patients": self.cohort(cohort)}
        files: dict[str, Path] = {}
        if isinstance(method, Job):
            needs["model"], settings = (method,), Settings(method="model")
        else:
            settings = method
            if settings.model is not None:
                files = {"weights": BUNDLED / f"{settings.model}.safetensors"}
        said = {name: getattr(settings, name) for name in given(settings)}
        return Job(
            "scores",
            scores,
            {"settings": json.loads(json.dumps(said)), "noise": noise, "image": image},
            needs=needs,
            files=files,
            code=_SCORING,
            label=f"score {cohort}",
        )

    def other(
        self, kind: str, function: Callable[[Work], Mapping[str, Any] | None], **given: Any
    ) -> Job:
        """Return a job of an item's own; its code is the function's module."""
        return Job(kind, function, code=(*given.pop("code", ()), function.__module__), **given)

    def seeds(self) -> range:
        """Seeds of a table's rows."""
        return range(self.preset.seeds)


CT_MM = 4.0  # voxels that attenuation maps and CTs are brought to; maps have 4.4 mm


def plain(config: Config) -> dict[str, Any]:
    """Values of a configuration as JSON holds them."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return found


@functools.cache
def _cohort(plan: Plan, name: str) -> tuple[Job, ...]:
    p = plan.preset
    paper = Recipe(
        like="paper", seed=PAPER_SEED, protocol="discovery670", views=p.views, fine=p.fine,
        axial=p.axial,
    )  # fmt: skip
    clinic = Recipe(
        like="elsewhere", seed=STAND_IN_SEED, protocol="symbia-t16", views=p.stand_in_views,
        fine=p.fine, axial=p.axial, vendor=True,
    )  # fmt: skip
    on_phantom = plan.phantom is not None
    # Numbers apart, so that a larger preset begins with the patients of a smaller one.
    if name in ("train", "choose", "test"):
        first = {"train": 1, "choose": 101, "test": 201}[name]
        return _patients(plan, paper, first, getattr(p, name), on_phantom)
    if name == "ct test":
        return _cts(plan)
    body, _, what = name.partition(" ")
    first, count = {"choose": (101, p.stand_in_choose), "test": (201, p.stand_in_test)}[what]
    if body == "stand-in":
        return _patients(plan, clinic, first, count, phantom=False)
    if not on_phantom:
        return ()
    return _patients(plan, replace(clinic, seed=STAND_IN_SEED + 100), first, count, phantom=True)


def _patients(plan: Plan, recipe: Recipe, first: int, count: int, phantom: bool) -> tuple[Job, ...]:
    told = recipe_record(recipe)
    files, table = {}, None
    if phantom and plan.phantom is not None and plan.labels is not None:
        from pathlib import Path

        files, told["axial"] = {"phantom": plan.phantom}, [0.0, 1.0]
        if Path(plan.labels).is_file():
            files["labels"] = Path(plan.labels)
        else:
            table = plan.labels
    return tuple(
        Job(
            "patient",
            patient,
            {"recipe": told, "number": number, "table": table},
            files=files,
            code=_SIMULATION[:2],
            label=f"simulate {recipe.like} {number}",
        )
        for number in range(first, first + count)
    )


def _cts(plan: Plan) -> tuple[Job, ...]:
    if plan.cts is not None:
        pairs = ct_pairs(plan.cts)
        if not pairs:
            raise InputError(
                f"expected NAME_ct.nii.gz with NAME_labels.nii.gz in {plan.cts}, found none; "
                "name the files so, or leave out --cts"
            )
        return tuple(
            Job(
                "ct-case",
                real_ct,
                {"bones": bones},
                files=files,
                code=_SIMULATION[2:],
                label=f"read {files['ct'].name}",
            )
            for files, bones in pairs
        )
    told = recipe_record(Recipe(ct_only=True, seed=CT_SEED))
    return tuple(
        Job(
            "ct-case",
            simulated_ct,
            {"recipe": told, "number": n},
            code=_SIMULATION,
            label=f"simulate CT {n}",
        )
        for n in range(1, plan.preset.ct_test + 1)
    )
