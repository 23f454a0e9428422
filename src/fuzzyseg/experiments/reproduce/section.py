"""What an item gives to the page: words, tables, figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure as Drawing

    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.jobs import Job

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers; None where there is none.

    Parameters
    ----------
    name : str
        Of its files.
    caption : str
    columns : sequence of str
    rows : sequence of sequences
    """

    name: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Figure:
    """A picture, drawn when the page is written."""

    name: str
    caption: str
    draw: Callable[[], Drawing]


@dataclass(frozen=True)
class Claim:
    """Something that the paper says, and whether it held here.

    Parameters
    ----------
    says : str
    held : {"held", "did not hold", "not decided"}
    numbers : str
        What it is judged by.
    reason : str
        Why, where it did not hold or is not decided.
    """

    says: str
    held: Literal["held", "did not hold", "not decided"]
    numbers: str
    reason: str = ""


@dataclass(frozen=True)
class Section:
    """One item's part of the page.

    Parameters
    ----------
    text : str
        One paragraph.
    tables, figures, claims : tuple
    missing : str
        "needs ..." where it could not be run; empty if it was.
    """

    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    claims: tuple[Claim, ...] = field(default=())
    missing: str = ""


class Item(Protocol):
    """An experiment: a module of `items` with these names."""

    NAMES: tuple[str, ...]
    TITLE: str

    def jobs(self, plan: Plan) -> list[Job]:
        """Everything that it needs computed."""

    def section(self, plan: Plan, results: Results) -> Section:
        """Draw it; what failed or is not done yet is shown as such."""
