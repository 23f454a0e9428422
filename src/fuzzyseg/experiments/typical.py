"""What models' memberships are like on patients that they were not trained on, into their cards.

    python -m fuzzyseg.experiments.typical DATA [DATA ...] --models spect spect-ct

DATA as for `fuzzyseg train`, which writes the same of its validation cases.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import STATISTICS
from fuzzyseg.models.locate import card_of
from fuzzyseg.segmentation.describe import describe_memberships
from fuzzyseg.training.case import read_source
from fuzzyseg.training.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Describe each model and print what its card now says."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.typical",
        description="Write into models' cards what their memberships are like.",
    )
    parser.add_argument("data", nargs="+", type=Path, help="cohorts or manifests")
    parser.add_argument("--models", nargs="+", required=True, help="bundled ones, or paths")
    parser.add_argument("--jobs", type=int, help="threads")
    given = parser.parse_args(arguments)
    try:
        for model in given.models:
            channels = card_of(model).architecture.channels
            studies = (read_source(s, channels) for s in find_sources(given.data, channels))
            said = describe_memberships(model, studies, jobs=given.jobs)
            ranges = (f"{n} {getattr(said, n)[0]} to {getattr(said, n)[1]}" for n in STATISTICS)
            sys.stdout.write(f"{model}: {said.patients} patients, {', '.join(ranges)}\n")
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
