"""How well every clustering method does on cohorts, with SPECT alone and with CT.

    python -m fuzzyseg.experiments.methods_table --choose COHORT [--patients N] COHORT...

The cohorts are those of docs/accuracy.md. Each method's spatial weight (or width, or exponents) is
the one of `GRID` with the highest sum of bone and lesion DSC on `--choose`, chosen separately for
SPECT alone and with CT; without `--choose` it is the default. Everything else is default: the body,
fixed centres. Means over the first N patients (all by default) are weighted by true volume, eq. 22
of Chen et al. 2021; surface DSC is a plain mean. Scores are kept in `--keep`
(out/methods_scores.jsonl) and not computed again: a stopped run goes on, and a finished one only
prints. Delete that file when the code has changed. `--write PAGE` puts the tables into a page.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.conventions import CLASSES
from fuzzyseg.experiments.marked_section import write_section
from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import evaluate, plain_mean, volume_weighted_mean
from fuzzyseg.registration import register
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.segmentation.methods import METHODS, clustering_methods
from fuzzyseg.volume import Study

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

    Parameters = Mapping[str, float]
    Case = tuple[str, bool, Parameters]  # method, with CT or not
    Rows = list[list[float]]

FILES = ("spect.nii.gz", "ct.nii.gz", "labels.nii.gz")
ALPHA: tuple[Parameters, ...] = ({"alpha": 0.3}, {}, {"alpha": 3.0})
# What is tried beside each other on the cohort to choose on; {} is the default.
GRID: dict[str, tuple[Parameters, ...]] = {
    "rfcm": ({}, {"beta": 3e-4}, {"beta": 1e-3}),
    "rfcm-ct": ({"gamma": 0.005}, {}, {"gamma": 0.05}),
    "fcm-s": ALPHA,
    "fcm-s1": ALPHA,
    "fcm-s2": ALPHA,
    "enfcm": ALPHA,
    "fgfcm": ({"spatial": 1.0}, {}, {"grey": 2.0}),
    "kfcm": ({"sigma": 0.3}, {}, {"sigma": 1.0}),
    "kfcm-s": ({"alpha": 0.01}, {}, {"alpha": 0.2}),
    "sfcm": ({"window": 3}, {}, {"p": 0.0, "s": 2.0}),
    "pcm": ({"scale": 0.3}, {}, {"scale": 3.0}),
}


class Scores:
    """Scores by cohort, patient, method, with CT or not, and its parameters; kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Rows] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                *key, rows = json.loads(line)
                self.known[json.dumps(key)] = rows

    def of(self, folder: Path, cases: Sequence[Case]) -> Iterator[Rows]:
        """Bone's and lesion's [DSC, surface DSC, true ml] of one patient, case by case."""
        images: tuple[Any, ...] = ()
        for method, with_ct, parameters in cases:
            key = [folder.parent.name, folder.name, method, with_ct, parameters]
            name = json.dumps(key)
            if name not in self.known:
                images = images or load(folder)
                spect, ct, truth = images
                self.known[name] = score(spect, ct, truth, method, with_ct, parameters)
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a") as file:
                    file.write(json.dumps([*key, self.known[name]]) + "\n")
            yield self.known[name]


def load(folder: Path) -> tuple[Volume, Volume | None, NDArray[np.uint8]]:
    """Read a patient: SPECT, registered CT and true labels."""
    spect = read_nifti(folder / "spect.nii.gz", "NM", "Bq/mL")
    ct = register(Study(spect, read_nifti(folder / "ct.nii.gz", "CT"))).ct  # once for all methods
    return spect, ct, read_nifti(folder / "labels.nii.gz").array.astype("uint8")


def score(
    spect: Volume,
    ct: Volume | None,
    truth: NDArray[np.uint8],
    method: str,
    with_ct: bool,
    parameters: Parameters,
) -> Rows:
    """Segment with a method; bone's and lesion's [DSC, surface DSC, true ml]."""
    own = {name: value for name, value in parameters.items() if name != "beta"}
    settings = Settings(
        method=method,
        register=False,
        jobs=1,
        parameters=tuple(f"{name}={value}" for name, value in own.items()),
        **{name: value for name, value in parameters.items() if name == "beta"},  # type: ignore[arg-type]
    )
    labels = segment(Study(spect=spect, ct=ct if with_ct else None), settings).labels
    found = evaluate(labels, truth, spacing_mm=spect.spacing_mm, class_names=CLASSES).rows
    return [[row.dsc, row.surface_dsc, row.truth_ml] for row in found]


