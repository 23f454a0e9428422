"""What a DICOM report tells of the lesions that were measured."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fuzzyseg.io.results.measures import LesionMeasures, MeasuredLesions

if TYPE_CHECKING:
    from fuzzyseg.quantification.records import Quantification


def measures_of(quantification: Quantification) -> MeasuredLesions:
    """Hand lesions to `fuzzyseg.io.write_dicom_sr`, and to `write_results` for "dicom-sr"."""
    q = quantification
    lesions = [LesionMeasures(each.number, asdict(each), each.site) for each in q.lesions]
    return MeasuredLesions(q.labels, lesions, q.measuring.suv)
