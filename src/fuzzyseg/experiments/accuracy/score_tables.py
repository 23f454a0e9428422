"""Scores of patients as Markdown, with 95% bootstrap intervals over patients."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.accuracy.scores import NO_FINDING
from fuzzyseg.metrics import bootstrap_interval, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fuzzyseg.experiments.accuracy.scores import Lesion, PatientScores

    Cohorts = Mapping[str, Sequence[PatientScores]]  # by name

CONTRASTS = (0.0, 1.5, 2.5, 4.0, math.inf)  # ends of the bins
FALSE_PIECES = (0.5, 1.0, 2.0, 4.0)  # at which the curve is read
LISTED_ML = (0.0, 0.5, 1.0, 3.0, math.inf)  # ends of the bins of what is listed


def model_table(cohorts: Cohorts) -> str:
    """One model: a row a figure, a column a cohort."""
    columns = [_figures(patients) for patients in cohorts.values()]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    return markdown(["", *cohorts], rows)


def _figures(patients: Sequence[PatientScores]) -> dict[str, str]:
    summary = summarise([p.evaluation for p in patients])
    lesion, bone, found = summary["classes"]["lesion"], summary["classes"]["bone"], summary
    lesions = found["lesions"]
    sizes = lesions["found_by_diameter_mm"]
    large = _pooled(patients, lambda one: one.diameter_mm >= 10, lambda one: one.covered > 0)
    healthy = [p.false_pieces for p in patients if not p.lesions]
    curve = sensitivity_at(patients)
    sizeable = [p.of_10_mm for p in patients]
    listed = [
        p.listed_found / n if n else math.nan for p, n in zip(patients, sizeable, strict=True)
    ]
    return {
        "patients; lesions": f"{len(patients)}; {lesions['n']}",
        "lesion DSC": told(lesion["dsc"]),
        "bone DSC": told(bone["dsc"]),
        "lesion surface DSC": told(lesion["surface_dsc"]),
        "bone surface DSC": told(bone["surface_dsc"]),
        "lesions found, any overlap": told(lesions["found"]["0"], percent=True),
        "a quarter covered": told(lesions["found"]["0.25"], percent=True),
        **{f"found of {mm} mm": told(share, percent=True) for mm, share in sizes.items()},
        "found of 10 mm and more": told(large, percent=True),
        "false pieces a patient": told(lesions["false_pieces"], digits=1),
        **{
            f"found of 10 mm and more at {at:g} false pieces": f"{share:.0%}"
            if math.isfinite(share)
            else "-"
            for at, share in zip(FALSE_PIECES, curve, strict=True)
        },
        "found of 10 mm and more, as listed": told(_mean(listed, sizeable), percent=True),
        "false lesions a patient, as listed": told(
            _mean([p.listed_false for p in patients]), digits=1
        ),
        **{
            f"listed {name} that are lesions": told(
                _over_all([listed_within(p, ends) for p in patients]), percent=True
            )
            for name, ends in listed_bins().items()
        },
        "false ml; missed ml a patient": f"{told(lesions['false_positive_ml'], digits=1)}; "
        f"{told(lesions['false_negative_ml'], digits=1)}",
        "false pieces in a patient without lesions": f"{np.mean(healthy):.1f} (n = {len(healthy)})"
        if healthy
        else "-",
    }


def lesion_table(models: Mapping[str, Cohorts]) -> str:
    """Found, and mean DSC of a lesion, by kind, contrast and diameter; all cohorts together."""
    groups: dict[str, Callable[[Lesion], bool]] = {}
    every = [one for c in models.values() for p in c.values() for who in p for one in who.lesions]
    for kind in sorted({one.kind for one in every}):
        groups[kind] = lambda one, kind=kind: one.kind == kind  # type: ignore[misc]
    for low, high in pairwise(CONTRASTS):
        name = f"contrast {low:g} to {high:g}" if math.isfinite(high) else f"contrast {low:g}+"
        groups[name] = lambda one, a=low, b=high: a <= one.contrast < b  # type: ignore[misc]
    rows = []
    for name, inside in groups.items():
        cells = []
        for cohorts in models.values():
            patients = [who for people in cohorts.values() for who in people]
            found = told(_pooled(patients, inside, lambda one: one.covered > 0), percent=True)
            dsc = told(_pooled(patients, inside, lambda one: one.dsc))
            cells += [found, dsc]
        n = sum(map(inside, every)) // len(models)
        rows.append([name, str(n), *cells])
    titles = [title for name in models for title in (f"`{name}`: found", "DSC a lesion")]
    return markdown(["", "lesions", *titles], rows)


def false_table(models: Mapping[str, Cohorts]) -> str:
    """Count false pieces by what they lie on, most frequent first; all cohorts together."""
    people = {name: [who for p in c.values() for who in p] for name, c in models.items()}
    pieces = {name: Counter(on for who in p for on in who.false_on) for name, p in people.items()}
    present = Counter(each for who in next(iter(people.values())) for each in who.findings)
    rows = [
        [name, str(present[name] or "-"), *(str(count[name]) for count in pieces.values())]
        for name, _ in sum(pieces.values(), Counter()).most_common()
        if name != NO_FINDING
    ]
    rows.append([NO_FINDING, "-", *(str(count[NO_FINDING]) for count in pieces.values())])
    return markdown(["false pieces on", "there are", *(f"`{name}`" for name in models)], rows)


def shift_table(shifts: Mapping[float, Sequence[PatientScores]]) -> str:
    """DSC over what the CT was shifted by."""
    rows = []
    for mm, patients in shifts.items():
        summary = summarise([p.evaluation for p in patients])
        lesions = summary["lesions"]
        rows.append(
            [
                f"{mm:g} mm",
                told(summary["classes"]["lesion"]["dsc"]),
                told(summary["classes"]["bone"]["dsc"]),
                told(lesions["found"]["0"], percent=True),
                told(lesions["false_pieces"], digits=1),
            ]
        )
    return markdown(["further shift", "lesion DSC", "bone DSC", "found", "false pieces"], rows)


def sensitivity_at(
    patients: Sequence[PatientScores], false_pieces: Sequence[float] = FALSE_PIECES
) -> list[float]:
    """Read the free-response curve of lesions of 10 mm and more.

    The best sensitivity among the thresholds that stay within each number of false pieces a
    patient; NaN where none does.
    """
    sensitivity, false = curve(patients)
    within = [sensitivity[false <= at] for at in false_pieces]
    return [float(s.max()) if s.size else math.nan for s in within]


def curve(patients: Sequence[PatientScores]) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity and false pieces a patient at each of the thresholds of membership."""
    n = sum(p.of_10_mm for p in patients)
    found = np.sum([p.found_at for p in patients], 0) / (n or math.nan)
    false = np.mean([p.false_at for p in patients], 0)
    return found, false


