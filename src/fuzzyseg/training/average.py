"""An exponential moving average of a network's weights, which is steadier than the last ones."""

from __future__ import annotations

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
