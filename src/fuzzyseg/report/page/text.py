"""The page's parts that are words and numbers."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.quantification import Quantification
    from fuzzyseg.quantification.records import Lesion
    from fuzzyseg.volume import Segmentation

# Column of the table: title, unit, field, decimals.
_COLUMNS = (
    ("Volume", "mL", "volume_ml", 1),
    ("SUVmax", "", "suv_max", 1),
    ("SUVpeak", "", "suv_peak", 1),
    ("SUVmean", "", "suv_mean", 1),
    ("Uptake", "SUV mL", "total_suv_ml", 1),
    ("To bone", "times", "to_bone", 1),
    ("Diameter", "mm", "longest_diameter_mm", 0),
    ("Density", "HU", "hu_mean", 0),
)
_IN_IMAGE = {"suv_max": "image_max", "suv_peak": "image_peak", "suv_mean": "image_mean"}


def escaped(text: object) -> str:
    """Write text so that HTML takes it as text."""
    return html.escape(str(text))


def number(value: float | None, decimals: int, reason: str = "") -> str:
    """Write a number for people; a dash that tells why where there is none."""
    if value is None:
        why = escaped(reason or "not known")
        return f'<span class="none" title="{why}" aria-label="not known: {why}">–</span>'
    large = abs(value) >= 1000
    return f"{value:,.{0 if large else decimals}f}".replace(",", "\u2009")


def figures(q: Quantification) -> str:
    """Tell what a physician looks for first: how many, how much, how hot."""
    p = q.patient
    hottest = next((one for one in q.lesions if p.hottest and one.number == p.hottest[0]), None)
    has_suv = q.scales.suv is not None
    peak = None if hottest is None else hottest.suv_max if has_suv else hottest.image_max
    why = p.reasons
    hot_title = "Highest SUVmax" if has_suv else "Highest uptake"
    hot_unit = "" if has_suv else q.scales.unit
    cards = (
        ("Lesions", number(p.lesion_count, 0, why.get("lesion_count", "")), ""),
        ("Lesion volume", number(p.lesion_volume_ml, 1, why.get("lesion_volume_ml", "")), "mL"),
        (
            "Lesion uptake",
            number(p.lesion_total_suv_ml, 0, why.get("lesion_total_suv_ml", "")),
            "SUV mL",
        ),
        (
            "Skeletal burden",
            number(
                p.spect_skeletal_burden_percent, 1, why.get("spect_skeletal_burden_percent", "")
            ),
            "% of the skeleton\u2019s volume",
        ),
        (
            hot_title,
            number(peak, 1, "no lesion"),
            f"{hot_unit} lesion {hottest.number}" if hottest else "",
        ),
    )
    return "\n".join(
        f'<div class="card"><dt>{title}</dt><dd>{value}</dd>'
        f'<dd class="unit">{escaped(unit)}</dd></div>'
        for title, value, unit in cards
    )


def warnings_of(segmentation: Segmentation, q: Quantification) -> str:
    """List what to know before trusting a number; calm where there is nothing."""
    said = list(dict.fromkeys([*segmentation.provenance.warnings, *q.notes]))
    if q.patient.lesion_count == 0:
        said.insert(0, "No lesion was found. That does not rule out disease: look at the images.")
    if not said:
        return ""
    items = "".join(f"<li>{escaped(text)}</li>" for text in said)
    return f'<ul class="warnings" aria-label="Warnings">{items}</ul>'


def mips(front: str, shape: tuple[int, ...], places: Mapping[int, tuple[float, float]]) -> str:
    """Show the whole body from the front and from behind, lesions numbered."""
    height, width = shape[:2]
    return "\n".join(
        _mip(front, width, height, places, mirrored=mirrored) for mirrored in (False, True)
    )


def _mip(
    picture: str,
    width: int,
    height: int,
    places: Mapping[int, tuple[float, float]],
    *,
    mirrored: bool,
) -> str:
    title = "posterior" if mirrored else "anterior"
    left, right = ("L", "R") if mirrored else ("R", "L")
    turned = f' transform="matrix(-1 0 0 1 {width} 0)"' if mirrored else ""
    marks = []
    taken: list[tuple[float, float]] = []
    for n, (x, y) in places.items():
        at = (width - x if mirrored else x, y)
        to = _free(at, taken, width)
        taken.append(to)
        marks.append(
            f'<g class="mark" data-lesion="{n}"><line x1="{at[0]:.1f}" y1="{at[1]:.1f}" '
            f'x2="{to[0]:.1f}" y2="{to[1]:.1f}"/>'
            f'<text x="{to[0]:.1f}" y="{to[1] + 4:.1f}">{n}</text></g>'
        )
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="Maximum intensity '
        f'projection, {title}, lesions numbered"><image href="{picture}" width="{width}" '
        f'height="{height}"{turned}/><text class="side" x="6" y="{height / 2:.0f}">{left}</text>'
        f'<text class="side" x="{width - 14}" y="{height / 2:.0f}">{right}</text>'
        f"{''.join(marks)}</svg><figcaption>MIP, {title}</figcaption></figure>"
    )


def _free(
    at: tuple[float, float], taken: list[tuple[float, float]], width: int
) -> tuple[float, float]:
    """Find room for a number beside its lesion, away from the middle, clear of the others."""
    out = 1 if at[0] >= width / 2 else -1
    x, y = at
    for reach in range(22, 90, 8):
        for rise in (0, -12, 12, -24, 24):
            x = min(max(at[0] + out * reach, 10), width - 10)
            y = at[1] + rise
            if all(abs(x - a) > 18 or abs(y - b) > 12 for a, b in taken):
                return x, y
    return x, y


def rows(q: Quantification, pictures: Mapping[int, str]) -> str:
    """Lay out the table: units stand in its head."""
    fields = [_field(q, name) for _, _, name, _ in _COLUMNS]
    head = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{_title(q, title, name)}'
        f"<small>{escaped(unit or _unit(q, name))}</small></button></th>"
        for title, unit, name, _ in _COLUMNS
    )
    body = "".join(_row(one, fields, pictures.get(one.number)) for one in q.lesions)
    return (
        '<thead><tr><th scope="col" aria-sort="ascending"><button type="button">No.</button></th>'
        '<th scope="col">Seen</th><th scope="col">Site</th>'
        f"{head}</tr></thead><tbody>{body}</tbody>"
    )


def _field(q: Quantification, name: str) -> str:
    """SUV where there is one, else the image's own values."""
    return name if q.scales.suv is not None else _IN_IMAGE.get(name, name)


