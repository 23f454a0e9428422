"""What has changed, as a few lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.follow_up.patient_totals import totals_of

if TYPE_CHECKING:
    from fuzzyseg.follow_up import Comparison
    from fuzzyseg.follow_up.change import Both

_SHOWN = 10  # lesions; the rest is in changes.csv


def change_lines(comparison: Comparison) -> list[str]:
    """Lines with the alignment, the patient's sums and the largest lesions."""
    a = comparison.alignment
    lines = [f"aligned by {a.by}: bones agree {a.agreement:.2f} of 1"]
    lines += [
        f"{each.title.lower():<16} {_two(each.values, each.decimals)} {each.unit}".rstrip()
        for each in totals_of(comparison)[:3]
    ]
    if not comparison.changes:
        return [*lines, "no lesion was found on either day"]
    lines.append(f"{'':>4} {'ml':>16} {'peak':>16}  ({comparison.uptake.unit})")
    for each in comparison.changes[:_SHOWN]:
        values = f"{_two(each.volume_ml, 1):>16} {_two(each.peak, 1):>16}"
        cut = ", cut off by the border of the field" if each.at_border else ""
        lines.append(f"{each.number:>4} {values}  {each.told}; {each.site or 'site unknown'}{cut}")
    more = len(comparison.changes) - _SHOWN
    if more > 0:
        lines.append(f"and {more} smaller, in changes.csv")
    return lines


def _two(values: Both, decimals: int) -> str:
    before, after = ("-" if v is None else f"{v:.{decimals}f}" for v in values)
    return f"{before} -> {after}"
