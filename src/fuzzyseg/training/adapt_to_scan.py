"""Adaptation of a model to one scan, without labels.

What a change of scanner breaks first are the statistics that batch normalisation has learned
(Dong et al., InTEnt, CVPR workshops 2024). So they come first: the scan's own, mixed with the
learned ones. Then, if asked for, a bounded number of steps on L_RFCM, eq. (11), of normalisation's
scales and shifts alone, with centres fixed where the model's own memberships put them. Each is kept
only if the model then agrees better with itself; else the model comes back as it was. Steps are
none by default: on validation scans they cost accuracy while self-consistency rose
(docs/results.md).
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch
from torch import nn

from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import centres
from fuzzyseg.inference.prediction import predict
from fuzzyseg.losses import Centres, RFCMLoss
from fuzzyseg.models.card import Typical
from fuzzyseg.models.model_files import Model
from fuzzyseg.provenance import now, versions
from fuzzyseg.training.adaptation import Adaptation, check_adaptation
from fuzzyseg.training.case import unlabelled_case
from fuzzyseg.training.config import Config
from fuzzyseg.training.patches import draw_patch
from fuzzyseg.training.run_record import config_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fuzzyseg.training.config import Channel

_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
_BATCH = 16  # patches at a time, and how often, for the statistics
_BATCHES = 20


def adapt(
    model: Model,
    image: NDArray[np.float32],
    settings: Adaptation | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Model, dict[str, Any]]:
    """Adapt a model to a scan.

    Parameters
    ----------
    model : Model
        With batch normalisation; it stays as it is.
    image : float32 ndarray of shape (D, X, Y, Z)
        The scan as the network sees it (`fuzzyseg.inference.preprocess.channels`).
    settings : Adaptation
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    model : Model
        The adapted one, or the one given if none agreed better with itself.
    report : dict
        "kept" ("original", "statistics" or "steps"), "mix", and the scores: "before", "after",
        and of everything that was tried.

    Raises
    ------
    InputError
        If a setting is out of range, or the network has no batch normalisation.
    """
    settings = settings or Adaptation()
    check_adaptation(settings)
    if not _norms(model.network):
        raise InputError(
            f"expected a network with batch normalisation to adapt, found {model.card.name} "
            "without; train it on more varied data (--randomise) instead"
        )
    total, done = len(settings.mixes) + 2, 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    before = self_consistency(model, image, settings.seed)
    tick()
    tried: dict[str, float] = {"original": before}
    best, kept, score, mix = model, "original", before, 0.0
    statistics = scan_statistics(model, image, settings.seed) if settings.mixes else []
    for share in settings.mixes:
        candidate = with_statistics(model, statistics, share)
        tried[f"statistics {share:g}"] = found = self_consistency(candidate, image, settings.seed)
        if found > score + settings.margin:
            best, kept, score, mix = candidate, "statistics", found, share
        tick()
    if settings.steps:
        candidate = _stepped(best, image, settings)
        tried["steps"] = found = self_consistency(candidate, image, settings.seed)
        if found > score + settings.margin:
            best, kept, score = candidate, "steps", found
    tick()
    report = {"kept": kept, "mix": mix, "before": before, "after": score, "tried": tried}
    if kept == "original":
        return model, report
    training = dict(model.card.training) | {
        "adapted": report | {"date": now(), "versions": versions(), "of": model.card.sha256}
    }
    # What was typical of the model as it was is not of this one.
    card = dataclasses.replace(best.card, training=training, typical=Typical())
    return Model(card, best.network), report


def self_consistency(model: Model, image: NDArray[np.float32], seed: int = 0) -> float:
    """How well a model agrees with itself when the same scan is shown differently, 0 to 1.

    The mean, over all classes but the background, of the soft Dice coefficient
    2 sum(u u') / sum(u^2 + u'^2) between the memberships u of the scan and u' of the scan seen
    mirrored, 10% darker or brighter, and with noise of 1% of its brightest voxels' level. A class
    that is empty agrees with nothing, so that a network that finds nothing does not look sure.
    """
    rng = np.random.default_rng(seed)
    first = predict(model, image, engine="torch")
    level = np.quantile(image[:, ::2, ::2, ::2], 0.999, axis=(1, 2, 3)).astype(np.float32)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= 0.01 * np.abs(level)[:, None, None, None]
    labels = first.argmax(0)
    found = [k for k in range(1, len(first)) if (labels == k).any()]
    scores = []
    for factor, sign in ((0.9, 1), (1.1, -1)):
        shown = np.ascontiguousarray(image[:, ::-1]) * np.float32(factor)
        second = predict(model, shown + sign * noise, engine="torch")[:, ::-1]
        for k in found:
            u, w = first[k], second[k]
            both = float((u * w).sum(dtype=np.float64))
            each = float((u * u).sum(dtype=np.float64) + (w * w).sum(dtype=np.float64))
            scores.append(2 * both / each)
    return float(np.sum(scores)) / (2 * (len(first) - 1))


def scan_statistics(
    model: Model, image: NDArray[np.float32], seed: int = 0
) -> list[tuple[Tensor, Tensor]]:
    """Means and variances that the inputs of each norm have in a scan, in the order of the norms.

    They are those of each layer while the layers before it already use the scan's own, averaged
    over patches that are drawn as in training.
    """
    network = copy.deepcopy(model.network)
    norms = _norms(network)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()  # of a first stage too, which `network.train` leaves as it is
    with torch.inference_mode():
        for seen in _patches(model, image, _BATCH, seed):
            network(seen)
    return [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]


def with_statistics(
    model: Model, statistics: Sequence[tuple[Tensor, Tensor]], share: float
) -> Model:
    """Return the model with this share of a scan's statistics in its norms, the rest its own."""
    network = copy.deepcopy(model.network)
    for norm, (mean, variance) in zip(_norms(network), statistics, strict=True):
        norm.running_mean = share * mean + (1 - share) * norm.running_mean
        norm.running_var = share * variance + (1 - share) * norm.running_var
    return Model(model.card, network.eval())


