"""DICOM Segmentation out (PS3.3 A.51 and C.8.20), by highdicom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.io.dicom.file import quiet
from fuzzyseg.io.dicom.write import save
from fuzzyseg.io.messages import refusing
from fuzzyseg.io.nifti_write import STEPS, in_steps
from fuzzyseg.io.results.equipment import equipment, family
from fuzzyseg.io.results.source_images import dicom_source
from fuzzyseg.io.results.terms import code, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from highdicom.seg import SegmentDescription
    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.io.results.source_images import DicomSource
    from fuzzyseg.io.results.terms import Term
    from fuzzyseg.volume import Provenance, Segmentation

Kind = Literal["BINARY", "LABELMAP", "FRACTIONAL"]
_SERIES_NUMBERS: dict[Kind, int] = {"BINARY": 9001, "LABELMAP": 9002, "FRACTIONAL": 9003}


def write_dicom_seg(path: str | Path, segmentation: Segmentation, kind: Kind = "BINARY") -> None:
    """Write labels, or memberships, as DICOM SEG that refers to the images they were made from.

    Parameters
    ----------
    path : str or Path
        Replaced in one step if it exists.
    segmentation : Segmentation
        Of a volume that was read with `headers=True`. Every class but the background becomes a
        segment; one without voxels has no frames.
    kind : {"BINARY", "LABELMAP", "FRACTIONAL"}
        Labels as a mask for each class, which every reader knows, or as one map (Supplement 243);
        or memberships, as probabilities in steps of 1/250.

    Raises
    ------
    InputError
        If the volume has no DICOM headers, these lack what a segmentation needs, or the file
        cannot be written.
    """
    source = dicom_source(segmentation.volume)
    planes: NDArray[Any]
    if kind == "FRACTIONAL":
        pixels = in_steps(segmentation.memberships)[1:].transpose(3, 2, 1, 0)
        planes = pixels[source.planes] / np.float32(STEPS)
    else:
        planes = segmentation.labels.transpose(2, 1, 0)[source.planes]
    segments = [segment(term, segmentation.provenance) for term in terms(segmentation.class_names)]
    described = "Degree of membership" if kind == "FRACTIONAL" else "Bone and lesions"
    with quiet(), refusing("DICOM SEG"):
        dataset = seg_dataset(
            source, planes, segments, segmentation.provenance, kind, described=described
        )
        save(Path(path), dataset)


def segment(
    term: Term, made: Provenance, *, number: int | None = None, **more: Any
) -> SegmentDescription:
    """Describe a segment; `more` goes to `highdicom.seg.SegmentDescription`."""
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentDescription

    how = equipment(made)
    return SegmentDescription(
        **{
            "segment_number": term.label if number is None else number,
            "segment_label": term.name,
            "segmented_property_category": code(term.category),
            "segmented_property_type": code(term.kind),
            "algorithm_type": "AUTOMATIC",
            "algorithm_identification": AlgorithmIdentificationSequence(
                how["manufacturer_model_name"], family(made), how["software_versions"]
            ),
            "anatomic_regions": [code(term.region)] if term.region else None,
            "display_color": CIELabColor.from_rgb(*term.rgb),
            **more,
        }
    )


def seg_dataset(
    source: DicomSource,
    planes: NDArray[Any],
    segments: Sequence[SegmentDescription],
    made: Provenance,
    kind: Kind,
    *,
    described: str,
    series_number: int | None = None,
) -> Dataset:
    """Build a segmentation of pixels that are in the order of the source's frames."""
    from highdicom import UID
    from highdicom.seg import Segmentation as HighdicomSegmentation
    from pydicom.uid import ExplicitVRLittleEndian, RLELossless

    return HighdicomSegmentation(
        source_images=source.images,
        pixel_array=planes,
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=UID(),
        series_number=series_number or _SERIES_NUMBERS[kind],
        sop_instance_uid=UID(),
        instance_number=1,
        # A bit a voxel is small as it is, and DICOM has no RLE of it (PS3.5 8.2.2).
        transfer_syntax_uid=ExplicitVRLittleEndian if kind == "BINARY" else RLELossless,
        max_fractional_value=STEPS,
        content_label="BONE_AND_LESIONS",
        content_description=described,
        series_description=f"{described}, fuzzyseg",
        **equipment(made),
    )
