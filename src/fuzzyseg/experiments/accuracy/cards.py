"""What a model's card keeps of its scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.accuracy.score_tables import listed_bins, listed_within
from fuzzyseg.metrics import summarise
from fuzzyseg.models.model_files import load_model, write_card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.experiments.accuracy.score_tables import Cohorts
    from fuzzyseg.experiments.accuracy.scores import PatientScores

_TOLD = ("estimate", "low", "high")


def card_figures(patients: Sequence[PatientScores]) -> dict[str, Any]:
    """DSC of lesion and bone, lesions found and false pieces, each with its 95% interval.

    "listed_ml" says how many of what `segment` lists are lesions, and of how many, by their mL.
    """
    summary = summarise([p.evaluation for p in patients])
    lesions = summary["lesions"]
    figures = {
        "lesion_dsc": summary["classes"]["lesion"]["dsc"],
        "bone_dsc": summary["classes"]["bone"]["dsc"],
        "lesions_found": lesions["found"]["0"],
        "false_pieces": lesions["false_pieces"],
    }
    listed = {
        name: [true for p in patients for true in listed_within(p, ends)]
        for name, ends in listed_bins().items()
    }
    return {
        "patients": len(patients),
        "lesions": lesions["n"],
        **{
            name: [None if score[k] is None else round(score[k], 3) for k in _TOLD]
            for name, score in figures.items()
        },
        "listed_ml": {name: [sum(each), len(each)] for name, each in listed.items()},
    }


def write_scores(model: str, cohorts: Cohorts) -> None:
    """Put the figures into the card of a model at a path; the weights stay as they are."""
    card = load_model(model).card
    metrics = {name: card_figures(patients) for name, patients in cohorts.items()}
    told = {", ".join(_TOLD): "mean and 95% bootstrap interval over simulated patients"}
    write_card(model, replace(card, metrics={**told, **metrics}))