def _title(q: Quantification, title: str, name: str) -> str:
    if q.scales.suv is None and name in _IN_IMAGE:
        return escaped({"suv_max": "Maximum", "suv_peak": "Peak", "suv_mean": "Mean"}[name])
    return escaped(title)


def _unit(q: Quantification, name: str) -> str:
    return q.scales.unit if q.scales.suv is None and name in _IN_IMAGE else ""


def _row(one: Lesion, fields: list[str], picture: str | None) -> str:
    cells = []
    for name, (_, _, asked, decimals) in zip(fields, _COLUMNS, strict=True):
        value = getattr(one, name)
        key = "" if value is None else f"{value:.6g}"
        why = one.reasons.get(name, one.reasons.get(asked, ""))
        cells.append(f'<td data-value="{key}">{number(value, decimals, why)}</td>')
    seen = (
        f'<img src="{picture}" alt="axial, coronal and sagittal slice through lesion {one.number}">'
        if picture
        else ""
    )
    cut = ' <abbr title="reaches the border of the field">cut</abbr>' if one.at_border else ""
    return (
        f'<tr tabindex="0" data-lesion="{one.number}" aria-selected="false">'
        f'<th scope="row" data-value="{one.number}">{one.number}{cut}</th>'
        f'<td class="seen">{seen}</td><td class="seen">{_site(one)}</td>{"".join(cells)}</tr>'
    )


def _site(one: Lesion) -> str:
    if one.site is None:
        return number(None, 0, one.reasons.get("site", ""))
    sure = "" if one.site_confidence is None else f"confidence {one.site_confidence:.2f}"
    return f'<span title="{sure}">{escaped(one.site)}</span>'


def details(described: Mapping[str, Any]) -> str:
    """Show how it was made, as it stands in run.json."""
    text = json.dumps(described, indent=2, ensure_ascii=False, default=str)
    return f"<pre>{escaped(text)}</pre>"
