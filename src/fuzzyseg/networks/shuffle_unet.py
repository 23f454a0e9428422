"""A U-Net that never computes at full resolution, for volumes on a CPU."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from torch import nn
from torch.fx import wrap
from torch.nn import functional

from fuzzyseg.networks.layers import TRANSPOSED, cropped, normalised
from fuzzyseg.networks.network import Halving

if TYPE_CHECKING:
    from torch import Tensor

_WIDEST = 6  # times the filters of the finest level: 20, 40, 80, 120 of 20


@dataclass(eq=False, repr=False)
class ShuffleUNet(Halving):
    """A U-Net whose finest level is half the image's resolution (Shi et al., CVPR 2016).

    Neighbouring voxels become channels on the way in (`space_to_depth`), so nothing is lost, and
    every voxel's classes come out of its half-size voxel's filters: a convolution of width 1 onto
    2^dims C channels and a pixel shuffle, which together are the transposed convolution of width
    2 and stride 2 that `last` is. Between them two convolutions with batch normalisation and leaky
    ReLU a level; convolutions of stride 2 halve the image `halvings` times, transposed ones bring
    it back, where what was there is added (not stacked as in Ronneberger's network). The filters
    double each time up to six times the finest's. Images of any size go through: odd ones are
    padded with zeros at the far end and cut.

    A training step of two 64^3 patches takes a sixth of the time of `UNet` in 3-D with 16
    filters (benchmarks/bench_training_step.py). What it pays with are structures thinner than
    two voxels. With 20 filters, one channel and 3-D: 1,551,743 parameters.

    Parameters
    ----------
    in_channels, n_classes, filters, dims
        As of `Network`; volumes by default.
    halvings : int
        As of `Halving`, beyond that of the input.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    _: KW_ONLY
    filters: int = 20
    dims: int = 3

    def _build(self) -> None:
        filters, dims, halvings = self.filters, self.dims, self.halvings
        widths = [filters * min(2**level, _WIDEST) for level in range(halvings + 1)]
        entries = [self.in_channels * 2**dims, *widths]
        self.down = nn.ModuleList(
            nn.Sequential(
                *normalised(entry, width, dims, stride=2 if level else 1),
                *normalised(width, width, dims),
            )
            for level, (entry, width) in enumerate(zip(entries, widths, strict=False))
        )
        coarse_to_fine = list(zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True))
        self.upsample = nn.ModuleList(
            TRANSPOSED[dims](coarse, fine, 2, stride=2) for coarse, fine in coarse_to_fine
        )
        self.up = nn.ModuleList(
            nn.Sequential(*normalised(fine, fine, dims), *normalised(fine, fine, dims))
            for _, fine in coarse_to_fine
        )
        self.last = TRANSPOSED[dims](filters, self.n_classes, 2, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, C, *space) of an image (B, in_channels, *space); softmax(1) of them is u."""
        x = self.down[0](space_to_depth(image))
        kept = []
        for level in self.down[1:]:
            kept.append(x)
            x = level(x)
        for upsample, level in zip(self.upsample, self.up, strict=True):
            fine = kept.pop()
            x = level(fine + cropped(upsample(x), fine))
        return cropped(self.last(x), image)


def space_to_depth(image: Tensor) -> Tensor:
    """Make the 2^n voxels of each cell of an image into channels of one half-size voxel.

    Parameters
    ----------
    image : Tensor of shape (B, D, *space)
        Of n axes of any length; odd ones get a zero at the far end.

    Returns
    -------
    Tensor of shape (B, D 2^n, *half)
        Channel d 2^n + i is the i-th voxel of the cell, the last axis counting fastest:
        the inverse of the pixel shuffle (`torch.nn.functional.pixel_unshuffle` in 2-D).
    """
    batch, channels, *space = image.shape
    image = functional.pad(image, [end for n in reversed(space) for end in (0, n % 2)])
    half = [math.ceil(n / 2) for n in space]
    n = len(space)
    cells = image.reshape(batch, channels, *(size for h in half for size in (h, 2)))
    within, across = range(3, 3 + 2 * n, 2), range(2, 2 + 2 * n, 2)
    return cells.permute(0, 1, *within, *across).reshape(batch, channels * 2**n, *half)


for name in ("space_to_depth", "cropped"):
    wrap(name)  # one step each for those who trace the network, whatever the sizes
