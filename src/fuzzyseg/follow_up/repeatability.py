"""What a change must exceed: how far measures differ where nothing has changed.

Of simulated patients scanned twice (another position, bladder and noise, the same lesions), the
root mean square s of the logarithm of the ratio of both days' measures; 95% of ratios lie within
exp(+-1.96 s) [1]_. The figures are in repeatability.json, which
`python -m fuzzyseg.experiments.follow_up` writes.

References
----------
.. [1] Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res
   1999;8:135.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.follow_up.comparable_uptake import Uptake

FILE = "repeatability.json"
_Z = 1.96  # 95% of a normal distribution lie within
Measure = Literal["volume", "peak", "total"]


@dataclass(frozen=True)
class Repeatability:
    """Limits of what happens without change.

    Parameters
    ----------
    measured_on : str
        Model or method of which they were measured.
    pairs : int
        Patients scanned twice.
    bins : tuple of mapping
        By rising volume ("below_ml", None for the last): number of "lesions", and s of "volume",
        "peak" and "total" in SUV and, as "peak_to_bone" and "total_to_bone", relative to bone.
    patient : mapping
        The same s of patients' sums.
    """

    measured_on: str
    pairs: int
    bins: tuple[Mapping[str, Any], ...]
    patient: Mapping[str, float]

    def limit(self, measure: Measure, volume_ml: float, uptake: Uptake) -> float:
        """Largest ratio, and its inverse the smallest, that a lesion shows without change.

        Parameters
        ----------
        measure : {"volume", "peak", "total"}
        volume_ml : float
            Of the lesion: the geometric mean of both days.
        uptake : Uptake
        """
        of_size = next(
            each for each in self.bins if each["below_ml"] is None or volume_ml < each["below_ml"]
        )
        return _ratio(of_size[_name(measure, uptake)])

    def patient_limit(self, measure: Measure, uptake: Uptake) -> float:
        """Return the same of the sum over a patient's lesions."""
        return _ratio(self.patient[_name(measure, uptake)])


def _name(measure: Measure, uptake: Uptake) -> str:
    return measure if measure == "volume" or uptake.unit == "SUV" else f"{measure}_to_bone"


def _ratio(s: float) -> float:
    return math.exp(_Z * s)


def repeatability_of(method: str) -> Repeatability:
    """Limits of a model or method; of the default model's where it was not measured itself."""
    told = _measured()
    name = method if method in told["methods"] else told["default"]
    found = told["methods"][name]
    return Repeatability(name, found["pairs"], tuple(found["bins"]), found["patient"])


@functools.cache
def _measured() -> dict[str, Any]:
    text = resources.files(__package__).joinpath(FILE).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