def patients(cohort: Path, n: int | None) -> list[Path]:
    """Folders of the first n patients of a cohort that are whole."""
    whole = [p for p in sorted(cohort.glob("patient-*")) if all((p / f).exists() for f in FILES)]
    if not whole:
        sys.exit(f"expected a cohort of simulated patients, found no complete patient in {cohort}")
    return whole[:n]


def summary(rows: Sequence[Rows]) -> list[float]:
    """DSC of bone and lesion, then their surface DSC."""
    overlap = [
        volume_weighted_mean([p[k][0] for p in rows], [p[k][2] for p in rows]).estimate
        for k in (0, 1)
    ]
    return overlap + [plain_mean([p[k][1] for p in rows]).estimate for k in (0, 1)]


def scored(scores: Scores, cohort: Path, n: int | None, cases: Sequence[Case]) -> list[list[float]]:
    """Summary of each case over a cohort."""
    rows = []
    for folder in patients(cohort, n):
        rows.append(list(scores.of(folder, cases)))
        sys.stderr.write(f"{folder}: {time.process_time():.0f} CPU seconds so far\n")
    return [summary(list(of_case)) for of_case in zip(*rows, strict=True)]


def choose(scores: Scores, cohort: Path, n: int | None) -> dict[tuple[str, bool], Parameters]:
    """For each method, with CT and without: the parameters of `GRID` that are best on a cohort."""
    cases = [
        (method, ct, parameters)
        for method, grid in GRID.items()
        for ct in (False, True)
        for parameters in (grid if ct or not METHODS[method].prior else ({},))
    ]
    best: dict[tuple[str, bool], tuple[float, Parameters]] = {}
    for (method, ct, parameters), found in zip(
        cases, scored(scores, cohort, n, cases), strict=True
    ):
        if (method, ct) not in best or sum(found[:2]) > best[method, ct][0]:
            best[method, ct] = sum(found[:2]), parameters
    return {case: parameters for case, (_, parameters) in best.items()}


def words(chosen: Sequence[Parameters]) -> str:
    """Parameters of SPECT alone / with CT, once if they are the same."""
    each = [", ".join(f"{k} {v:g}" for k, v in p.items()) or "default" for p in chosen]
    return each[0] if each[0] == each[1] else " / ".join(each)


def table(
    scores: Scores, cohort: Path, n: int | None, chosen: Mapping[tuple[str, bool], Parameters]
) -> str:
    """Write the scores of every method on a cohort as Markdown."""
    methods = clustering_methods()
    cases = [(m, ct, chosen.get((m, ct), {})) for m in methods for ct in (False, True)]
    found = scored(scores, cohort, n, cases)
    lines = [
        f"`{cohort.name}`, {len(patients(cohort, n))} patients:\n",
        "| method | settings | bone DSC | lesion DSC | bone surface DSC | lesion surface DSC |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for i, method in enumerate(methods):
        both = found[2 * i : 2 * i + 2]
        cells = [words([cases[2 * i][2], cases[2 * i + 1][2]])]
        cells += [" / ".join(f"{row[j]:.2f}" for row in both) for j in range(4)]
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Score, choose and print; write if asked."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.methods_table",
        description=(__doc__ or "").split("\n", maxsplit=1)[0],
    )
    parser.add_argument("cohorts", nargs="+", type=Path)
    parser.add_argument("--choose", type=Path, help="cohort to choose parameters on")
    parser.add_argument("--patients", type=int, help="first N of each cohort")
    parser.add_argument("--keep", type=Path, default=Path("out/methods_scores.jsonl"))
    parser.add_argument("--write", type=Path, metavar="PAGE", help="page to put the tables into")
    given = parser.parse_args(arguments)
    scores, n = Scores(given.keep), given.patients
    chosen = choose(scores, given.choose, n) if given.choose else {}
    tables = "\n".join(table(scores, cohort, n, chosen) for cohort in given.cohorts)
    sys.stdout.write(tables + "\n")
    if given.write:
        write_section(given.write, "methods", tables)


if __name__ == "__main__":
    main()
