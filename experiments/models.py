"""Print how well models do on simulated cohorts, over the body alone (docs/results.md).

    python experiments/models.py COHORT [COHORT ...] -- MODEL [MODEL ...]

MODEL is a bundled name or a path. Bone / lesion: DSC weighted by volume, surface DSC a plain mean.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from fuzzyseg.models.model_files import Model, load_model
from fuzzyseg.training.case import load_case
from fuzzyseg.training.run_record import config_from_json
from fuzzyseg.training.sources import find_sources
from fuzzyseg.training.validate import mean_scores, score_case


def scores(model: Model, cohort: Path) -> str:
    """Scores of one model on one cohort."""
    config = config_from_json(dict(model.card.training["config"]))
    config = replace(config, randomise=0.0)  # reads no activity
    sources = find_sources([cohort], config.channels)
    found = mean_scores([score_case(model, load_case(source, config)) for source in sources])
    dsc, surface = (
        " / ".join(str(s[what]) for s in found.values()) for what in ("dsc", "surface_dsc")
    )
    return f"{cohort.name}: DSC {dsc}, surface {surface}"


if __name__ == "__main__":
    end = sys.argv.index("--")
    for name in sys.argv[end + 1 :]:
        model = load_model(name)
        for cohort in map(Path, sys.argv[1:end]):
            print(f"{name} | {scores(model, cohort)}", flush=True)
