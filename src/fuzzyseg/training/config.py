"""How to train: one frozen dataclass that is the command line, the TOML file and the record."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from fuzzyseg.conventions import CLASSES, CT_WINDOW_HU
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import Neighbours
from fuzzyseg.losses.registry import LOSSES, get_loss
from fuzzyseg.models.card import PLANES, Ct, Plane, Spect
from fuzzyseg.networks.architecture import TASKS
from fuzzyseg.networks.registry import NETWORKS
from fuzzyseg.parameters import read_parameters

Channel = Literal["spect", "ct"]
if TYPE_CHECKING:
    from collections.abc import Sequence

_RESUMABLE = frozenset({"steps", "patience", "checkpoint_minutes", "validate_every", "log_every"})


@dataclass(frozen=True)
class Config:
    """How to train.

    Parameters
    ----------
    loss
        One of these, or a sum: rfcm+ce+dice is the first plus alpha times the others.
    loss_parameters
        Parameters of the loss without their own option, as NAME=VALUE, such as gradient=isotropic
        for ms.
    q
        Fuzzy exponent of rfcm and fcm-label.
    anneal
        Steps over which q rises from 1 to its value; 0 for none.
    beta
        Spatial weight of rfcm, in units of the normalised image squared.
    lam
        Weight of the length of boundaries in ms.
    alpha
        Weight of all terms of the loss except the first.
    class_weights
        Weight of each class in ce, for rare classes: 1 1 30 emphasises lesions. By default all are
        1.
    class_weights_end
        Class weights at the end, reached geometrically; by default they stay the same.
    neighbours
        Neighbourhood of rfcm.
    centres
        Where rfcm and ms take class centres from. "fixed": from a K-means of the training set,
        without updates. "image": eq. (6) per slice, as in the paper; "batch", "volume": eq. (6)
        over the batch, or over its slices of one volume; "running": a running average over the
        training set that starts at the K-means.
    channels
        Input images of the network: spect, spect ct, or ct.
    classes
        3 for background, bone and lesion; 2 to count lesions as bone.
    network
        Network that computes the memberships.
    filters
        Filters of the network; of a U-Net, at full resolution.
    dims
        2 for slices, 3 for blocks.
    context
        Neighbouring slices on either side that a 2-D network sees as well (2.5-D).
    planes
        Planes in which slices are cut, for training and segmentation.
    spect
        How SPECT is normalised: "zscore" of the volume (as in the paper), "body" or "asinh".
    ct
        How CT is normalised: per "slice" (as in the paper), or by a "window".
    ct_window_hu
        Limits of that window.
    spacing_mm
        Voxel width to which images are resampled, for training and segmentation; by default they
        are not.
    steps
        Optimiser steps.
    batch
        Patches per step, over all processes.
    patch
        Width of a patch in voxels.
    bright
        Share of the patches that are centred on one of the brightest voxels of their volume.
    lesions
        Share of the patches that are centred on a labelled voxel of the last class, or, in a case
        without any, on one of the brightest of the class before; needs labels.
    lr
        Maximum learning rate of AdamW; it rises over the first tenth of the steps and then falls as
        a cosine.
    clip
        Maximum norm of the gradient.
    ema
        Decay of an exponential moving average of the weights, such as 0.999, which is validated and
        saved as the model; 0 for none.
    start_share
        Share of the weights that training began with (--start) in those that are validated and
        saved: between the two a network often is better than either.
    augment
        Vary patches by gamma (0.9 to 1.1 for SPECT; 1.4, 1.6 or 1.8 for CT, as in the paper) and by
        mirroring.
    mirror
        Axes along which patches are mirrored: "all", or only "left-right".
    rotate
        Maximum rotation of a block about each axis, in degrees; for blocks only.
    zoom
        Maximum magnification or reduction of blocks: up to a factor of 1 plus this.
    ct_shift_mm
        Maximum shift of the CT against the SPECT along each axis, for blocks, because patients
        move.
    ct_ends
        Share of the blocks in which the CT ends at a random plane, because its field of view is
        often smaller than that of the SPECT.
    register
        Move the CT of each case so that its bone lies on the bone's uptake in the SPECT, as
        `segment` does.
    parts
        Share of the patches that are normalised as in a SPECT of only a part of the body, 25 to 60
        cm long, whose brightest structures, and so the scale of all intensities, differ.
    noise
        Maximum standard deviation of noise added to the network's input, in normalised units.
    blur
        Maximum standard deviation of a blur of the network's input, in voxels.
    scale
        Maximum change of intensities: multiplied or divided by up to 1 plus this.
    randomise
        Share of the volumes whose uptake, resolution and counts are redrawn, far beyond a scanner's
        range, with lesions painted in; needs the activity that `simulate` writes. For CT: contrast
        agent and noise.
    paint
        Share of the blocks into which one to three more lesions are painted that the CT does not
        show; needs the activity that `simulate` writes, and --spect body.
    texture
        Share of the patches whose CT gets other tissues, bone, dense structures, kernel and noise.
    redraw
        Steps after which a randomised volume is drawn again.
    half
        Save the model's weights in half precision, at half the size.
    seed
        Random seed for weights, patches and everything else that is drawn.
    device
        Where to compute.
    autocast
        Compute in bfloat16 where torch considers it safe.
    compile
        Compile the network first; worthwhile for long runs.
    validate_every
        Steps between validations.
    patience
        Validations without improvement after which training stops; 0 never stops.
    checkpoint_minutes
        Minutes between checkpoints, each after a line of the log.
    log_every
        Steps between lines of the log.
    """

    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "Loss": (
            *("loss", "loss_parameters", "q", "anneal", "beta", "lam", "alpha"),
            *("class_weights", "class_weights_end", "neighbours", "centres"),
        ),
        "Network and its input": (
            *("channels", "classes", "network", "filters", "dims", "context", "planes"),
            *("spect", "ct", "ct_window_hu", "spacing_mm", "register"),
        ),
        "Optimiser": ("steps", "batch", "lr", "clip", "ema", "start_share"),
        "Patches and augmentation": (
            *("patch", "bright", "lesions", "augment", "mirror", "rotate", "zoom", "ct_shift_mm"),
            *(
                "ct_ends",
                "parts",
                "noise",
                "blur",
                "scale",
                "randomise",
                "paint",
                "texture",
                "redraw",
            ),
        ),
        "The run": (
            *("half", "seed", "device", "autocast", "compile", "validate_every", "patience"),
            *("checkpoint_minutes", "log_every"),
        ),
    }

    loss: str = field(default="semi-rfcm", metadata={"names": LOSSES})  # or sums of them
    loss_parameters: tuple[str, ...] = ()
    q: float = 2.0
    anneal: int = 0
    beta: float = 0.0008
    lam: float = 1e-5
    alpha: float = 1.0
    class_weights: tuple[float, ...] = ()
    class_weights_end: tuple[float, ...] = ()
    neighbours: Neighbours = "all"
    centres: Literal["fixed", "image", "batch", "volume", "running"] = "fixed"
    channels: tuple[Channel, ...] = ("spect",)
    classes: Literal[2, 3] = 3
    network: str = field(default="recurrent", metadata={"choices": NETWORKS})
    filters: int = 16
    dims: Literal[2, 3] = 2
    context: int = 0
    planes: tuple[Plane, ...] = ("transverse", "coronal", "sagittal")
    spect: Spect = "zscore"
    ct: Ct = "window"
    ct_window_hu: tuple[float, float] = CT_WINDOW_HU
    spacing_mm: float | None = None
    steps: int = 1500
    batch: int = 16
    patch: int = 64
    bright: float = 0.5
    lesions: float = 0.0
    lr: float = 3e-3
    clip: float = 1.0
    ema: float = 0.0
    start_share: float = 0.0
    augment: bool = True
    mirror: Literal["all", "left-right"] = "all"
    rotate: float = 0.0
    zoom: float = 0.0
    ct_shift_mm: float = 0.0
    ct_ends: float = 0.0
    register: bool = True
    parts: float = 0.0
    noise: float = 0.05
    blur: float = 0.0
    scale: float = 0.1
    randomise: float = 0.0
    paint: float = 0.0
    texture: float = 0.0
    redraw: int = 150
    half: bool = False
    seed: int = 0
    device: Literal["cpu", "cuda"] = "cpu"
    autocast: bool = False
    compile: bool = False
    validate_every: int = 500
    patience: int = 0
    checkpoint_minutes: float = 5.0
    log_every: int = 25

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in order of rising intensity."""
        return CLASSES[: self.classes]

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss's terms: ("rfcm", "fcm-label") of "semi-rfcm"."""
        whole = LOSSES.get(self.loss)
        return whole.terms if whole and whole.terms else tuple(self.loss.split("+"))

    @property
    def needs_labels(self) -> bool:
        """Whether a case without labels is of no use."""
        return not self.looks_at_image

    @property
    def poses(self) -> bool:
        """Whether blocks are turned, magnified, or seen with a CT that is shifted."""
        return max(self.rotate, self.zoom, self.ct_shift_mm) > 0

    @property
    def needs_activity(self) -> bool:
        """Whether uptake is drawn anew from the truth of a simulation."""
        return max(self.randomise, self.paint) > 0

    @property
    def looks_at_image(self) -> bool:
        """Whether a term of the loss clusters the image."""
        return any(LOSSES[term].image for term in self.terms)


