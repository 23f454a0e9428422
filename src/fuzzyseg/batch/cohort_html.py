"""cohort.html: all studies on one page that loads nothing from elsewhere."""

from __future__ import annotations

from importlib import metadata, resources
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fuzzyseg.report.page.text import escaped, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.batch.cohort_csv import Row

_MOST_ROWS = 5000  # more would make a page that no browser sorts at ease; cohort.csv has them all
# Title, unit, field, decimals.
_COLUMNS = (
    ("Lesions", "", "lesion_count", 0),
    ("Volume", "mL", "lesion_volume_ml", 1),
    ("Uptake", "SUV mL", "lesion_total_suv_ml", 0),
    ("Burden", "%", "spect_skeletal_burden_percent", 1),
    ("SUVmax", "", "highest_suv_max", 1),
    ("Bone", "mL", "bone_volume_ml", 0),
    ("Time", "s", "seconds", 1),
)
_ORDER = {"failed": 0, "done": 1, "waiting": 2}


def cohort_html(rows: Sequence[Row], reports: Sequence[str]) -> str:
    """Lay out a cohort: how many are done, what failed and why, a row a study.

    Parameters
    ----------
    rows : sequence of Row
    reports : sequence of str
        Where each study's report is, relative to the page.

    Returns
    -------
    str
        HTML. Failures come first.
    """
    count = {state: sum(row.state == state for row in rows) for state in _ORDER}
    order = sorted(range(len(rows)), key=lambda n: _ORDER[rows[n].state])
    shown = order[:_MOST_ROWS]
    left = len(rows) - len(shown)
    head = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{title}'
        f"<small>{unit}</small></button></th>"
        for title, unit, _, _ in _COLUMNS
    )
    template = Template(
        resources.files(__package__).joinpath("cohort.html").read_text(encoding="utf-8")
    )
    return template.substitute(
        done=count["done"],
        failed=count["failed"],
        bad=' class="bad"' if count["failed"] else "",
        waiting=count["waiting"],
        total=len(rows),
        head=head,
        rows="\n".join(_row(rows[n], reports[n]) for n in shown),
        left=f"<p>{left} more studies are in cohort.csv.</p>" if left else "",
        version=escaped(metadata.version("fuzzyseg")),
    )


def _row(row: Row, report: str) -> str:
    name = escaped(row.study)
    if row.state == "done":
        name = f'<a href="{escaped(quote(report))}">{name}</a>'
    return (
        f'<tr class="{row.state}"><th scope="row" data-value="{escaped(row.study)}">{name}</th>'
        f"<td data-value={row.state}>{row.state}</td>{_cells(row)}"
        f'<td class="said" data-value="{len(row.warnings)}">{_said(row)}</td></tr>'
    )


def _cells(row: Row) -> str:
    cells: list[str] = []
    for _, _, name, decimals in _COLUMNS:
        value: Any = getattr(row, name)
        shown = "" if row.state != "done" else number(value, decimals)
        cells.append(f'<td data-value="{"" if value is None else value}">{shown}</td>')
    return "".join(cells)


def _said(row: Row) -> str:
    if row.state == "failed":
        return escaped(row.reason)
    if not row.warnings:
        return ""
    items = "".join(f"<li>{escaped(text)}</li>" for text in row.warnings)
    many = "1 warning" if len(row.warnings) == 1 else f"{len(row.warnings)} warnings"
    return f"<details><summary>{many}</summary><ul>{items}</ul></details>"
