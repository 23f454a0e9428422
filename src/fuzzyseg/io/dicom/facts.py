"""What a header says of patient, visit, place and nuclide, beside the image."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.identity import Identity, mark
from fuzzyseg.io.dicom.elements import items, number, text
from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

FACT_TAGS = (
    "PatientID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "RadiopharmaceuticalInformationSequence",
)
# Half-lives in seconds (DDEP, Table of Radionuclides, BIPM; Rb-82 and Zr-89 from ICRP 107).
HALF_LIVES_S = {
    "Tc-99m": HALF_LIFE_S,
    "In-111": 242_330.0,
    "I-123": 47_604.0,
    "I-131": 692_902.0,
    "Tl-201": 262_837.0,
    "Ga-67": 281_769.0,
    "Lu-177": 574_344.0,
    "Sm-153": 166_550.0,
    "F-18": 6_586.0,
    "Na-22": 82_113_000.0,
    "Ga-68": 4_069.0,
    "Cu-64": 45_724.0,
    "Zr-89": 282_276.0,
    "Rb-82": 75.5,
    "C-11": 1_222.0,
    "N-13": 597.9,
    "O-15": 122.2,
}
# How far a file's half-life may be off for the nuclide to be known by it: writers round.
_HALF_LIFE_TOLERANCE = 0.01
_ELEMENTS = {
    "technetium": "Tc",
    "indium": "In",
    "iodine": "I",
    "thallium": "Tl",
    "gallium": "Ga",
    "lutetium": "Lu",
    "samarium": "Sm",
    "fluorine": "F",
    "sodium": "Na",
    "copper": "Cu",
    "zirconium": "Zr",
    "rubidium": "Rb",
    "carbon": "C",
    "nitrogen": "N",
    "oxygen": "O",
}


def facts(header: Dataset, path: Path) -> dict[str, Any]:
    """Find the fields of a `Volume` that do not depend on its voxels.

    Returns
    -------
    dict
        "identity", "nuclide" and "half_life_s"; the nuclide by its name, else by its half-life.

    Notes
    -----
    What is damaged here changes no voxel: it counts as absent.
    """
    identity = Identity(
        patient=mark(text(header, "PatientID")),
        study=mark(text(header, "StudyInstanceUID")),
        frame=mark(text(header, "FrameOfReferenceUID")),
    )
    try:
        compounds = items(header, "RadiopharmaceuticalInformationSequence", path)
        half_life = number(compounds[0], "RadionuclideHalfLife", path) if compounds else None
        codes = items(compounds[0], "RadionuclideCodeSequence", path) if compounds else ()
    except InputError:
        compounds, half_life, codes = (), None, ()
    half_life = half_life if half_life and half_life > 0 else None
    named = text(codes[0], "CodeMeaning") if codes else ""
    if not named and compounds:
        named = text(compounds[0], "Radiopharmaceutical")
    nuclide = nuclide_of_name(named) or nuclide_of_half_life(half_life)
    return {"identity": identity, "nuclide": nuclide, "half_life_s": half_life}


def nuclide_of_name(name: str) -> str:
    """Find a known nuclide in a text such as "^99m^Technetium" or "Tc-99m HDP"; else empty."""
    symbols = {symbol.lower(): symbol for symbol in _ELEMENTS.values()} | _ELEMENTS
    words = re.findall(r"\d+|[a-z]+", name.lower())
    masses, elements = set(), set()
    for word, behind in itertools.pairwise([*words, ""]):
        if word.isdigit():
            masses |= {word, f"{word}m"} if behind.startswith("m") else {word}
            elements.add(symbols.get(behind.removeprefix("m"), ""))  # of 99mTc
        else:
            elements.add(symbols.get(word, ""))
    known = {f"{element}-{mass}" for element in elements for mass in masses} & HALF_LIVES_S.keys()
    return known.pop() if len(known) == 1 else ""


def nuclide_of_half_life(half_life_s: float | None) -> str:
    """Find the nuclide of a half-life in seconds; empty where none of those known has it."""
    for name, known in HALF_LIVES_S.items():
        if half_life_s and abs(half_life_s - known) <= _HALF_LIFE_TOLERANCE * known:
            return name
    return ""
