"""What SUV needs of a simulated patient, and a NIfTI does not hold; a department knows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fuzzyseg.quantification.measuring import Measuring

if TYPE_CHECKING:
    from pathlib import Path


def known_of(folder: Path) -> Measuring:
    """Read weight, activity and time from the folder of a patient of `fuzzyseg simulate`."""
    drawn = json.loads((folder / "patient.json").read_text(encoding="utf-8"))["patient"]
    return Measuring(
        unit="Bq/mL",
        weight_kg=round(drawn["weight_kg"], 1),
        injected_mbq=drawn["injected_mbq"],
        uptake_min=60 * drawn["uptake_h"],
    )
