"""The CT that goes with the SPECT in one folder or archive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fuzzyseg.batch.studies import paired

if TYPE_CHECKING:
    from fuzzyseg.batch.source import Source


def with_ct_beside(source: Source) -> Source:
    """Add the CT to a study that is one folder or archive, where it holds one CT and one SPECT.

    Series tell what they are in DICOM; other files by their names, such as spect.nii.gz and
    ct.nii.gz, beside which there may be others (labels.nii.gz).

    Raises
    ------
    InputError
        As `fuzzyseg.io.find_series`.
    """
    from fuzzyseg.io import find_series
    from fuzzyseg.io.archive import is_zip

    whole = source.image.is_dir() or is_zip(source.image)
    if source.ct is not None or source.modality == "CT" or not whole:
        return source
    if source.image.is_dir():
        named = paired(sorted(p for p in source.image.iterdir() if p.is_file()))
        both = [each for each in named if each.ct is not None]
        if len(both) == 1:
            return replace(source, image=both[0].image, ct=both[0].ct)
    found = [info for info in find_series(source.image) if info.readable]
    cts = [info for info in found if info.kind == "CT"]
    if len(cts) == 1 and any(info.kind in ("NM", "PT") for info in found):
        return replace(source, ct=source.image, ct_series=cts[0].number)
    return source
