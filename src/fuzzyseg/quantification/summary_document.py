"""summary.json: everything that was measured, with units in names, as its JSON schema says."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from fuzzyseg.quantification.suv import SUV_UNITS

if TYPE_CHECKING:
    from fuzzyseg.quantification.records import Quantification
    from fuzzyseg.volume import Segmentation

# Of the document; it rises when a field changes its meaning or goes.
SCHEMA_VERSION = 1
# Of what the user set; the rest of it stands under "suv", beside what files say.
_CHOSEN = ("merge_mm", "min_ml", "resolution_mm", "unit", "calibration")


def document(quantification: Quantification, segmentation: Segmentation) -> dict[str, Any]:
    """Describe what was measured in values that JSON can hold.

    Parameters
    ----------
    quantification : Quantification
    segmentation : Segmentation
        What was measured.

    Returns
    -------
    dict
        As the schema of `schema()` says; no names, dates or paths.
    """
    q, volume, made = quantification, segmentation.volume, segmentation.provenance
    return {
        "schema_version": SCHEMA_VERSION,
        "fuzzyseg_version": metadata.version("fuzzyseg"),
        "made_by": {
            "method": made.method,
            "model": made.model,
            "model_sha256": made.model_sha256,
        },
        "image": {
            "modality": volume.modality,
            "unit": q.scales.unit,
            "frame": volume.file_frame,
            "shape": list(volume.shape),
            "spacing_mm": [round(s, 6) for s in volume.spacing_mm],
        },
        "measuring": {name: getattr(q.measuring, name) for name in _CHOSEN},
        "suv": _suv(q),
        "patient": _plain(q.patient),
        "fuzzy": None if q.fuzzy is None else _plain(q.fuzzy),
        "curve": [_plain(each) for each in q.curve],
        "lesions": [_plain(each) for each in q.lesions],
        "notes": list(q.notes),
    }


def schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of `document`."""
    text = resources.files(__package__).joinpath("summary.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _suv(q: Quantification) -> dict[str, Any]:
    computed, given = q.scales.computed, q.given
    return {
        "kind": q.measuring.suv,
        "unit": SUV_UNITS[q.measuring.suv],
        "per_bq_ml": None if computed is None else computed.per_bq_ml,
        "reason": q.scales.no_suv,
        "weight_kg": given.weight_kg,
        "height_m": given.height_m,
        "sex": given.sex,
        "injected_mbq": given.injected_mbq,
        "half_life_s": q.half_life_s,
        "decay": None if computed is None else computed.decay,
        "waited_s": None if computed is None else computed.waited_s,
    }


def _plain(record: Any) -> dict[str, Any]:
    """Fields of a record by name, tuples as lists."""
    found = {f.name: getattr(record, f.name) for f in fields(record)}
    return {
        name: list(value)
        if isinstance(value, tuple)
        else dict(value)
        if name == "reasons"
        else value
        for name, value in found.items()
    }