# Parameters of losses that have an option of their own, or one value that fits training.
_SET = frozenset(
    ("q", "beta", "lam", "neighbours", "centres", "weights", "input_kind", "reduction")
)


def loss_parameters(config: Config, term: str) -> dict[str, Any]:
    """Read those of `config.loss_parameters` that a term of the loss takes.

    Raises
    ------
    InputError
        If no term takes one of them, or a value does not fit.
    """
    free = {
        name: parameter.default
        for each in config.terms
        for name, parameter in LOSSES[each].parameters().items()
        if name not in _SET
    }
    given = read_parameters(config.loss_parameters, free, config.loss, "loss-parameters")
    takes = LOSSES[term].parameters()
    return {name: value for name, value in given.items() if name in takes}


def check_config(config: Config) -> None:
    """Raise InputError for values that no training can have."""

    def check(good: bool, name: str, expected: str) -> None:
        check_setting(config, good, name, expected)

    for name, kind in get_type_hints(Config).items():
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            check(getattr(config, name) in choices, name, f"one of {', '.join(map(str, choices))}")
    single = {name for name, entry in LOSSES.items() if not entry.terms}
    known = single.issuperset(config.terms) and len(set(config.terms)) == len(config.terms)
    check(known, "loss", f"one of {', '.join(LOSSES)}, or a sum such as rfcm+dice")
    for term in config.terms if config.loss_parameters else ():  # torch is not needed otherwise
        get_loss(term, **loss_parameters(config, term))
    check(config.network in NETWORKS, "network", f"one of {', '.join(NETWORKS)}")
    dims = NETWORKS[config.network].dims
    check(config.dims in dims, "dims", f"{' or '.join(map(str, dims))}, of {config.network},")
    check(config.channels in TASKS, "channels", "spect, spect ct, or ct")
    if NETWORKS[config.network].first is not None:
        check(config.channels == ("spect", "ct"), "channels", f"spect ct, of {config.network},")
        check(not config.start_share, "start_share", f"0, of {config.network},")
    for name in ("steps", "batch", "redraw", "validate_every", "log_every", "filters"):
        check(getattr(config, name) >= 1, name, "1 or more")
    for name in ("anneal", "context", "seed", "patience"):
        check(getattr(config, name) >= 0, name, "0 or more")
    for name in ("bright", "lesions", "randomise", "parts", "paint", "texture", "ct_ends"):
        check(0 <= getattr(config, name) <= 1, name, "a share from 0 to 1")
    for name in (
        *("noise", "blur", "scale", "beta", "lam", "alpha"),
        *("rotate", "zoom", "ct_shift_mm"),
    ):
        value = getattr(config, name)
        check(math.isfinite(value) and value >= 0, name, "a number of 0 or more")
    for name in ("lr", "clip", "checkpoint_minutes"):
        value = getattr(config, name)
        check(math.isfinite(value) and value > 0, name, "a number above 0")
    for name in ("class_weights", "class_weights_end"):
        weights = getattr(config, name)
        good = all(0 < w < math.inf for w in weights) and len(weights) in {0, config.classes}
        check(good, name, f"none, or {config.classes} numbers above 0,")
    check("ce" in config.terms or not config.class_weights, "class_weights", "none without ce")
    check(
        bool(config.class_weights) or not config.class_weights_end,
        "class_weights_end",
        "none without --class-weights",
    )
    for name in ("ema", "start_share"):
        check(0 <= getattr(config, name) < 1, name, "a number from 0 to below 1")
    for name in ("rotate", "zoom", "ct_shift_mm"):
        check(config.dims == 3 or not getattr(config, name), name, "0, with --dims 2,")
    check("spect" in config.channels or not config.parts, "parts", "0, without a SPECT,")
    textures = config.ct == "window" and "ct" in config.channels
    paints = config.dims == 3 and config.spect == "body" and "spect" in config.channels
    check(paints or not config.paint, "paint", "0 but with --dims 3 and --spect body")
    check(textures or not config.texture, "texture", "0 but with a CT and --ct window")
    ends = textures and config.dims == 3 and "spect" in config.channels
    check(ends or not config.ct_ends, "ct_ends", "0 but with --dims 3, --ct window and both images")
    check(math.isfinite(config.q) and config.q >= 1, "q", "a number of 1 or more")
    check(config.bright + config.lesions <= 1, "lesions", "at most 1 less --bright")
    check(config.patch >= 8, "patch", "8 or more voxels")
    check(config.dims == 2 or config.context == 0, "context", "0, with --dims 3,")
    planes = set(config.planes)
    some = 0 < len(planes) == len(config.planes) and planes <= set(PLANES)
    check(some, "planes", f"one or more of {', '.join(PLANES)}, each once,")
    low, high = config.ct_window_hu
    check(-math.inf < low < high < math.inf, "ct_window_hu", "two rising numbers")
    spacing = config.spacing_mm
    check(spacing is None or 0 < spacing < math.inf, "spacing_mm", "a number above 0")
    labels = any(LOSSES[term].labels for term in config.terms)
    check(config.lesions == 0 or labels, "lesions", "0 without labels")


def check_validation(config: Config, labelled: Sequence[bool]) -> None:
    """Raise InputError unless validation cases, of which some have labels, serve a purpose."""
    if not any(labelled) and (labelled or config.patience):
        raise InputError(
            "expected --validation cases with labels, found none; give some, or "
            "leave out --validation and --patience"
        )


def check_setting(settings: object, good: bool, name: str, expected: str) -> None:
    """Raise InputError that names the option, unless it is good."""
    if not good:
        flag, found = name.replace("_", "-"), as_typed(getattr(settings, name))
        raise InputError(f"expected {expected} for --{flag}, found {found}; change it")


def as_typed(value: object) -> str:
    """Write a setting as on the command line: several words beside each other."""
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)


def differences(before: Config, now: Config) -> list[str]:
    """Names of the settings that a resumed run must share with its beginning, and does not."""
    return [
        name
        for name in Config.__dataclass_fields__
        if name not in _RESUMABLE and getattr(before, name) != getattr(now, name)
    ]
