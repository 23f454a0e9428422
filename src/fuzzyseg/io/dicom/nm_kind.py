"""Tell reconstructed NM volumes from planar images, projections and gated studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.io.dicom.elements import count, integers, words

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

# Frame indices beside Slice Vector (PS3.3 table C.8-8): more than one value of any of them
# means that the file holds several volumes.
_OTHER_VECTORS = {
    "EnergyWindowVector": "energy windows",
    "DetectorVector": "detectors",
    "PhaseVector": "phases",
    "RotationVector": "rotations",
    "RRIntervalVector": "R-R intervals",
    "TimeSlotVector": "time slots of the heart's cycle",
    "TimeSliceVector": "time slices",
    "AngularViewVector": "angular views",
}
KIND_TAGS = ("ImageType", "NumberOfFrames", *_OTHER_VECTORS)
_PLANAR = {
    "STATIC": "a planar image",
    "WHOLE BODY": "a planar whole-body scan",
    "DYNAMIC": "planar frames over time",
    "GATED": "gated planar frames",
}


def why_not_nm_volume(header: Dataset, path: Path) -> str | None:
    """Say why an NM file is no volume, from Image Type value 3 and its frame vectors.

    Parameters
    ----------
    header : Dataset
        Elements of the file.
    path : Path
        For messages.

    Returns
    -------
    str or None
        A reason that reads after "found in PATH", with what to do; None for a reconstructed
        tomographic image.
    """
    kinds = words(header, "ImageType")
    kind = kinds[2] if len(kinds) > 2 else ""
    if kind in _PLANAR:
        return (
            f"{_PLANAR[kind]} ({kind}): each pixel sums the counts along a line of sight, "
            "so there is no depth to segment; pass the reconstructed SPECT"
        )
    if kind in ("TOMO", "GATED TOMO"):
        return (
            f"projections ({kind}), each a sum along its line of sight; "
            "reconstruct them and pass the reconstructed SPECT"
        )
    if kind == "RECON GATED TOMO":
        return "a gated reconstruction, one volume per phase; pass the ungated reconstruction"
    if kind != "RECON TOMO":
        return (
            f"an NM image of type {kind or 'unknown'}, which is not a reconstruction (RECON TOMO); "
            "pass the reconstructed SPECT"
        )
    for keyword, name in _OTHER_VECTORS.items():
        volumes = len(set(integers(header, keyword, path)))
        if volumes > 1:
            return f"a reconstruction of {volumes} {name} in one file; export a single one"
    if count(header, "NumberOfFrames", path, 1) == 1:
        return "a reconstruction of one slice; export all slices as one multi-frame file"
    return None
