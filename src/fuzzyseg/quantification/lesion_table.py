"""lesions.csv: a row a lesion."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fuzzyseg.quantification.records import Lesion

if TYPE_CHECKING:
    from fuzzyseg.quantification.records import Quantification

_PLACE = ("centroid_x_mm", "centroid_y_mm", "centroid_z_mm")


def lesions_csv(quantification: Quantification) -> str:
    """Write the lesions as CSV, with a header; what is unknown is empty, the last column says why.

    The header is there without any lesion too.
    """
    names = [f.name for f in fields(Lesion) if f.name != "reasons"]
    at = names.index("centroid_mm")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names[:at], *_PLACE, *names[at + 1 :], "image_unit", "reasons"])
    for each in quantification.lesions:
        values = [_cell(getattr(each, name)) for name in names]
        why = "; ".join(f"{name}: {reason}" for name, reason in each.reasons.items())
        place = [_cell(v) for v in each.centroid_mm]
        unit = quantification.scales.unit
        writer.writerow([*values[:at], *place, *values[at + 1 :], unit, why])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else value