def listed_bins() -> dict[str, tuple[float, float]]:
    """Bins of the volume of what is listed, by what they are called."""
    (_, first), *between, (last, _) = pairwise(LISTED_ML)
    names = {f"of {low:g} to {high:g} mL": (low, high) for low, high in between}
    return {
        f"below {first:g} mL": (0.0, first),
        **names,
        f"of {last:g} mL and more": (last, math.inf),
    }


def listed_within(patient: PatientScores, ends: tuple[float, float]) -> list[bool]:
    """Whether each of what is listed, with a volume within these ends, is a lesion."""
    return [true for ml, true in patient.listed if ends[0] <= ml < ends[1]]


def _pooled(
    patients: Sequence[PatientScores],
    inside: Callable[[Lesion], bool],
    score: Callable[[Lesion], float],
) -> dict[str, Any]:
    """Mean over lesions of a group: that of each patient, weighted by how many it has."""
    return _over_all([[score(one) for one in p.lesions if inside(one)] for p in patients])


def _over_all(groups: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Mean over all that patients have, those of one patient drawn together."""
    return _mean([float(np.mean(g)) if g else math.nan for g in groups], [len(g) for g in groups])


def _mean(values: Sequence[float], weights: Sequence[float] | None = None) -> dict[str, Any]:
    """Weighted mean over patients with its interval, None where there is none."""
    if not np.isfinite(values).any():
        return {"estimate": None, "low": None, "high": None}
    interval = bootstrap_interval(values, weights, method="percentile")
    ends = {"low": interval.low, "high": interval.high, "estimate": interval.estimate}
    return {k: None if math.isnan(v) else v for k, v in ends.items()}


def told(score: Mapping[str, Any], *, percent: bool = False, digits: int = 2) -> str:
    """Write a figure with its interval; "-" where there is none."""
    if score["estimate"] is None:
        return "-"

    def one(value: float) -> str:
        return f"{100 * value:.0f}" if percent else f"{value:.{digits}f}"

    text = one(score["estimate"]) + ("%" if percent else "")
    if score["low"] is not None:
        text += f" [{one(score['low'])}, {one(score['high'])}]"
    return text


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table: the first column and those of words stand left, numbers right."""
    words = columns_of_words(rows)
    rule = ["---" if i == 0 or i in words else "---:" for i in range(len(titles))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (titles, rule, *rows)) + "\n"


def columns_of_words(rows: Sequence[Sequence[str]]) -> set[int]:
    """Numbers of the columns in which some cell begins with a letter."""
    return {i for row in rows for i, cell in enumerate(row) if cell[:1].isalpha()}
