"""Names of units in DICOM, and the units of this package they mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.volume import Unit

# Units (0054,1001) of PS3.3 C.8.9.1.1.3. GML is SUV by body weight where SUV Type is absent,
# CM2ML is SUV by body surface.
PT_UNITS: Mapping[str, Unit] = {
    "BQML": "Bq/mL",
    "CNTS": "counts",
    "PROPCNTS": "counts",
    "GML": "SUV",
    "CM2ML": "SUV",
}

_COUNTS = {"counts", "count", "cnts", "propcounts", "propcnts"}
# UCUM is case-sensitive: M is mega, m would be milli.
_ACTIVITY = re.compile(r"(?P<prefix>[kKMG]?)(?:Bq|BQ|bq)/?(?P<volume>ml|mL|ML|cc|cm3|l|L)")
_PREFIX = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
_SUV = re.compile(r"(\{suv\w*\})?(g/ml|cm2/ml)(\{suv\w*\})?", re.IGNORECASE)


def parse_unit(code: str) -> tuple[Unit, float, str | None]:
    """Translate a UCUM code of Measurement Units Code Sequence (0040,08EA), as in CID 84.

    Parameters
    ----------
    code : str
        Such as "Bq/ml", "BQML", "kBq/mL", "{counts}", "g/ml{SUVbw}".

    Returns
    -------
    unit : {"Bq/mL", "counts", "SUV", "arbitrary"}
    factor : float
        What to multiply values by to have them in `unit`.
    warning : str or None
        A sentence where the unit is not known, or is an SUV not by body weight.
    """
    code = code.strip()
    activity = _ACTIVITY.fullmatch(code)
    if activity:
        per_ml = 1e-3 if activity["volume"] in ("l", "L") else 1.0
        return "Bq/mL", _PREFIX[activity["prefix"]] * per_ml, None
    if code.lower().strip("{}") in _COUNTS:
        return "counts", 1.0, None
    suv = _SUV.fullmatch(code)
    if suv:
        default = "{SUVbw}" if suv[2].lower() == "g/ml" else "{SUVbsa}"
        name = (suv[1] or suv[3] or default).strip("{}")
        if name.lower() in ("suv", "suvbw"):
            return "SUV", 1.0, None
        return "SUV", 1.0, f"The SUV is not normalised by body weight ({code})."
    return "arbitrary", 1.0, f"The unit of the image ({code or 'unnamed'}) is treated as arbitrary."
