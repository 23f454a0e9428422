"""What was given to whom and when: what SUV needs beside an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The moment for which the values of an image hold: radioactivity decays while it is waited for.
Decay = Literal["acquisition", "series", "administration"]
Sex = Literal["male", "female"]


@dataclass(frozen=True)
class Administration:
    """A patient's size and the radiopharmaceutical given, as far as a header says; no dates.

    Parameters
    ----------
    weight_kg, height_m : float or None
        As the header has them, plausible or not.
    sex : {"male", "female"} or None
    injected_mbq : float or None
        Administered activity when it was given, in MBq.
    acquisition_after_s, series_after_s : float or None
        Seconds from the administration to the start of the first acquisition, and to the time
        of the series, which some scanners correct to instead.
    decay : {"acquisition", "series", "administration"} or None
        To which moment the header says that decay is corrected; None where it says nothing.
    notes : tuple of str
        What had to be assumed, one sentence each.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: Sex | None = None
    injected_mbq: float | None = None
    acquisition_after_s: float | None = None
    series_after_s: float | None = None
    decay: Decay | None = None
    notes: tuple[str, ...] = ()
