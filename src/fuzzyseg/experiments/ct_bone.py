"""How well bone is found in CTs: models beside clustering and a threshold, with intervals.

    python -m fuzzyseg.experiments.ct_bone DATA [DATA ...] --methods ct RUN/model rfcm threshold

DATA as for `fuzzyseg train --channels ct`. Every label above 0 is bone, unless
`--structures FILE.csv` (columns "id" and "structure") says what the labels are: then ribs,
vertebrae, sternum, scapulae and so on are. Scores are those of all of a CT, on its own voxels.
`--odds 1 1.5 2 3` scores models with each of these odds of bone in place of their card's, and
`--cortex` with its pieces without cortex left out, to choose what the card is to say.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.experiments.accuracy.score_tables import markdown, told
from fuzzyseg.experiments.bone_names import bones_of
from fuzzyseg.io import read_volume
from fuzzyseg.metrics import bootstrap_interval, evaluate, summarise
from fuzzyseg.models.model_files import load_model, save_model, write_card
from fuzzyseg.resample import resample
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.segmentation.methods import METHODS
from fuzzyseg.training.case import read_source
from fuzzyseg.training.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from fuzzyseg.metrics import Evaluation
    from fuzzyseg.training.sources import Source
    from fuzzyseg.volume import Volume


def score(
    ct: Volume, truth: Volume, method: str, bones: Collection[int] | None = None
) -> Evaluation:
    """Segment a CT and compare its bone with the true one.

    Parameters
    ----------
    ct, truth : Volume
        Truth on any grid.
    method : str
        A method of `segment`, or the name or path of a model.
    bones : collection of int, optional
        Labels that are bone; all above 0 by default.
    """
    labels = np.rint(resample(truth, ct, order=0).array).astype(np.int64)
    bone = labels > 0 if bones is None else np.isin(labels, sorted(bones))
    if method in METHODS:
        settings = Settings(method=method)
    else:
        settings = Settings(method="model", model=method)
    return evaluate(
        (segment(ct, settings).labels > 0).astype(np.uint8),
        bone.astype(np.uint8),
        spacing_mm=ct.spacing_mm,
        class_names=CLASSES[:2],
    )


def variants(method: str, odds: Sequence[float], folder: Path, *, cortex: bool) -> dict[str, str]:
    """Write a model with other cards to a folder; their paths by what they are called."""
    if method in METHODS:
        raise InputError(f"expected models for --odds and --cortex, found {method}; leave it out")
    model = load_model(method)
    found: dict[str, str] = {}
    several: Sequence[float | None] = odds or [None]
    for factor in several:
        own = model.card.odds if factor is None else (1.0, factor)
        card = replace(model.card, odds=own, cortex=cortex or model.card.cortex)
        path = folder / str(len(found))
        save_model(replace(model, card=card), path)
        name = method if factor is None else f"{method}, odds {factor:g}"
        found[f"{name}, cortex" if cortex else name] = str(path)
    return found


def table(scores: Mapping[str, Sequence[Evaluation]]) -> str:
    """Lay out methods by rows; 95% bootstrap intervals over CTs, DSC weighted by volume."""
    rows = []
    for method, evaluations in scores.items():
        bone = summarise(evaluations)["classes"]["bone"]
        each = [e.rows[0] for e in evaluations]
        rest = [_plain([getattr(r, name) for r in each]) for name in ("recall", "precision")]
        cells = [bone["dsc"], bone["surface_dsc"], *rest]
        rows.append([f"`{method}`", *(told(cell) for cell in cells)])
    return markdown(["", "bone DSC", "surface DSC", "recall", "precision"], rows)


def _plain(values: Sequence[float]) -> dict[str, Any]:
    interval = bootstrap_interval(values)
    found = {name: getattr(interval, name) for name in ("estimate", "low", "high")}
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def into_card(model: str, name: str, evaluations: Sequence[Evaluation]) -> None:
    """Put DSC and surface DSC, each with its interval, into a model's card under a name."""
    card = load_model(model).card
    bone = summarise(evaluations)["classes"]["bone"]
    figures: dict[str, Any] = {"cts": len(evaluations)}
    for key in ("dsc", "surface_dsc"):
        values = (bone[key][k] for k in ("estimate", "low", "high"))
        figures[key] = [None if v is None else round(v, 3) for v in values]
    write_card(model, replace(card, metrics={**card.metrics, name: {"bone": figures}}))


def _scored(
    sources: Sequence[Source], method: str, bones: Collection[int] | None
) -> list[Evaluation]:
    """Evaluate every CT."""
    found = []
    for source in sources:
        if source.labels is None:
            raise InputError(f"expected labels of {source.name}, found none; give them")
        ct = read_source(source, ("ct",)).image
        found.append(score(ct, read_volume(source.labels, modality="other"), method, bones))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of every method on all the CTs."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.ct_bone", description="Bone in CT, scored."
    )
    parser.add_argument("data", nargs="+", type=Path, help="cohorts or manifests")
    parser.add_argument("--methods", nargs="+", required=True, help="methods of segment, or models")
    parser.add_argument("--structures", type=Path, help="CSV that names the labels")
    parser.add_argument("--into-cards", metavar="NAME", help="write the models' scores, so named")
    parser.add_argument("--odds", nargs="+", type=float, default=[], help="of bone, one by one")
    parser.add_argument("--cortex", action="store_true", help="leave out pieces without cortex")
    given = parser.parse_args(arguments)
    vary = given.odds or given.cortex
    if vary and given.into_cards:
        parser.error("expected --into-cards alone, found --odds or --cortex; leave it out")
    if not all(1e-3 <= factor <= 1e3 for factor in given.odds):
        parser.error(f"expected --odds from 0.001 to 1000, found {given.odds}; give others")
    try:
        bones = None if given.structures is None else bones_of(given.structures)
        sources = find_sources(given.data, ("ct",))
        scores: dict[str, list[Evaluation]] = {}
        with tempfile.TemporaryDirectory() as folder:
            for number, method in enumerate(given.methods):
                of_it = {method: method}
                if vary:
                    where = Path(folder) / str(number)
                    of_it = variants(method, given.odds, where, cortex=given.cortex)
                scores |= {name: _scored(sources, path, bones) for name, path in of_it.items()}
        for method in given.methods if given.into_cards else ():
            if method not in METHODS:
                into_card(method, given.into_cards, scores[method])
    except InputError as error:
        parser.error(str(error))
    sys.stdout.write(f"{len(sources)} CTs\n\n{table(scores)}")


if __name__ == "__main__":
    main()
