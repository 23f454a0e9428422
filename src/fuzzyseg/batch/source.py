"""One study of many: its name, where its images lie, and what is known of it alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path, PurePath

    from fuzzyseg.io import SeriesInfo
    from fuzzyseg.volume import Modality


@dataclass(frozen=True)
class Source:
    """Where a study is.

    Parameters
    ----------
    name : str
        What its results are called; unlike those of all others.
    image : Path
        DICOM folder or file, zip, or an image file; of a folder or zip without a `ct`, the CT
        in it goes with the SPECT in it.
    ct : Path or None
    series, ct_series : int or None
        As for `fuzzyseg.io.read_study`.
    modality : {"CT", "NM", "PT", "other"} or None
    measuring : mapping of str to values
        Fields of `Measuring` that are this patient's own.
    place : PurePath or None
        Folder of a BIDS data set, relative to it, in which the image lies.
    found : tuple of SeriesInfo
        What `fuzzyseg.io.find_series` found in the folder `image`, where it has been looked at.
    """

    name: str
    image: Path
    ct: Path | None = None
    series: int | None = None
    ct_series: int | None = None
    modality: Modality | None = None
    measuring: Mapping[str, Any] = field(default_factory=dict)
    place: PurePath | None = None
    found: tuple[SeriesInfo, ...] = field(default=(), compare=False, repr=False)


def require_names(sources: Sequence[Source], found_in: Path) -> None:
    """Raise InputError where there is no study, or two have one name or one that no folder has."""
    if not sources:
        raise InputError(
            f"expected studies in {found_in}, found none; give a folder of DICOM folders, zips or "
            "NIfTI files, a BIDS data set, or a CSV file with the columns study and image"
        )
    # Some file systems know no case: Anna and anna would share a folder there.
    counted = Counter(source.name.casefold() for source in sources)
    for source in sources:
        if counted[source.name.casefold()] > 1:
            same = [str(s.image) for s in sources if s.name.casefold() == source.name.casefold()]
            raise InputError(
                f"expected a different name for each study, found {source.name!r} for "
                f"{' and '.join(same[:3])}; rename one, or name them in a CSV file"
            )
        if source.name.startswith(".") or {"/", "\\", "\0"} & set(source.name) or not source.name:
            raise InputError(
                f"expected names that are valid for folders, found {source.name!r} in {found_in}; "
                "use letters, digits, - and _"
            )
