"""What every network of the package is built from, checked in one place."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from torch import nn

from fuzzyseg.errors import InputError
from fuzzyseg.networks.layers import CONVOLUTIONS


@dataclass(eq=False, repr=False)
class Network(nn.Module):
    """A torch module whose constructor's parameters are its fields.

    A subclass is a dataclass, made as this one is; it may add fields and change their defaults,
    builds its layers in `_build`, and has a `forward` from an image (B, in_channels, *space), of
    any size, to logits (B, n_classes, *space); softmax(1) of these is the membership u.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    n_classes : int
        C, at least 2.
    filters : int
        Of the layers, or of the finest ones.
    dims : {2, 3}
        Images or volumes.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    in_channels: int = 1
    n_classes: int = 3
    _: KW_ONLY
    filters: int = 16
    dims: int = 2

    def __post_init__(self) -> None:
        """Check the numbers, and build."""
        super().__init__()
        if self.dims not in CONVOLUTIONS:
            raise InputError(
                f"expected a network of 2 or 3 dimensions, found {self.dims}; give 2 or 3"
            )
        if min(self.in_channels, self.filters) < 1 or self.n_classes < 2:
            raise InputError(
                f"expected at least 1 channel, 1 filter and 2 classes, found {self.in_channels}, "
                f"{self.filters} and {self.n_classes}; give larger numbers"
            )
        self._build()

    def _build(self) -> None:
        """Make the layers, after checking what the subclass adds."""
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class Halving(Network):
    """A network that sees the image at several resolutions, each half of the one before.

    Parameters
    ----------
    in_channels, n_classes, filters, dims
        As of `Network`.
    halvings : int
        How often the image is halved, 0 or more.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    _: KW_ONLY
    halvings: int = 3

    def __post_init__(self) -> None:
        """Check the numbers, and build."""
        if self.halvings < 0:
            raise InputError(f"expected to halve the image 0 times or more, found {self.halvings}")
        super().__post_init__()
