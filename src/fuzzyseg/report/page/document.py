"""The report: one HTML file that opens offline, made of a study's measures and pictures."""

from __future__ import annotations

import json
from importlib import metadata, resources
from string import Template
from typing import TYPE_CHECKING, Any

from fuzzyseg.io.output import write_text
from fuzzyseg.report.page.cards import figures
from fuzzyseg.report.page.crops import lesion_pictures
from fuzzyseg.report.page.lesion_rows import MANY, about_intervals, rows, unknown
from fuzzyseg.report.page.mip_svg import mips
from fuzzyseg.report.page.oriented import oriented
from fuzzyseg.report.page.pixels import data_url
from fuzzyseg.report.page.text import (
    about_lesions,
    details,
    escaped,
    made_by,
    patient_line,
    warnings_of,
)
from fuzzyseg.report.page.viewer import viewer_data
from fuzzyseg.report.page.whole_body import empty_margin, places_in_picture, whole_body

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fuzzyseg.quantification import Quantification
    from fuzzyseg.volume import Segmentation, Volume

_MOST_PICTURES = 150  # lesions with a picture of their own, the largest first


def write_report(
    path: Path,
    segmentation: Segmentation,
    quantification: Quantification,
    *,
    ct: Volume | None = None,
    described: Mapping[str, Any] | None = None,
) -> None:
    """Write `report_html` in one step."""
    write_text(path, report_html(segmentation, quantification, ct=ct, described=described))


def report_html(
    segmentation: Segmentation,
    quantification: Quantification,
    *,
    ct: Volume | None = None,
    described: Mapping[str, Any] | None = None,
) -> str:
    """Lay out everything about a study on one page, which loads nothing from elsewhere.

    Parameters
    ----------
    segmentation : Segmentation
    quantification : Quantification
        Of `fuzzyseg.quantification.quantify`.
    ct : Volume, optional
        On the grid of the segmentation.
    described : mapping, optional
        How it was made: what `run.json` holds, folded away at the page's end.

    Returns
    -------
    str
        HTML. No name, number, date of birth or path of a patient is in it.
    """
    study = oriented(segmentation, ct, quantification.labels)
    numbers = [one.number for one in quantification.lesions]
    pictures = lesion_pictures(study, numbers[:_MOST_PICTURES])
    front, mm = whole_body(study)
    places = places_in_picture(study, numbers, mm)
    volumes = viewer_data(segmentation, ct)
    data = {
        "viewer": volumes,
        "lesions": [_for_script(quantification, n) for n in range(len(numbers))],
        "curve": [
            {"threshold": a.threshold, "volume_ml": a.volume_ml, "total_suv_ml": a.total_suv_ml}
            for a in quantification.curve
        ],
    }
    has_lesions = quantification.patient.lesion_count is not None
    return Template(asset("report.html")).substitute(
        style=asset("report.css"),
        script=asset("table.js") + asset("report.js"),
        niivue=asset("niivue.umd.js") if volumes else "",
        # "</" would end the script that holds it.
        data=json.dumps(data, allow_nan=False).replace("</", "<\\/"),
        figures=figures(quantification),
        warnings=warnings_of(segmentation, quantification),
        mips=mips(data_url(front), front.shape, places, empty_margin(front)),
        rows=rows(quantification, pictures),
        many="many" if len(numbers) > MANY else "few",
        unknown=unknown(quantification)
        + about_intervals(quantification)
        + (about_lesions(segmentation.provenance) if has_lesions else ""),
        # Of a CT alone bone is all there is.
        title="Bone lesions" if has_lesions else "Bone",
        no_list="" if has_lesions else " hidden",
        patient=patient_line(described or {}),
        details=details(described or {}),
        version=escaped(metadata.version("fuzzyseg")),
        method=escaped(made_by(segmentation.provenance)),
        modality=escaped(
            "SPECT" if segmentation.volume.modality == "NM" else segmentation.volume.modality
        )
        + (" with CT" if ct is not None else ""),
    )


def _for_script(quantification: Quantification, place: int) -> dict[str, Any]:
    """Tell the viewer a lesion's number and place, in its frame, RAS."""
    one = quantification.lesions[place]
    x, y, z = one.centroid_mm
    sign = -1 if one.frame == "LPS" else 1
    return {"number": one.number, "mm": [round(sign * x, 2), round(sign * y, 2), round(z, 2)]}


def asset(name: str) -> str:
    """Read a part of the page: style, script or frame."""
    return resources.files(__package__).joinpath("assets", name).read_text("utf-8")
