"""What is taken of a folder or archive: its SPECT, and the CT that goes with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fuzzyseg.batch.studies import paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.batch.source import Source
    from fuzzyseg.io import SeriesInfo

_EMISSION = ("NM", "PT")


def with_ct_beside(source: Source, found: Sequence[SeriesInfo] | None = None) -> Source:
    """Say what is taken of a study that is one folder or archive, for every command alike.

    DICOM, which tells what it is, comes first: its emission image and, where there is just one,
    its CT. Without one, a folder's files that are named as a pair are taken, such as
    spect.nii.gz and ct.nii.gz, beside which there may be others (labels.nii.gz). A series or
    modality of the source chooses the emission image; one that is a CT is taken alone.

    Parameters
    ----------
    source : Source
    found : sequence of SeriesInfo, optional
        What `fuzzyseg.io.find_series` finds in it, where that is known.

    Returns
    -------
    Source
        With what was `found`; else as it was where it names a CT, is a file, or there is no CT to
        add.

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
    source = replace(source, found=tuple(found or find_series(source.image)))
    readable = [info for info in source.found if info.readable]
    kinds = (source.modality,) if source.modality in _EMISSION else _EMISSION
    emission = [info for info in readable if info.kind in kinds]
    if source.series is not None:
        emission = [info for info in emission if info.number == source.series]
    elif not emission and source.image.is_dir():
        named = paired(sorted(p for p in source.image.iterdir() if p.is_file()))
        both = [each for each in named if each.ct is not None]
        if len(both) != 1:
            return source
        return replace(source, image=both[0].image, ct=both[0].ct, found=())
    cts = [info for info in readable if info.kind == "CT"]
    if emission and len(cts) == 1:
        return replace(source, ct=source.image, ct_series=cts[0].number)
    return source