def _stepped(model: Model, image: NDArray[np.float32], settings: Adaptation) -> Model:
    """Return the model after some steps on L_RFCM, of the norms' scales and shifts alone."""
    network = copy.deepcopy(model.network).eval()  # statistics stay
    network.requires_grad_(False)
    moving = [p.requires_grad_() for norm in _norms(network) for p in norm.parameters()]
    memberships = predict(model, image, engine="torch")
    v = centres(memberships.astype(np.float64) ** settings.q, image.astype(np.float64))
    loss = RFCMLoss(settings.q, settings.beta, centres=Centres(move=False))
    fixed = torch.from_numpy(v).float()
    optimiser = torch.optim.Adam(moving, lr=settings.lr)
    rng = np.random.default_rng(settings.seed)
    n_channels, context = len(image), model.card.architecture.context
    batches = list(_patches(model, image, settings.batch, settings.seed))
    for _ in range(settings.steps):
        seen = batches[rng.integers(len(batches))]
        shown = seen
        if model.card.architecture.dims == 2:
            shown = seen.reshape(len(seen), n_channels, -1, *seen.shape[2:])[:, :, context]
        value: Any = loss(network(seen), shown, centres=fixed)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return Model(model.card, network.requires_grad_(True))


def _norms(network: nn.Module) -> list[Any]:
    return [m for m in network.modules() if isinstance(m, _NORMS)]


def _patches(model: Model, image: NDArray[np.float32], batch: int, seed: int) -> Iterator[Tensor]:
    """Batches of patches, drawn as in training: whole slices would be air for the most part.

    Bright voxels stand in for the lesions, which nobody has labelled here.
    """
    trained = model.card.training.get("config")
    config = config_from_json(dict(trained)) if trained else Config()
    a = model.card.architecture
    config = dataclasses.replace(
        config,
        channels=cast("tuple[Channel, ...]", a.channels),
        dims=cast("Literal[2, 3]", a.dims),
        context=a.context,
        planes=model.card.planes,
        bright=config.bright + config.lesions,
        lesions=0.0,
        augment=False,
        noise=0.0,
        blur=0.0,
        scale=0.0,
    )
    case = unlabelled_case(image)
    for number in range(_BATCHES):
        drawn = [
            draw_patch(case, config, np.random.default_rng([seed, number, element])).seen
            for element in range(batch)
        ]
        yield torch.from_numpy(np.stack(drawn))
