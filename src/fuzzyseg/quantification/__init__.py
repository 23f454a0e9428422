"""From a segmentation to what a clinic uses: lesions counted and measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily

if TYPE_CHECKING:
    from fuzzyseg.quantification.dicom_report import measures_of
    from fuzzyseg.quantification.lesion_table import lesions_csv
    from fuzzyseg.quantification.measured import quantify
    from fuzzyseg.quantification.measuring import Measuring
    from fuzzyseg.quantification.records import Lesion, Patient, Quantification
    from fuzzyseg.quantification.summary_document import document, schema

__all__ = [
    "Lesion",
    "Measuring",
    "Patient",
    "Quantification",
    "document",
    "lesions_csv",
    "measures_of",
    "quantify",
    "schema",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Lesion": "records",
        "Measuring": "measuring",
        "Patient": "records",
        "Quantification": "records",
        "document": "summary_document",
        "lesions_csv": "lesion_table",
        "measures_of": "dicom_report",
        "quantify": "measured",
        "schema": "summary_document",
    },
)
