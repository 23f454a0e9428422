"""A network in numbers: what is needed to build it, without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.networks.registry import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TASKS: dict[tuple[str, ...], str] = {
    ("spect",): "spect",
    ("spect", "ct"): "spect-ct",
    ("ct",): "ct",
}
# Beyond these no network is built: a file that asks for more is damaged or means harm.
_MOST_FILTERS, _MOST_STEPS, _MOST_CONTEXT = 4096, 64, 1024
_LONGEST_NAME, _SHOWN = 100, 100  # characters


def shown(value: object, how: Callable[[object], str] = repr) -> str:
    """Show a value in one short line, whatever a file holds."""
    text = " ".join(how(value).split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def check(good: bool, what: str, allowed: Iterable[object], found: object) -> None:
    """Raise InputError unless a value of a card is good."""
    if not good:
        choices = ", ".join(map(str, allowed))
        raise InputError(f"expected {what} {choices}, found {shown(found)}; give one of these")


def is_name(text: str) -> bool:
    """Whether people and files can use a text as a name."""
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable()


@dataclass(frozen=True)
class Architecture:
    """A network, enough to build it.

    Parameters
    ----------
    network : str
        One of `NETWORKS`.
    channels : tuple of str
        What the network sees: ("spect",), ("spect", "ct") or ("ct",).
    classes : tuple of str
        Names of the classes, in order of the output's channels.
    filters : int
    dims : {2, 3}
        A network of slices or of volumes.
    context : int
        Neighbouring slices on either side that a network of slices sees too (2.5-D). Its input
        is, for each channel in turn, the 2 context + 1 slices in order of rising index.
    steps : int
        Of the recurrent layers; of the U-Net, how often it halves the image.
    """

    network: str = "recurrent"
    channels: tuple[str, ...] = ("spect",)
    classes: tuple[str, ...] = CLASSES
    filters: int = 16
    dims: int = 2
    context: int = 0
    steps: int = 3

    def __post_init__(self) -> None:
        check(self.network in NETWORKS, "a network out of", NETWORKS, self.network)
        check(self.channels in TASKS, "channels out of", TASKS, self.channels)
        dims = NETWORKS[self.network].dims
        check(self.dims in dims, f"dims of {self.network} of", dims, self.dims)
        enough = len(self.classes) >= 2 and len(set(self.classes)) == len(self.classes)
        names = enough and all(map(is_name, self.classes))
        check(names, "classes of", ("two or more short names that differ",), self.classes)
        check(
            1 <= self.filters <= _MOST_FILTERS, "filters", (f"1 to {_MOST_FILTERS}",), self.filters
        )
        check(0 <= self.steps <= _MOST_STEPS, "steps", (f"0 to {_MOST_STEPS}",), self.steps)
        context = 0 <= self.context <= (_MOST_CONTEXT if self.dims == 2 else 0)
        check(context, "context", (f"0 to {_MOST_CONTEXT}, with dims 3 of 0",), self.context)

    @property
    def in_channels(self) -> int:
        """Channels of the network's input."""
        return len(self.channels) * (2 * self.context + 1)

    @property
    def first(self) -> Architecture | None:
        """Architecture of the first stage, which is trained before; None for one stage."""
        name = NETWORKS[self.network].first
        return None if name is None else replace(self, network=name, channels=self.channels[:1])
