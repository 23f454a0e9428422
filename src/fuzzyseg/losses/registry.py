"""The losses there are: the one list that the command line, `info`, docs and exports read.

A loss is a module of its own file and a line here; nothing imports torch before it is built.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.lazy import load
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:  # what `fuzzyseg.losses` exports; at run time the table below says so
    from torch import nn

    from fuzzyseg.losses.centres import Centres as Centres
    from fuzzyseg.losses.cross_entropy import CrossEntropyLoss as CrossEntropyLoss
    from fuzzyseg.losses.cross_entropy import cross_entropy_loss as cross_entropy_loss
    from fuzzyseg.losses.dice import DiceLoss as DiceLoss
    from fuzzyseg.losses.dice import dice_loss as dice_loss
    from fuzzyseg.losses.fcm_label import FCMLabelLoss as FCMLabelLoss
    from fuzzyseg.losses.fcm_label import fcm_label_loss as fcm_label_loss
    from fuzzyseg.losses.mumford_shah import MumfordShahLoss as MumfordShahLoss
    from fuzzyseg.losses.mumford_shah import mumford_shah_loss as mumford_shah_loss
    from fuzzyseg.losses.rfcm import RFCMLoss as RFCMLoss
    from fuzzyseg.losses.rfcm import rfcm_loss as rfcm_loss
    from fuzzyseg.losses.semi import Semi as Semi
    from fuzzyseg.losses.semi import SemiMumfordShahLoss as SemiMumfordShahLoss
    from fuzzyseg.losses.semi import SemiRFCMLoss as SemiRFCMLoss


@dataclass(frozen=True)
class LossEntry:
    """A loss and what it needs.

    Parameters
    ----------
    about : str
        One line for people.
    home : str
        "module:Class" of an `ImageLoss`, a `LabelLoss` or a `Semi`.
    image, labels : bool
        What it looks at, beside the network's output.
    function : str
        Name of the same as a function, in the same module, if there is one.
    terms : tuple of str
        Names of the losses that it is the sum of, eq. (13), if it is one.
    """

    about: str
    home: str
    image: bool = False
    labels: bool = False
    function: str = ""
    terms: tuple[str, ...] = ()

    def parameters(self) -> dict[str, inspect.Parameter]:
        """Parameters of its constructor, by name."""
        return dict(inspect.signature(load(self.home)).parameters)


_HERE = "fuzzyseg.losses"
LOSSES: dict[str, LossEntry] = {
    "rfcm": LossEntry(
        "robust fuzzy c-means of the image, eq. (11): no labels",
        f"{_HERE}.rfcm:RFCMLoss",
        image=True,
        function="rfcm_loss",
    ),
    "ms": LossEntry(
        "Mumford-Shah of the image, eq. (7): no labels",
        f"{_HERE}.mumford_shah:MumfordShahLoss",
        image=True,
        function="mumford_shah_loss",
    ),
    "fcm-label": LossEntry(
        "supervised fuzzy c-means, eq. (15): labels only",
        f"{_HERE}.fcm_label:FCMLabelLoss",
        labels=True,
        function="fcm_label_loss",
    ),
    "ce": LossEntry(
        "cross-entropy, eq. (18): labels only",
        f"{_HERE}.cross_entropy:CrossEntropyLoss",
        labels=True,
        function="cross_entropy_loss",
    ),
    "dice": LossEntry(
        "soft Dice, eq. (17): labels only",
        f"{_HERE}.dice:DiceLoss",
        labels=True,
        function="dice_loss",
    ),
    "semi-rfcm": LossEntry(
        "rfcm + alpha fcm-label, eq. (16): images with and without labels",
        f"{_HERE}.semi:SemiRFCMLoss",
        image=True,
        labels=True,
        terms=("rfcm", "fcm-label"),
    ),
    "semi-ms": LossEntry(
        "ms + alpha ce, eq. (10): images with and without labels",
        f"{_HERE}.semi:SemiMumfordShahLoss",
        image=True,
        labels=True,
        terms=("ms", "ce"),
    ),
}


def loss_entry(name: str) -> LossEntry:
    """Return what is known of a loss, or raise InputError where there is none of that name."""
    return entry_of(LOSSES, name, "loss")


def get_loss(name: str, **parameters: Any) -> nn.Module:
    """Build a loss by its name.

    Parameters
    ----------
    name : str
        A key of `LOSSES`.
    **parameters
        Of its class; `LOSSES[name].parameters()` lists them.

    Raises
    ------
    InputError
        If there is no such loss, it has no such parameter, or one is out of range.
    """
    entry = loss_entry(name)
    known = entry.parameters()
    unknown = [parameter for parameter in parameters if parameter not in known]
    if unknown:
        raise InputError(
            f"expected parameters of {name} out of {', '.join(known)}, found "
            f"{', '.join(unknown)}; leave out those that its equation does not have"
        )
    loss: nn.Module = load(entry.home)(**parameters)
    return loss


def places() -> list[str]:
    """Where everything is that `fuzzyseg.losses` exports: classes, functions, and their parts."""
    found = [f"{_HERE}.centres:Centres", f"{_HERE}.semi:Semi"]
    for entry in LOSSES.values():
        module, _ = entry.home.split(":")
        found += [entry.home, *([f"{module}:{entry.function}"] if entry.function else [])]
    return found
