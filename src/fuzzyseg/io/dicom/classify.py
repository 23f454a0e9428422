"""Sort DICOM files into series, and say why a series is no volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.io.dicom.elements import count, text, words
from fuzzyseg.io.dicom.nm_kind import KIND_TAGS, why_not_nm_volume
from fuzzyseg.io.messages import damaged

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

SERIES_TAGS = (
    *KIND_TAGS,
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "SeriesType",
    "Modality",
    "ImageID",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "ImagePositionPatient",
)
LOCALIZER = "LOCALIZER"
LOCALIZER_REASON = "a localizer, which is a projection; pass the slices"
_ENHANCED = {"1.2.840.10008.5.1.4.1.1.2.1": "CT", "1.2.840.10008.5.1.4.1.1.130": "PET"}
_MODALITIES = ("CT", "PT", "NM")
# Terms of PS3.3 C.7.3.1.1.1 that stand for other images and objects; a modality that is neither
# of these nor of those may be a damaged one.
OTHER_MODALITIES = frozenset(
    (
        *("AU", "AR", "ASMT", "BI", "BMD", "CR", "CTPROTOCOL", "DG", "DOC", "DX", "ECG", "EPS"),
        *("ES", "FID", "GM", "HC", "HD", "IO", "IVUS", "KER", "KO", "LS", "M3D", "MG", "MR"),
        *("NM", "OP", "OPM", "OPT", "OT", "PLAN", "POS", "PR", "PX", "REG", "RESP", "RF", "RG"),
        *("RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SM", "SMR", "SR"),
        *("SRF", "STAIN", "TG", "US", "VA", "XA", "XC"),
    )
)
# Classes of CT, PET, NM and secondary capture images, which must have pixels; raw data and the
# like have none.
_IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.128",
    "1.2.840.10008.5.1.4.1.1.20",
    "1.2.840.10008.5.1.4.1.1.7",
}


def series_key(path: Path, header: Dataset) -> tuple[str, ...]:
    """Make the key that keeps series apart.

    Every NM and multi-frame file is a volume of its own, whatever series it is filed under;
    localizers filed with the slices they belong to are set aside.
    """
    series, modality = text(header, "SeriesInstanceUID"), text(header, "Modality").upper()
    if modality == "NM" or count(header, "NumberOfFrames", path, 1) > 1:
        return series, text(header, "SOPInstanceUID"), str(path)
    return series, modality, LOCALIZER if LOCALIZER in words(header, "ImageType") else ""


def require_whole(path: Path, header: Dataset) -> None:
    """Refuse an image that lacks its size, since the file ends before it; raise InputError."""
    sized = count(header, "Rows", path, 0) and count(header, "Columns", path, 0)
    # Every object but a directory has a modality; without one, the file ends before it.
    pictured = text(header, "SOPClassUID") in _IMAGE_CLASSES or not text(header, "Modality")
    if pictured and not sized:
        raise damaged(path, "no Rows or Columns")


def why_not_volume(group: list[tuple[Path, Dataset]]) -> str | None:
    """Say why a series is no volume, None if it is; raise InputError on a damaged file."""
    path, header = group[0]
    modality, sop_class = text(header, "Modality").upper(), text(header, "SOPClassUID")
    if sop_class in _ENHANCED:
        name = _ENHANCED[sop_class]
        return f"enhanced multi-frame {name}; export it as single slices or convert it to NIfTI"
    if modality not in _MODALITIES:
        return f"modality {modality or 'unknown'}; pass CT, NM or PT images"
    if header.get("Rows") is None:
        return "an object without pixels; pass the images"
    if count(header, "SamplesPerPixel", path, 1) != 1:
        return "a colour picture (RGB); pass the images themselves"
    if modality == "NM":
        return why_not_nm_volume(header, path)
    return _why_not_slices(modality, group)


def _why_not_slices(modality: str, group: list[tuple[Path, Dataset]]) -> str | None:
    path, header = group[0]
    if LOCALIZER in words(header, "ImageType"):
        return LOCALIZER_REASON
    if "REPROJECTION" in words(header, "SeriesType"):
        return "reprojections, not slices; pass the slices"
    if count(header, "NumberOfFrames", path, 1) > 1:
        return f"multi-frame {modality}; export it as single slices or convert it to NIfTI"
    if header.get("ImagePositionPatient") is None:
        return "pictures without a position in the patient; pass the slices themselves"
    if len(group) == 1:
        return "a single slice; pass the folder that contains the whole series"
    return None
