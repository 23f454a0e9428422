"""What was measured, as a few lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.io.messages import percent

if TYPE_CHECKING:
    from fuzzyseg.quantification import Lesion, Quantification

_SHOWN = 10  # lesions; the rest is in lesions.csv


def lesion_lines(quantification: Quantification) -> list[str]:
    """Lines with a patient's totals and largest lesions."""
    patient, lesions = quantification.patient, quantification.lesions
    if patient.lesion_count is None:
        return []
    left_out = _left_out(quantification)
    if not lesions:
        return ["no lesion was found", *left_out]
    burden = patient.spect_skeletal_burden_percent
    share = "" if burden is None else f", {percent(burden)} of the skeleton"
    many = "1 lesion" if len(lesions) == 1 else f"{len(lesions)} lesions"
    suv = quantification.scales.suv is not None
    unit = "SUV" if suv else quantification.scales.unit
    lines = [
        f"{many}, {patient.lesion_volume_ml:.1f} ml{share}",
        f"{'':>4} {'ml':>7} {'mm':>6} {'max':>9} {'peak':>9} {'mean':>9}  ({unit})",
    ]
    lines += [_row(each, suv=suv) for each in lesions[:_SHOWN]]
    more = len(lesions) - _SHOWN
    if more > 0:
        lines.append(f"and {more} smaller, in lesions.csv")
    return lines + left_out


def _left_out(quantification: Quantification) -> list[str]:
    """Say how much of the labels is too small to be a lesion."""
    patient = quantification.patient
    n, smallest_ml = patient.left_out_pieces, quantification.measuring.min_ml
    if not n:
        return []
    pieces, are = ("piece", "is no lesion") if n == 1 else ("pieces", "are no lesions")
    return [f"{n} {pieces} below {smallest_ml:g} ml (--min-ml) {are}: {patient.left_out_ml:.2f} ml"]


def _row(lesion: Lesion, *, suv: bool) -> str:
    kind = "suv" if suv else "image"
    shown = (getattr(lesion, f"{kind}_{name}") for name in ("max", "peak", "mean"))
    values = " ".join(f"{value:9.4g}" for value in shown)
    cut = ", cut off by the border of the field" if lesion.at_border else ""
    size = f"{lesion.volume_ml:7.2f} {lesion.longest_diameter_mm:6.1f}"
    return f"{lesion.number:>4} {size} {values}  {lesion.site or ''}{cut}"
