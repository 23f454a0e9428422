"""cohort.csv: a row a study, read from what its folder of results says."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Row:
    """What is known of a study; None where nothing is.

    Parameters
    ----------
    study : str
    state : {"done", "failed", "waiting"}
        "waiting": nobody has tried it yet, as where another part has it.
    reason : str
        Why it failed, in one line.
    warnings : tuple of str
    modality, method, model : str or None
        The model is named where the method is one.
    lesion_count : int or None
    lesion_volume_ml, lesion_total_suv_ml, bone_volume_ml : float or None
    spect_skeletal_burden_percent : float or None
    highest_suv_max, highest_image_max : float or None
        Of the hottest lesion.
    out_of_domain : float or None
        How far the SPECT is from a bone scan, from 0 to 1.
    seconds : float or None
        Of the segmentation alone.
    """

    study: str
    state: Literal["done", "failed", "waiting"]
    reason: str = ""
    warnings: tuple[str, ...] = ()
    modality: str | None = None
    method: str | None = None
    model: str | None = None
    lesion_count: int | None = None
    lesion_volume_ml: float | None = None
    lesion_total_suv_ml: float | None = None
    bone_volume_ml: float | None = None
    spect_skeletal_burden_percent: float | None = None
    highest_suv_max: float | None = None
    highest_image_max: float | None = None
    out_of_domain: float | None = None
    seconds: float | None = None


_PATIENT = (
    "lesion_count",
    "lesion_volume_ml",
    "lesion_total_suv_ml",
    "bone_volume_ml",
    "spect_skeletal_burden_percent",
)


def read_row(name: str, summary: Path | None, run: Path, failure: Path) -> Row:
    """Read what was found of a study.

    Parameters
    ----------
    name : str
    summary : Path or None
        Its summary.json; None where there are no results.
    run : Path
        Its run.json.
    failure : Path
        What says why it failed, if it did.
    """
    if summary is None:
        try:
            return Row(name, "failed", json.loads(failure.read_text("utf-8"))["reason"])
        except FileNotFoundError:
            return Row(name, "waiting")
    try:
        measured, made = (json.loads(path.read_text("utf-8")) for path in (summary, run))
        lesions, patient = measured["lesions"], measured["patient"]
        hottest = lesions[patient["hottest"][0] - 1] if patient["hottest"] else {}
        return Row(
            name,
            "done",
            warnings=tuple(dict.fromkeys([*made["warnings"], *measured["notes"]])),
            modality=made["image"]["modality"],
            method=made["method"],
            model=measured["made_by"]["model"],
            highest_suv_max=hottest.get("suv_max"),
            highest_image_max=hottest.get("image_max"),
            out_of_domain=made["image"]["out_of_domain"],
            seconds=made["seconds"],
            **{key: patient[key] for key in _PATIENT},
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        return Row(name, "failed", f"expected complete results, found damaged ones ({error!r}); "
                   "remove the study's folder and run the command again")  # fmt: skip


def cohort_csv(rows: Sequence[Row]) -> str:
    """Write rows as CSV with a header; what is unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f.name for f in fields(Row)]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " | ".join(value)
    return f"{value:.6g}" if isinstance(value, float) else value
