"""The command: predict, score, write accuracy.md and its pictures."""

from __future__ import annotations

import argparse
import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.accuracy.cards import write_scores
from fuzzyseg.experiments.accuracy.pictures import draw_curves, draw_diameters, draw_gallery
from fuzzyseg.experiments.accuracy.predictions import predict_patient
from fuzzyseg.experiments.accuracy.score_tables import (
    false_table,
    lesion_table,
    model_table,
    shift_table,
)
from fuzzyseg.experiments.accuracy.scores import PatientScores, scored
from fuzzyseg.io.output import write_text
from fuzzyseg.jobs.processes import executor
from fuzzyseg.models import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Write OUT/accuracy.md, OUT/froc.png, OUT/diameter.png and a gallery a model and cohort."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.accuracy",
        description="How well models do on cohorts of simulated patients.",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--models", nargs="+", required=True, help="bundled ones, or paths")
    parser.add_argument("--cohorts", nargs="+", type=Path, required=True)
    parser.add_argument(
        "--shifts-mm",
        nargs="*",
        type=float,
        default=[],
        help="also shift the CTs of the first cohort by these",
    )
    parser.add_argument(
        "--into-cards", action="store_true", help="write the scores into the models' cards"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    given = parser.parse_args(arguments)
    try:
        text = report(
            given.output,
            given.models,
            given.cohorts,
            given.shifts_mm,
            jobs=given.jobs,
            into_cards=given.into_cards,
        )
    except InputError as error:
        parser.error(str(error))
    sys.stdout.write(text)


def report(
    out: Path,
    models: Sequence[str],
    cohorts: Sequence[Path],
    shifts_mm: Sequence[float] = (),
    *,
    jobs: int = 1,
    into_cards: bool = False,
) -> str:
    """Score everything, draw, and return the page's Markdown."""
    people = {cohort: sorted(cohort.glob("patient-*")) for cohort in cohorts}
    for cohort, folders in people.items():
        if not folders:
            raise InputError(
                f"expected patients in {cohort}, found none; run fuzzyseg simulate first"
            )
    out.mkdir(parents=True, exist_ok=True)
    keep = out / "predictions"
    scores: dict[str, dict[str, list[PatientScores]]] = {}
    parts = []
    with contextlib.ExitStack() as open_until_done:
        mapped = map if jobs == 1 else open_until_done.enter_context(executor(jobs)).map
        for model in models:
            name = Path(model).parent.name if "/" in model else model
            scores[name] = {}
            for cohort, folders in people.items():
                found = list(mapped(partial(scored, model, keep, 0.0), folders))
                scores[name][cohort.name] = found
                predictions = {f.name: predict_patient(model, f, keep) for f in folders}
                draw_gallery(found, predictions, cohort, out / f"{name}-{cohort.name}.png")
            parts += [f"## `{name}`", model_table(scores[name])]
            if into_cards:
                write_scores(model, scores[name])
            if shifts_mm and "ct" in load_model(model).card.architecture.channels:
                first = people[cohorts[0]]
                shifted = {
                    mm: list(mapped(partial(scored, model, keep, mm), first)) for mm in shifts_mm
                }
                parts += [f"CT shifted, {cohorts[0].name}:", shift_table(shifted)]
    draw_curves(scores, out / "froc.png")
    draw_diameters(scores, out / "diameter.png")
    parts += ["## Lesion by lesion", lesion_table(scores)]
    parts += ["## False piece by false piece", false_table(scores)]
    text = "\n".join(parts)
    write_text(out / "accuracy.md", text)
    return text


if __name__ == "__main__":
    main()
