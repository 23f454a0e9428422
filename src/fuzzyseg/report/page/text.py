"""Words and numbers of the page: how they are written, warnings, and how a result was made."""

from __future__ import annotations

import html
import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzzyseg.quantification import Quantification
    from fuzzyseg.volume import Provenance, Segmentation


def escaped(text: object) -> str:
    """Write text so that HTML takes it as text."""
    return html.escape(str(text))


def number(value: float | None, decimals: int, reason: str = "") -> str:
    """Write a number for people; a dash that tells why where there is none."""
    if value is None:
        why = escaped(reason or "not known")
        return f'<span class="none" title="{why}" aria-label="not known: {why}">–</span>'
    large = abs(value) >= 1000
    return f"{value:,.{0 if large else decimals}f}".replace(",", "\u2009")


def unit_name(unit: str) -> str:
    """Name an image's unit; "arbitrary" tells people nothing."""
    return "image units" if unit == "arbitrary" else unit


def made_by(made: Provenance) -> str:
    """Name the model or the method; a model by its card, since a path may hold names."""
    if made.method != "model":
        return f"the method {made.method}"
    return f"the model {made.parameters.get('card', {}).get('name', '')}".rstrip()


def warnings_of(segmentation: Segmentation, q: Quantification) -> str:
    """List what to know before trusting a number; calm where there is nothing."""
    said = list(dict.fromkeys([*segmentation.provenance.warnings, *q.notes]))
    if q.patient.lesion_count == 0:
        said.insert(0, "No lesion was found. That does not rule out disease: look at the images.")
    if not said:
        return ""
    items = "".join(f"<li>{escaped(text)}</li>" for text in said)
    return f'<ul class="warnings" aria-label="Warnings">{items}</ul>'


def about_lesions(made: Provenance) -> str:
    """Say how often the model's lesions were lesions, by the scores on its card."""
    metrics = list((made.parameters.get("card") or {}).get("metrics", {}).values())
    found, false = (
        [score for one in metrics if (score := _first_number(one, name)) is not None]
        for name in ("lesions_found", "false_pieces")
    )
    if not found or not false:
        return ""
    return (
        f'<p class="why">In groups of patients with known truth the model found {min(found):.0%} '
        f"to {max(found):.0%} of all lesions and marked {min(false):.1f} to {max(false):.1f} "
        "places a patient that were none, small ones included: fractures, worn joints and urine, "
        f"for example.{_by_size(metrics)} What is listed here may be no lesion, and lesions may be "
        "missing: look at the images.</p>"
    )


def _by_size(metrics: Sequence[object]) -> str:
    """Say how many of what was listed were lesions, by volume, over all groups of patients."""
    true, every = Counter[str](), Counter[str]()
    for one in metrics:
        listed = one.get("listed_ml") if isinstance(one, dict) else None
        for name, pair in listed.items() if isinstance(listed, dict) else ():
            whole = isinstance(pair, list | tuple) and [type(n) for n in pair] == [int, int]
            if whole and 0 <= pair[0] <= pair[1]:
                true[name] += pair[0]
                every[name] += pair[1]
    shares = [f"{true[name] / n:.0%} of those {escaped(name)}" for name, n in every.items() if n]
    if not shares:
        return ""
    told = ", ".join(shares[:-1]) + " and " * (len(shares) > 1) + shares[-1]
    return f" Of what it listed in them, {told} touched a lesion."


def _first_number(scores: object, name: str) -> float | None:
    """Estimate of a score with its interval in a card's metrics, which may hold anything."""
    score = scores.get(name) if isinstance(scores, dict) else None
    first = score[0] if isinstance(score, list | tuple) and score else None
    return float(first) if isinstance(first, int | float) and math.isfinite(first) else None


def patient_line(described: Mapping[str, Any]) -> str:
    """Name the patient, where run.json does (`segment --keep-identity`)."""
    told = [str(value) for value in described.get("patient", {}).values() if value]
    return f"<p>{escaped(', '.join(told))}</p>" if told else ""


def details(described: Mapping[str, Any]) -> str:
    """Show how it was made, as it stands in run.json."""
    text = json.dumps(described, indent=2, ensure_ascii=False, default=str)
    return f"<pre>{escaped(text)}</pre>"
