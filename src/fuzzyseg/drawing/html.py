"""What a notebook shows of a value: a small picture and a table; nothing names the patient."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from fuzzyseg.counts import class_counts
from fuzzyseg.drawing.figure import png
from fuzzyseg.drawing.shown import finite_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fuzzyseg.volume import Segmentation, Study, Volume

    Row = tuple[str, str]


def volume_html(volume: Volume) -> str:
    """Show a volume: its planes, size, spacing, unit and range."""
    return _shown(volume, "Volume", _rows(volume))


def study_html(study: Study) -> str:
    """Show a study: the same of each of its images, and whether they have one grid."""
    rows = [row for volume in study.volumes for row in _rows(volume)]
    if study.beside is not None:
        rows.append(("one grid", "yes" if study.aligned else "no"))
    return _shown(study, "Study", rows)


def segmentation_html(segmentation: Segmentation) -> str:
    """Show a segmentation: its outlines, and the volume of each class."""
    volume, names = segmentation.volume, segmentation.class_names
    counts = class_counts(segmentation.labels, len(names))
    rows = [("method", segmentation.provenance.method), *_rows(volume)]
    rows += [
        (name, f"{count * volume.voxel_volume_ml:,.1f} ml")
        for name, count in zip(names, counts, strict=True)
    ]
    rows += [("warning", sentence) for sentence in segmentation.provenance.warnings]
    return _shown(segmentation, "Segmentation", rows)


def _rows(volume: Volume) -> list[Row]:
    size = " × ".join(map(str, volume.shape))
    spacing = " × ".join(f"{s:.3g}" for s in volume.spacing_mm)
    return [
        (volume.modality, f"{size} voxels of {spacing} mm"),
        ("values", _range(volume)),
    ]


def _range(volume: Volume) -> str:
    values = finite_values(volume.array)
    if not values.size:
        return "no finite voxel"
    missing = volume.array.size - values.size
    but = f" ({missing} not finite)" if missing else ""
    return f"{values.min():.4g} to {values.max():.4g}, {volume.unit}{but}"


def _shown(value: Volume | Study | Segmentation, name: str, rows: Iterable[Row]) -> str:
    picture = base64.b64encode(png(value.plot())).decode("ascii")
    table = "".join(
        f'<tr><th style="text-align:left">{escape(head)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for head, text in rows
    )
    return (
        f'<img alt="{name}: three planes and a projection" style="max-width:100%" '
        f'src="data:image/png;base64,{picture}"><table>{table}</table>'
    )
