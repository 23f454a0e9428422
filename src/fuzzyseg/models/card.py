"""What a model is, beside its weights: the card, one JSON file."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from fuzzyseg.conventions import CT_WINDOW_HU
from fuzzyseg.networks.architecture import TASKS, Architecture, check, is_name

if TYPE_CHECKING:
    from collections.abc import Mapping

Spect = Literal["zscore", "body", "asinh"]
Ct = Literal["slice", "window"]
Plane = Literal["transverse", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = get_args(Plane)


@dataclass(frozen=True)
class Preprocessing:
    """What is done to intensities and grid before the network sees them.

    Parameters
    ----------
    spect : {"zscore", "body", "asinh"}
        See `fuzzyseg.inference.preprocess.normalise_spect`.
    ct : {"slice", "window"}
        See `normalise_ct` there.
    ct_window_hu : (float, float)
        Window of ct="window". By default as in clustering: air, fat and water are one thing.
    spacing_mm : float or None
        Voxels are brought to this width; None: the network runs on the grid of the image.
    trained_mm : (float, float) or None
        Smallest and largest voxel width of the training images. Beyond it, users are warned.
    """

    spect: Spect = "zscore"
    ct: Ct = "window"
    ct_window_hu: tuple[float, float] = CT_WINDOW_HU
    spacing_mm: float | None = None
    trained_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check(self.spect in get_args(Spect), "spect out of", get_args(Spect), self.spect)
        check(self.ct in get_args(Ct), "ct out of", get_args(Ct), self.ct)
        low, high = self.ct_window_hu
        window = math.isfinite(low) and math.isfinite(high) and low < high
        check(window, "ct_window_hu of", ("two rising numbers",), self.ct_window_hu)
        spacing = self.spacing_mm is None or 0 < self.spacing_mm < math.inf
        check(spacing, "spacing_mm of", ("null", "a width in mm"), self.spacing_mm)
        low, high = self.trained_mm or (1.0, 1.0)
        trained = 0 < low <= high < math.inf
        check(trained, "trained_mm of", ("null", "two widths in mm"), self.trained_mm)


@dataclass(frozen=True)
class Typical:
    """What a model's memberships were like on patients that it was not trained on.

    Each is the 5th and the 95th percentile over patients; None: nobody has looked. How much is
    lesion is not among them: that depends on the patient.
    `fuzzyseg.segmentation.typical_memberships` measures and compares them.

    Parameters
    ----------
    patients : int
    bone : (float, float) or None
        Mean membership in bone over the body.
    undecided : (float, float) or None
        Of the voxels whose membership in the background is below 0.95, the share whose highest
        membership is below 0.8.
    """

    patients: int = 0
    bone: tuple[float, float] | None = None
    undecided: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check(self.patients >= 0, "patients of", ("0 or more",), self.patients)
        for name in STATISTICS:
            low, high = getattr(self, name) or (0.0, 0.0)
            rising = 0 <= low <= high <= 1
            check(rising, f"{name} of", ("null", "two rising shares"), getattr(self, name))


STATISTICS = ("bone", "undecided")


@dataclass(frozen=True)
class Intervals:
    """How far the true volume and uptake of a model's lesions lie from what is measured.

    Found on patients with known truth by `python -m fuzzyseg.experiments.quantification.intervals`;
    `fuzzyseg.quantification.interval` applies it.

    Parameters
    ----------
    patients, lesions : int
        It was calibrated on; 0: nobody has calibrated it.
    coverage : float
        Share of lesions whose truth the intervals are made to hold.
    volumes_ml : (float, float) or None
        Smallest and largest volume among those lesions.
    volume, uptake : tuple of 5 floats
        a, b, c and the lower and upper quantile of e: log(true / measured) is
        a + b log(v) + c log(f / v) + e, with v and f the lesion's volume by labels and by
        memberships in mL. Empty before calibration.
    tested : int
        Lesions of other patients on which coverage was measured.
    held : (float, float) or None
        Share of those whose true volume, and uptake, lay in the interval.
    """

    patients: int = 0
    lesions: int = 0
    coverage: float = 0.9
    volumes_ml: tuple[float, float] | None = None
    volume: tuple[float, ...] = ()
    uptake: tuple[float, ...] = ()
    tested: int = 0
    held: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("patients", "lesions", "tested"):
            check(getattr(self, name) >= 0, f"{name} of", ("0 or more",), getattr(self, name))
        check(0 < self.coverage < 1, "coverage of", ("a share",), self.coverage)
        low, high = self.volumes_ml or (1.0, 1.0)
        check(0 < low <= high, "volumes_ml of", ("null", "two volumes"), self.volumes_ml)
        for name in ("volume", "uptake"):
            law = getattr(self, name)
            fits = len(law) == (5 if self.patients else 0)
            check(fits and all(map(math.isfinite, law)), f"{name} of", ("5 numbers",), law)


@dataclass(frozen=True)
class Card:
    """A model's description, written beside its weights.

    Parameters
    ----------
    name : str
    architecture : Architecture
    preprocessing : Preprocessing
    planes : tuple of {"transverse", "coronal", "sagittal"}
        Planes of the slices whose memberships are averaged unless the user asks otherwise; a
        network of volumes has no use for it.
    training : mapping
        What it was trained on and how: data, seed, loss, steps, versions. JSON.
    metrics : mapping
        How well it does, and on what. JSON.
    version : str
    sha256 : str
        Of the weights' file; `save_model` fills it in.
    typical : Typical
        What its memberships are like: `segment` warns of others.
    intervals : Intervals
        How sure its lesions' volume and uptake are.
    odds : tuple of floats
        Of each class: `segment` multiplies its memberships by this, and they sum to 1 again. Of a
        network that meets other images than it was trained on, some class's memberships are too
        low throughout. Empty: they stay.
    cortex : bool
        Of a model of bone in CT: `segment` takes thick pieces that have no cortex, such as kidneys
        and hearts with contrast agent, for background.

    Raises
    ------
    InputError
        If a value is none of those allowed.
    """

    name: str
    architecture: Architecture = Architecture()  # noqa: RUF009 (frozen)
    preprocessing: Preprocessing = Preprocessing()
    planes: tuple[Plane, ...] = ("transverse",)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    version: str = "1"
    sha256: str = ""
    typical: Typical = Typical()
    intervals: Intervals = Intervals()
    odds: tuple[float, ...] = ()
    cortex: bool = False

    def __post_init__(self) -> None:
        check(is_name(self.name), "a name of", ("1 to 100 printable characters",), self.name)
        n = len(self.architecture.classes)
        fits = len(self.odds) in {0, n} and all(1e-3 <= w <= 1e3 for w in self.odds)
        check(fits, "odds of", ("none", f"{n} numbers from 0.001 to 1000"), self.odds)
        of_bone = (self.task, n) == ("ct", 2)
        check(of_bone or not self.cortex, "cortex only of", ("a ct with 2 classes",), self.task)
        some = 0 < len(set(self.planes)) == len(self.planes)
        check(some and set(self.planes) <= set(PLANES), "planes out of", PLANES, self.planes)

    @property
    def task(self) -> str:
        """What it segments: "spect", "spect-ct" or "ct"."""
        return TASKS[self.architecture.channels]

    def to_json(self) -> str:
        """JSON, with the task for people."""
        found = dataclasses.asdict(self)
        return json.dumps({"task": self.task, **found}, indent=2, allow_nan=False) + "\n"
