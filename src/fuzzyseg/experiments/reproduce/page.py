"""One page of what was found: HTML and Markdown, tables as CSV and JSON, figures as PNG."""

from __future__ import annotations

import csv
import html
import io
import json
from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.accuracy.score_tables import columns_of_words, markdown
from fuzzyseg.io.output import replacing, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fuzzyseg.experiments.reproduce.section import Cell, Claim, Figure, Section, Table

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 0.6rem 0 1.4rem; font-size: 13px }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child, .words { text-align: left }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0 }
img { max-width: 100% } figure { margin: 1rem 0 } figcaption { color: #555 }
tr.held { color: #1b7f3b } tr.did { color: #c62828 } tr.not { color: #777 }
.missing { color: #a05a00 }
.wide { overflow-x: auto }
"""
_CLAIM = ("claim", "here", "numbers", "reason")


def write_page(
    out: Path,
    sections: Mapping[str, Section],
    *,
    title: str,
    told: Mapping[str, str],
) -> Path:
    """Write index.html, index.md, tables/ and figures/.

    Parameters
    ----------
    out : Path
    sections : mapping of title to Section
    title : str
    told : mapping of str to str
        What the page says of how it was made.

    Returns
    -------
    Path
        Of index.html.
    """
    for folder in ("tables", "figures"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for section in sections.values():
        for table in section.tables:
            _write_table(out / "tables", table)
        for figure in section.figures:
            _write_figure(out / "figures", figure)
    claims = [claim for section in sections.values() for claim in section.claims]
    write_text(out / "index.md", _markdown(title, told, claims, sections))
    write_text(out / "index.html", _html(title, told, claims, sections))
    return out / "index.html"


def _write_table(folder: Path, table: Table) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([table.columns, *table.rows])
    write_text(folder / f"{table.name}.csv", text.getvalue())
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    told: dict[str, Any] = {"caption": table.caption, "rows": rows}
    write_text(folder / f"{table.name}.json", json.dumps(told, indent=2, allow_nan=False) + "\n")


def _write_figure(folder: Path, figure: Figure) -> None:
    with replacing(folder / f"{figure.name}.png") as partial:
        figure.draw().savefig(partial, dpi=100, facecolor="white", format="png")


def shown(cell: Cell) -> str:
    """Text of a cell: three digits after the point, and "-" where there is nothing."""
    if cell is None:
        return "-"
    return f"{cell:.3f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)


def _claim_rows(claims: Sequence[Claim]) -> list[list[str]]:
    return [[c.says, c.held, c.numbers or "-", c.reason or "-"] for c in claims]


def _markdown(
    title: str,
    told: Mapping[str, str],
    claims: Sequence[Claim],
    sections: Mapping[str, Section],
) -> str:
    parts = [f"# {title}", "", *(f"- {name}: {value}" for name, value in told.items()), ""]
    if claims:
        parts += ["## Claims", "", markdown(_CLAIM, _claim_rows(claims))]
    for name, section in sections.items():
        parts += [f"## {name}", ""]
        if section.missing:
            parts += [f"Not run: {section.missing}.", ""]
        if section.text:
            parts += [section.text, ""]
        for table in section.tables:
            rows = [[shown(cell) for cell in row] for row in table.rows]
            parts += [f"{table.caption}:", "", markdown(table.columns, rows)]
        for figure in section.figures:
            parts += [f"![{figure.caption}](figures/{figure.name}.png)", ""]
    return "\n".join(parts)


def _html(
    title: str,
    told: Mapping[str, str],
    claims: Sequence[Claim],
    sections: Mapping[str, Section],
) -> str:
    text = html.escape
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{text(title)}</title>',
        f"<style>{_STYLE}</style><h1>{text(title)}</h1><ul>",
        *(f"<li>{text(name)}: {text(value)}</li>" for name, value in told.items()),
        "</ul>",
    ]
    if claims:
        parts.append("<h2>Claims</h2>")
        parts.append(_rows_of_html(_CLAIM, _claim_rows(claims), kinds=[c.held for c in claims]))
    for name, section in sections.items():
        parts.append(f"<h2>{text(name)}</h2>")
        if section.missing:
            parts.append(f'<p class="missing">Not run: {text(section.missing)}.</p>')
        if section.text:
            parts.append(f"<p>{text(section.text)}</p>")
        parts += [_html_table(table) for table in section.tables]
        parts += [
            f'<figure><img src="figures/{figure.name}.png" alt="{text(figure.caption)}">'
            f"<figcaption>{text(figure.caption)}</figcaption></figure>"
            for figure in section.figures
        ]
    return "\n".join(parts) + "\n</html>\n"


def _html_table(table: Table) -> str:
    caption = (
        f'<caption>{html.escape(table.caption)} (<a href="tables/{table.name}.csv">CSV</a>, '
        f'<a href="tables/{table.name}.json">JSON</a>)</caption>'
    )
    rows = [[shown(cell) for cell in row] for row in table.rows]
    return _rows_of_html(table.columns, rows, caption)


def _rows_of_html(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str = "",
    kinds: Sequence[str] | None = None,
) -> str:
    """Lay out a table; `kinds` begin with the class of each row."""
    words = columns_of_words(rows)

    def line(cells: Sequence[str], tag: str, kind: str = "") -> str:
        said = "".join(
            f"<{tag}{' class=words' if i in words else ''}>{html.escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr class={kind.split(maxsplit=1)[0]}>{said}</tr>" if kind else f"<tr>{said}</tr>"

    body = "".join(
        line(row, "td", kind) for row, kind in zip(rows, kinds or [""] * len(rows), strict=True)
    )
    return f'<div class="wide"><table>{caption}{line(columns, "th")}{body}</table></div>'
