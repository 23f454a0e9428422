"""DICOM Structured Report of lesions out (PS3.16 TID 1500), by highdicom, with its segments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.file import quiet
from fuzzyseg.io.dicom.write import save
from fuzzyseg.io.messages import refusing
from fuzzyseg.io.results.dicom_seg import seg_dataset, segment
from fuzzyseg.io.results.equipment import equipment
from fuzzyseg.io.results.measures import measures
from fuzzyseg.io.results.source_images import dicom_source
from fuzzyseg.io.results.terms import SITES, code, terms
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.io.results.measures import LesionMeasures, Measure, MeasuredLesions, _Coded
    from fuzzyseg.io.results.source_images import DicomSource
    from fuzzyseg.io.results.terms import Term
    from fuzzyseg.volume import Provenance, Volume

_SEG_SERIES, _SR_SERIES = 9005, 9006


def write_dicom_sr(
    report: str | Path,
    segments: str | Path,
    measured: MeasuredLesions,
    volume: Volume,
    made: Provenance,
) -> None:
    """Write the measures of lesions as a DICOM report, and the lesions as the SEG it refers to.

    Parameters
    ----------
    report, segments : str or Path
        Two files, each replaced in one step.
    measured : MeasuredLesions
        At least one.
    volume : Volume
        The image that was segmented, read with `headers=True`.
    made : Provenance
        How it was segmented.

    Raises
    ------
    InputError
        If there is no such site, the numbers are not those of the map, the volume has no DICOM
        headers or they lack what a report needs, or a file cannot be written.
    """
    lesion_map, lesions = measured.lesion_map, measured.lesions
    _require_numbers(lesion_map, lesions, volume)
    source = dicom_source(volume)
    term = next(term for term in terms(CLASSES) if term.name == CLASSES[2])
    with quiet(), refusing("DICOM SR"):
        from highdicom import UID

        tracked = [(f"lesion {lesion.number}", UID()) for lesion in lesions]
        described = [
            segment(
                term,
                made,
                number=lesion.number,
                segment_label=name,
                tracking_id=name,
                tracking_uid=uid,
            )
            for lesion, (name, uid) in zip(lesions, tracked, strict=True)
        ]
        planes = lesion_map.transpose(2, 1, 0)[source.planes].astype(np.uint16)
        seg = seg_dataset(
            source,
            planes,
            described,
            made,
            "BINARY",
            described="Lesions",
            series_number=_SEG_SERIES,
        )
        coded = measures(volume.unit, measured.suv)
        groups = [
            _group(lesion, name, uid, coded, term, seg, source)
            for lesion, (name, uid) in zip(lesions, tracked, strict=True)
        ]
        document = _report(groups, seg, source, made)
        save(Path(segments), seg)
        save(Path(report), document)


def _require_numbers(
    lesion_map: NDArray[Any], lesions: Sequence[LesionMeasures], volume: Volume
) -> None:
    numbers = [lesion.number for lesion in lesions]
    there = int(lesion_map.max(initial=0))
    if lesion_map.shape != volume.shape or numbers != list(range(1, there + 1)) or not numbers:
        raise InputError(
            f"expected lesions numbered from 1 on, as in a map of shape {volume.shape}, found "
            f"numbers {numbers[:8]} and a map of {there} lesions and shape {lesion_map.shape}; "
            "use the same numbers in both"
        )


def _coded(value: _Coded) -> Any:
    from pydicom.sr.coding import Code

    number, scheme, meaning = value
    return Code(number, scheme, meaning)


def _group(
    lesion: LesionMeasures,
    name: str,
    uid: str,
    coded: dict[str, Measure],
    term: Term,
    seg: Dataset,
    source: DicomSource,
) -> Any:
    """Measures of one lesion (TID 1411)."""
    from highdicom import sr

    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=name),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=seg.SOPClassUID,
            sop_instance_uid=seg.SOPInstanceUID,
            segment_number=lesion.number,
            source_series=sr.SourceSeriesForSegmentation(source.images[0].SeriesInstanceUID),
        ),
        finding_type=code(term.kind),
        finding_category=code(term.category),
        finding_sites=[sr.FindingSite(code(_site(lesion, term)))],
        measurements=[
            sr.Measurement(
                name=_coded(coded[key].name),
                value=float(value),
                unit=_coded(coded[key].unit),
                derivation=None if how is None else _coded(how),
            )
            for key, value in lesion.values.items()
            if value is not None and key in coded
            for how in (coded[key].derivation,)
        ],
    )


def _site(lesion: LesionMeasures, term: Term) -> tuple[str, str]:
    """Code of where a lesion is: the region of the class, where nothing finer is known."""
    if lesion.site is not None:
        return entry_of(SITES, lesion.site, "site")
    assert term.region is not None  # noqa: S101, lesions are in bone
    return term.region


def _report(groups: Sequence[Any], seg: Dataset, source: DicomSource, made: Provenance) -> Dataset:
    from highdicom import UID, sr
    from pydicom.sr.coding import Code

    by = equipment(made)
    observer = sr.ObserverContext(
        sr.CodedConcept("121007", "DCM", "Device"),
        sr.DeviceObserverIdentifyingAttributes(
            uid=UID(),
            name=by["manufacturer"],
            manufacturer_name=by["manufacturer"],
            model_name=by["manufacturer_model_name"],
        ),
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=Code("49118-3", "LN", "NM unspecified body region"),
        imaging_measurements=groups,
        title=Code("126000", "DCM", "Imaging Measurement Report"),
    )
    return sr.EnhancedSR(
        evidence=[*source.images, seg],
        content=report,
        series_instance_uid=UID(),
        series_number=_SR_SERIES,
        sop_instance_uid=UID(),
        instance_number=1,
        is_complete=True,
        series_description="Lesions measured, fuzzyseg",
        **by,
    )
