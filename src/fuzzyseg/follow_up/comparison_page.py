"""comparison.html: both days on one page that loads nothing from elsewhere."""

from __future__ import annotations

import json
from importlib import metadata, resources
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.follow_up.comparison_document import document
from fuzzyseg.follow_up.comparison_text import alignment_told, cards, listed, rows, sentence
from fuzzyseg.follow_up.one_grid import alignment_picture, on_one_grid
from fuzzyseg.report.page.crops import middles, picture_at
from fuzzyseg.report.page.document import asset
from fuzzyseg.report.page.mip_svg import mips
from fuzzyseg.report.page.pixels import data_url
from fuzzyseg.report.page.text import details, escaped
from fuzzyseg.report.page.whole_body import empty_margin, places_in_picture, whole_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.follow_up.comparison import Comparison
    from fuzzyseg.follow_up.one_grid import Shown
    from fuzzyseg.report.page.oriented import Oriented

_MOST_PICTURES = 80  # lesions with pictures of their own, the largest first


def comparison_html(comparison: Comparison) -> str:
    """Lay out what has changed: sums, both days' pictures, a row a lesion, how it was aligned.

    Returns
    -------
    str
        HTML. No name, number, date or path of a patient is in it.
    """
    c = comparison
    shown = on_one_grid(c)
    pictures = _pictures(shown, [each.number for each in c.changes[:_MOST_PICTURES]])
    return Template(_own("compare.html")).substitute(
        style=asset("report.css") + _own("compare.css"),
        script=asset("table.js") + _own("compare.js"),
        cards=cards(c),
        sentence=sentence(c),
        notes=listed(c.notes),
        mips=_mips(shown),
        rows=rows(c, pictures),
        alignment=data_url(alignment_picture(shown, c.alignment.by)),
        aligned=alignment_told(c.alignment),
        pairs=c.limits.pairs,
        measured_on=escaped(c.limits.measured_on),
        details=details(_how(c)),
        version=escaped(metadata.version("fuzzyseg")),
    )


def _mips(shown: Shown) -> str:
    """Draw both days from the front, then from behind, cut to one width."""
    days = (shown.baseline, shown.follow_up)
    drawn = [whole_body(day) for day in days]
    margin = min(empty_margin(picture) for picture, _ in drawn)
    figures = [
        mips(
            data_url(picture),
            picture.shape,
            places_in_picture(day, _present(day), mm),
            margin,
            when,
        ).split("\n")
        for day, (picture, mm), when in zip(days, drawn, ("Baseline", "Follow-up"), strict=True)
    ]
    return "\n".join(figure for view in zip(*figures, strict=True) for figure in view)


def _present(day: Oriented) -> list[int]:
    """Numbers of the lesions that a day has a voxel of."""
    return [int(n) for n in np.unique(day.lesions) if n]


def _pictures(shown: Shown, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Draw each lesion on both days, around one place: its middle on the day that has it."""
    places: dict[int, NDArray[np.intp]] = {}
    for day in (shown.follow_up, shown.baseline):  # the baseline's place, where it has one
        places |= middles(day, [n for n in _present(day) if n in numbers])
    return {
        n: (picture_at(shown.baseline, n, centre), picture_at(shown.follow_up, n, centre))
        for n, centre in places.items()
    }


def _how(comparison: Comparison) -> dict[str, object]:
    """Everything of compare.json but the lesions, which stand in the table."""
    told = document(comparison)
    return json.loads(json.dumps({k: v for k, v in told.items() if k not in {"lesions", "notes"}}))  # type: ignore[no-any-return]


def _own(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text("utf-8")
