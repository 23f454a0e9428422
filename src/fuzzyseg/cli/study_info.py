"""What a study holds, and what `fuzzyseg segment` would do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fuzzyseg.io import SeriesInfo
    from fuzzyseg.volume import Volume


def study_facts(
    path: Path, *, names: bool = False, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """List the series of a folder, archive or file, each of them read.

    Parameters
    ----------
    path : Path
    names : bool
        Show descriptions and file names, in which names of patients may stand.
    progress : callable, optional
        Called with (series read, series in all).

    Returns
    -------
    dict
        "series", a list in the order of their numbers, and "segment", what that command takes
        where no series is named; in values that JSON can hold.

    Raises
    ------
    InputError
        If nothing there is an image.
    """
    from fuzzyseg.io import read_each

    found, infos = [], []
    for info, volume in read_each(path, progress=progress):
        infos.append(info)
        found.append(_series(info, volume, names=names))
    try:
        taken = _taken(path, infos)
    except InputError as error:
        taken = str(error) if names else "no series automatically: choose one with --series N"
    return {"series": found, "segment": taken}


def _taken(path: Path, infos: Sequence[SeriesInfo]) -> str:
    """Say which series `fuzzyseg segment` takes; InputError where it cannot choose."""
    from fuzzyseg.batch.beside import with_ct_beside
    from fuzzyseg.batch.source import Source
    from fuzzyseg.io import choose_series

    source = with_ct_beside(Source(path.name, path), infos)
    number = {info.files[0]: info.number for info in infos}
    chosen = source.image == path
    image = choose_series(infos, str(path)).number if chosen else number[source.image]
    if source.ct is None:
        return f"series {image}"
    return f"series {image} with the CT, series {source.ct_series or number[source.ct]}"


def _series(info: SeriesInfo, volume: Volume | None, *, names: bool) -> dict[str, Any]:
    about: dict[str, Any] = {
        "number": info.number,
        "format": info.reader,
        "modality": info.kind if volume is None else volume.modality,
        "files": info.n_files,
    }
    if names:
        about["description"] = info.description
        about["left_out"] = [file.name for file in info.left_out]
    if volume is None:
        reason = info.reason or ""
        private = info.damaged or reason.startswith("expected ")
        about["no_volume"] = "damaged; --names shows more" if private and not names else reason
        return about
    return about | {
        "shape": list(volume.shape),
        "spacing_mm": [round(s, 3) for s in volume.spacing_mm],
        "unit": volume.unit,
        "nuclide": volume.nuclide or None,
        "warnings": list(volume.warnings),
        "segment": _use(volume),
    }


def _use(volume: Volume) -> str:
    from fuzzyseg.segmentation.choice import resolved
    from fuzzyseg.segmentation.intensities import check_segmentable
    from fuzzyseg.segmentation.settings import Settings
    from fuzzyseg.volume import Study

    study = Study.of(volume)
    try:
        check_segmentable(volume)
        chosen = resolved(Settings(), study)
    except InputError as error:
        return f"refused: {str(error).replace(volume.source, 'the volume')}"
    by = f"the model {chosen.model}" if chosen.method == "model" else f"the method {chosen.method}"
    what = "bone in CT" if study.spect is None else "bone and lesions in an emission image"
    return f"{what}, by {by}"


def study_lines(facts: dict[str, Any]) -> list[str]:
    """Write `study_facts` for a screen."""
    lines = []
    for series in facts["series"]:
        described = f', "{series["description"]}"' if "description" in series else ""
        files = f"{series['files']} file{'s' if series['files'] != 1 else ''}"
        head = f"{series['number']}) {series['modality']}, {series['format']}, {files}{described}"
        lines.append(head)
        if "no_volume" in series:
            lines.append(f"   no volume: {series['no_volume']}")
        else:
            size, widths = _times(series["shape"]), _times(series["spacing_mm"])
            nuclide = f", {series['nuclide']}" if series["nuclide"] else ""
            lines.append(f"   {size} voxels of {widths} mm, in {series['unit']}{nuclide}")
            lines.append(f"   segment: {series['segment']}")
            lines += [f"   warning: {text}" for text in series["warnings"]]
        lines += [f"   left out: {name}" for name in series.get("left_out", ())]
    if not any("description" in series for series in facts["series"]):
        lines.append("--names shows file names and descriptions, which may contain patients' names")
    return [*lines, f"fuzzyseg segment takes {facts['segment']}"]


def _times(values: list[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)
