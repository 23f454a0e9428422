"""The table of lesions: a row each, units in its head, and below it what is not known and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzyseg.report.page.text import escaped, number, unit_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzzyseg.quantification import Lesion, Quantification

MANY = 30  # lesions; more are printed without pictures, so that they fit on a page


@dataclass(frozen=True)
class Column:
    """One column: its head, the field of a lesion that it shows, times a scale, and its limits."""

    title: str
    unit: str
    field: str
    decimals: int
    scale: float = 1.0
    limits: tuple[str, str] | None = None

    def value(self, one: Lesion) -> float | None:
        """Value of a lesion in this column's unit."""
        found: float | None = getattr(one, self.field)
        return None if found is None else found * self.scale

    def between(self, one: Lesion) -> str:
        """Limits of the true value, where a lesion has them."""
        if self.limits is None:
            return ""
        low, high = (getattr(one, name) for name in self.limits)
        if low is None or high is None:
            return ""
        first, last = (number(limit * self.scale, self.decimals) for limit in (low, high))
        return f"<small>{first}\u2013{last}</small>"


def columns(q: Quantification) -> tuple[Column, ...]:
    """Choose what is shown: SUV where there is one, else the image's own values and kBq."""
    if q.scales.suv is not None:
        hot = tuple(Column(f"SUV{name}", "", f"suv_{name}", 1) for name in ("max", "peak", "mean"))
    else:
        names = (("Maximum", "max"), ("Peak", "peak"), ("Mean", "mean"))
        unit = unit_name(q.scales.unit)
        hot = tuple(Column(title, unit, f"image_{name}", 1) for title, name in names)
    becquerel = q.scales.suv is None and q.scales.bq is not None
    unit, name, scale = ("kBq", "activity_bq", 1e-3) if becquerel else ("SUV mL", "total_suv_ml", 1)
    stem, suffix = name.rsplit("_", 1)
    between = (f"{stem}_low_{suffix}", f"{stem}_high_{suffix}")
    uptake: tuple[Column, ...] = (Column("Uptake", unit, name, 1, scale, between),)
    if q.measuring.resolution_mm is not None:
        uptake += (Column("Corrected", unit, f"corrected_{name}", 1, scale),)
    return (
        Column("Volume", "mL", "volume_ml", 1, limits=("volume_low_ml", "volume_high_ml")),
        *hot,
        *uptake,
        Column("To bone", "times", "to_bone", 1),
        Column("Diameter", "mm", "longest_diameter_mm", 0),
        Column("Density", "HU", "hu_mean", 0),
    )


def rows(q: Quantification, pictures: Mapping[int, str]) -> str:
    """Lay out head and body of the table."""
    shown = columns(q)
    head = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{escaped(column.title)}'
        f"<small>{escaped(column.unit)}</small></button></th>"
        for column in shown
    )
    body = "".join(_row(one, shown, pictures.get(one.number)) for one in q.lesions)
    return (
        '<thead><tr><th scope="col" aria-sort="ascending"><button type="button">No.</button></th>'
        '<th scope="col" class="picture">Seen</th><th scope="col">Site</th>'
        f"{head}</tr></thead><tbody>{body}</tbody>"
    )


def unknown(q: Quantification) -> str:
    """Say below the table why whole columns are empty; a dash tells it of single lesions."""
    names = {column.field: column.title for column in columns(q)} | {"site": "Site"}
    titles: dict[str, list[str]] = {}
    for field, title in names.items():
        reasons = {one.reasons.get(field) for one in q.lesions if getattr(one, field) is None}
        if len(reasons) == 1 and all(getattr(one, field) is None for one in q.lesions):
            titles.setdefault(str(reasons.pop()), []).append(title)
    said = [f"{', '.join(those)}: {reason}." for reason, those in titles.items()]
    return f'<p class="why">Not known: {escaped(" ".join(said))}</p>' if said else ""


def about_intervals(q: Quantification) -> str:
    """Say what the small figures in the table are, and how often they held the truth."""
    told = q.intervals
    if told is None or all(one.interval_coverage is None for one in q.lesions):
        return ""
    tested = ""
    if told.held is not None:
        volume, uptake = told.held
        tested = (
            f"; of {told.tested} lesions in other simulated patients they held {volume:.0%} and "
            f"{uptake:.0%}"
        )
    return (
        f'<p class="why">Small figures: between them should lie the true volume and uptake of '
        f"{told.coverage:.0%} of lesions{tested}. They allow for blur: a measured figure may lie "
        "outside.</p>"
    )


def _row(one: Lesion, shown: Sequence[Column], picture: str | None) -> str:
    cells = []
    for column in shown:
        value = column.value(one)
        key = "" if value is None else f"{value:.6g}"
        text = number(value, column.decimals, one.reasons.get(column.field, ""))
        cells.append(f'<td data-value="{key}">{text}{column.between(one)}</td>')
    seen = (
        f'<img src="{picture}" alt="axial, coronal and sagittal slice through lesion {one.number}">'
        if picture
        else ""
    )
    cut = ' <abbr title="reaches the border of the field">cut</abbr>' if one.at_border else ""
    return (
        f'<tr tabindex="0" data-lesion="{one.number}" aria-selected="false">'
        f'<th scope="row" data-value="{one.number}">{one.number}{cut}</th>'
        f'<td class="seen picture">{seen}</td><td class="seen site">{_site(one)}</td>'
        f"{''.join(cells)}</tr>"
    )


def _site(one: Lesion) -> str:
    if one.site is None:
        return number(None, 0, one.reasons.get("site", ""))
    sure = "" if one.site_confidence is None else f"confidence {one.site_confidence:.2f}"
    return f'<span title="{sure}">{escaped(one.site)}</span>'
