"""The page's parts that are words and numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fuzzyseg.follow_up.change import percent
from fuzzyseg.follow_up.patient_totals import totals_of
from fuzzyseg.report.page.text import escaped, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzzyseg.follow_up.alignment import Alignment
    from fuzzyseg.follow_up.change import Both, Change
    from fuzzyseg.follow_up.comparison import Comparison

# What a person looks for first stands first when the table is sorted by it.
_ORDER = ("new", "gone", "split", "merged", "regrouped", "same", "not in field")
_UP, _DOWN = {"new", "grown", "hotter"}, {"gone", "shrunk", "cooler"}
_NOTHING = "no lesion was found there on this day"
_CUT = "reaches the border of a day\u2019s field"


def cards(comparison: Comparison) -> str:
    """Show the patient's sums on both days."""
    parts = []
    for each in totals_of(comparison):
        before, after = (number(v, each.decimals) for v in each.values)
        change = _percent(percent(each.values)) if each.name != "lesion_count" else ""
        beyond = _beyond(each.values, each.limit)
        repeats = "" if beyond is None else f", {'beyond' if beyond else 'within'} repeatability"
        parts.append(
            f'<div class="card"><dt>{escaped(each.title)}</dt>'
            f'<dd>{before}<span class="to"> \u2192 </span>{after}</dd>'
            f'<dd class="unit">{escaped(each.unit)}<br>{change}{repeats}</dd></div>'
        )
    return "\n".join(parts)


def _beyond(values: Both, limit: float | None) -> bool | None:
    """Tell whether a change exceeds its limit; None where one of them is not known."""
    before, after = values
    if limit is None or not before or not after:
        return None
    return not 1 / limit <= after / before <= limit


def sentence(comparison: Comparison) -> str:
    """Say in one line how many lesions have done what."""
    counted = Counter(each.told for each in comparison.changes)
    if not counted:
        return "No lesion was found on either day. That does not rule out disease: look at them."
    said = [f"{n} {what}" for what, n in counted.most_common()]
    return escaped("; ".join(said)) + "."


def listed(notes: Sequence[str]) -> str:
    """List what to know before trusting a number."""
    if not notes:
        return ""
    items = "".join(f"<li>{escaped(text)}</li>" for text in notes)
    return f'<ul class="warnings" aria-label="Warnings">{items}</ul>'


def rows(comparison: Comparison, pictures: Mapping[int, tuple[str, str]]) -> str:
    """Lay out the table: baseline and follow-up beside each other, then the change."""
    unit = escaped(comparison.uptake.unit)
    heads = (
        ("Change", "", "change"),
        ("Volume", "mL", ""), ("", "%", ""),
        ("Peak", unit, ""), ("", "%", ""),
        ("Uptake", f"{unit} × mL", ""), ("", "%", ""),
    )  # fmt: skip
    head = "".join(
        f'<th scope="col" aria-sort="none" class="{kind}"><button type="button">'
        f"{title or 'change'}<small>{small}</small></button></th>"
        for title, small, kind in heads
    )
    body = "".join(_row(each, pictures.get(each.number)) for each in comparison.changes)
    return (
        '<thead><tr><th scope="col" aria-sort="ascending"><button type="button">No.</button></th>'
        '<th scope="col">Baseline, follow-up</th><th scope="col">Site</th>'
        f"{head}</tr></thead><tbody>{body}</tbody>"
    )


def _row(change: Change, pictures: tuple[str, str] | None) -> str:
    seen = "".join(
        f'<img src="{picture}" alt="axial, coronal and sagittal slice through lesion '
        f'{change.number} at {when}">'
        for picture, when in zip(pictures or (), ("baseline", "follow-up"), strict=False)
    )
    site = number(None, 0) if change.site is None else escaped(change.site)
    places = (*change.baseline, "new")[: max(1, len(change.baseline))]
    later = (*change.follow_up, "gone")[: max(1, len(change.follow_up))]
    cut = f' <abbr title="{_CUT}">cut</abbr>' if change.at_border else ""
    own = f"in each day\u2019s report: {_numbers(places)} and {_numbers(later)}"
    return (
        f'<tr tabindex="0" data-lesion="{change.number}" aria-selected="false">'
        f'<th scope="row" data-value="{change.number}" title="{escaped(own)}">'
        f"{change.number}{cut}</th>"
        f'<td class="seen">{seen}</td><td class="seen">{site}</td>{_told(change)}'
        f"{_values(change, 'volume_ml', change.volume_limit)}"
        f"{_values(change, 'peak', change.peak_limit)}"
        f"{_values(change, 'total', None)}</tr>"
    )


def _numbers(numbers: Sequence[object]) -> str:
    return ", ".join(map(str, numbers))


def _told(change: Change) -> str:
    words = {change.kind, *change.words}
    tone = "up" if words & _UP else "down" if words & _DOWN else "same"
    if not change.beyond:
        tone = "same"
    rank = _ORDER.index(change.kind) - 0.5 * change.beyond
    return f'<td class="change {tone}" data-value="{-rank}">{escaped(change.told)}</td>'


def _values(change: Change, name: str, limit: float | None) -> str:
    """Both days' values, and the change in percent, bold beyond its limits."""
    values: Both = getattr(change, name)
    short = name.removesuffix("_ml")
    before, after = (number(v, 1, change.reasons.get(short, _NOTHING)) for v in values)
    known = [v for v in values if v is not None]
    changed = change.percent(name)
    why = change.reasons.get(f"{short}_change")
    note = ""
    if limit is not None:
        low, high = 100 * (1 / limit - 1), 100 * (limit - 1)
        note = f"without any change: {_percent(low)} to {_percent(high)}"
    key = "" if changed is None else f"{changed:.6g}"
    return (
        f'<td data-value="{known[-1] if known else ""}">{before} \u2192 {after}</td>'
        f'<td class="{"beyond" if _beyond(values, limit) else "within"}" data-value="{key}" '
        f'title="{escaped(note)}">{number(None, 0, why) if why else _percent(changed)}</td>'
    )


def _percent(value: float | None) -> str:
    """Write a change; more than tenfold as a factor."""
    if value is None:
        return ""
    if value >= 900:
        return f"× {value / 100 + 1:.0f}"
    sign = "+" if value >= 0.5 else "\u2212" if value <= -0.5 else "±"
    return f"{sign}{abs(value):.0f}%"


def alignment_told(alignment: Alignment) -> str:
    """Say how the follow-up was moved, and how well it fits."""
    shift = ", ".join(f"{v:.0f}" for v in alignment.shift_mm)
    turn = max(map(abs, alignment.turn_deg))
    return (
        f"By {alignment.by}: the follow-up was moved by ({shift}) mm to the patient\u2019s right, "
        f"front and head and turned by up to {turn:.1f}° about an axis. Bones agree "
        f"{alignment.agreement:.2f} of 1; the fields share {100 * alignment.shared:.0f}% of the "
        "bones that the smaller one shows."
    )
