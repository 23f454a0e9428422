"""Averages of weights: over the last steps, which is steadier, and of a start and an end."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


def average_in(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    r"""Move an average towards a network's weights after a step, in place.

    .. math:: \bar w \leftarrow d \bar w + (1 - d) w, \quad d = \min(decay, (1 + t) / (10 + t))

    The statistics of the normalisations are averaged as well: those of single batches of a few
    patches scatter. The smaller d of the first steps t lets go of the random weights.

    Parameters
    ----------
    average, network : nn.Module
        Of one architecture.
    decay : float from 0 to 1
        Below 1; the average reaches over about 1 / (1 - decay) steps.
    step : int
        Steps done before this one, t.
    """
    d = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, new in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - d)
            else:  # the number of batches
                mean.copy_(new)


def between(start: nn.Module, end: nn.Module, share: float) -> nn.Module:
    r"""Return a network between the one that training began with and what it became.

    .. math:: w = s w_{start} + (1 - s) w_{end}

    What training on other data gains is kept for the most part, and what it forgets comes back
    (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022). The statistics of the
    normalisations are averaged as well.

    Parameters
    ----------
    start, end : nn.Module
        Of one architecture, the second trained from the first.
    share : float from 0 to 1
        The start's.

    Returns
    -------
    nn.Module
        A new one.
    """
    found = copy.deepcopy(end)
    with torch.no_grad():
        for mean, first in zip(
            found.state_dict().values(), start.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(first, share)
    return found
