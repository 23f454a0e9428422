"""How far lesions differ where nothing has changed, and how often changes are told right.

    python -m fuzzyseg.experiments.follow_up --repeat FIRST LATER --changed FIRST LATER
        [--model spect] [-o FOLDER] [--write]

FIRST and LATER are cohorts of `fuzzyseg simulate`, LATER with `--follow-up unchanged` for
`--repeat` and `--follow-up changed` for `--changed`, else with the same options. Every patient is
segmented by the model, and days are aligned by their CTs and by their SPECTs.
`-o` draws both days' measures into repeatability.png. `--write` puts the model's repeatability
into the package: `fuzzyseg compare` reads it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.follow_up.aligned import alignment_table
from fuzzyseg.experiments.follow_up.pairs import read_pairs
from fuzzyseg.experiments.follow_up.repeats import measured, repeats, write_package
from fuzzyseg.experiments.follow_up.told import told_counts, told_table

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Print tables over all pairs."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.follow_up",
        description="How repeatable fuzzyseg compare is, and how often it is right.",
    )
    for name, about in (("--repeat", "unchanged"), ("--changed", "changed")):
        parser.add_argument(
            name,
            nargs=2,
            type=Path,
            metavar=("FIRST", "LATER"),
            required=True,
            help=f"cohorts of the same patients, {about} on the later day",
        )
    parser.add_argument("--model", default="spect", help="bundled one, or a path")
    parser.add_argument("-o", "--output", type=Path, help="folder for the picture")
    parser.add_argument("--write", action="store_true", help="into the package")
    given = parser.parse_args(arguments)
    try:
        unchanged = read_pairs(given.repeat[0], given.repeat[1], given.model)
        changed = read_pairs(given.changed[0], given.changed[1], given.model)
        found = measured(unchanged)
        if given.write:
            write_package(Path(given.model).name, found)
        parts = [
            f"## Alignment\n\n{alignment_table([*unchanged, *changed])}",
            f"## Repeatability, {len(unchanged)} pairs\n\n{repeats(found)}",
            told_counts(unchanged, found.limits()),
            f"## Changes, {len(changed)} pairs\n\n{told_table(changed, found.limits())}",
        ]
        if given.output is not None:
            from fuzzyseg.experiments.follow_up.repeat_plot import draw

            given.output.mkdir(parents=True, exist_ok=True)
            draw(found, given.output / "repeatability.png")
    except InputError as error:
        parser.error(str(error))
    sys.stdout.write("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
