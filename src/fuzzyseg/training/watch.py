"""Warnings of a network that has stopped telling classes apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_UNIFORM = 0.1  # mean of the largest membership, above 1/C, below which classes are all equal
_PATIENCE = 3  # intervals of the log in a row, before a warning


class Watch:
    """Notices when memberships collapse: all classes equal, or one of them empty.

    Parameters
    ----------
    names : sequence of str
        Of the classes.

    Attributes
    ----------
    totals : float64 Tensor of shape (1 + C,)
        Of the interval: sum of the largest memberships, and voxels of each class. Processes
        that train together add theirs up before `report`.
    shares : list of C floats
        Of the classes, in the interval before.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.shares = [0.0] * len(names)
        self.totals = torch.zeros(1 + len(names), dtype=torch.float64)
        self._bad: dict[str, int] = {}

    def see(self, memberships: Tensor) -> None:
        """Take note of a batch's memberships (B, C, *space)."""
        largest, labels = memberships.detach().max(1)
        counts = torch.bincount(labels.flatten(), minlength=len(self.names))
        self.totals = self.totals.to(largest.device)
        self.totals += torch.cat([largest.sum(dtype=torch.float64)[None], counts])

    def report(self) -> list[str]:
        """Close an interval: sets `shares`, returns warnings that are new."""
        largest, *counts = self.totals.tolist()
        self.totals.zero_()
        voxels = sum(counts)
        if not voxels:
            return []
        self.shares = [count / voxels for count in counts]
        found = {}
        if largest / voxels < 1 / len(self.names) + _UNIFORM:
            found["uniform"] = (
                "the memberships of all classes are nearly equal: the network does "
                "not distinguish them; if this continues, fix the centres (--centres "
                "fixed), anneal q, or lower --lr"
            )
        for name, share in zip(self.names, self.shares, strict=True):
            if share == 0:
                found[name] = (
                    f"no voxel belongs most to {name}: that class is empty; if this "
                    "continues, draw more bright patches (--bright), fix the centres "
                    "or train longer"
                )
        self._bad = {key: self._bad.get(key, 0) + 1 for key in found}
        return [text for key, text in found.items() if self._bad[key] == _PATIENCE]
