"""The TOML table that says what a labelled volume's labels are.

::

    orientation = "LPS"                     # optional: voxel axes, if not as the file says
    keep = { x = [0, 400], z = [50, 900] }  # optional: voxels kept, per axis
    cortex_mm = 1.5                         # optional: depth of bone that is cortical
    [tissues]
    0 = "air"
    7 = "bone"                              # split into cortical bone and spongiosa by depth
    8 = { tissue = "bone", region = "L3" }  # a bone by name, for lesions and uptake
    [[organs]]                              # optional: an ellipsoid that the file lacks
    tissue = "kidney"
    centre = [252, 200, 1150]               # voxels of the file
    radii = [28, 23, 54]
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.disease.lesion_sites import KINDS_OF_BONE, kind_of_bone
from fuzzyseg.simulation.phantom.model import BONE_TISSUES, SKELETON
from fuzzyseg.simulation.phantom.tissues import TISSUES

BONE = "bone"
CORTEX_MM = 1.5
_KEYS = ("orientation", "keep", "cortex_mm", "tissues", "organs")


@dataclass(frozen=True)
class Organ:
    """An ellipsoid laid into a volume's soft tissue, along its voxel axes.

    Parameters
    ----------
    tissue : str
        A key of the tissue table.
    centre, radii : (x, y, z)
        In voxels of the file, counted before `keep`.
    """

    tissue: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]


@dataclass(frozen=True)
class LabelTable:
    """What each label is.

    Parameters
    ----------
    tissues : dict from int to str
        A key of the tissue table, or "bone".
    regions : dict from int to str
        Name of the bone, for labels of bone.
    orientation : str, optional
        Three letters of R/L, A/P and S/I: where the voxel axes run.
    keep : dict from axis to (first, last)
        Voxels kept along x, y or z of the file.
    cortex_mm : float
        Depth of "bone" that becomes cortical.
    organs : tuple of Organ
        Laid into soft tissue, later over earlier.
    """

    tissues: dict[int, str]
    regions: dict[int, str] = field(default_factory=dict)
    orientation: str | None = None
    keep: dict[str, tuple[int, int]] = field(default_factory=dict)
    cortex_mm: float = CORTEX_MM
    organs: tuple[Organ, ...] = ()

    def __post_init__(self) -> None:
        for label, region in self.regions.items():
            if region != SKELETON and kind_of_bone(region) not in KINDS_OF_BONE:
                raise InputError(
                    f"expected regions such as L3 or rib 5 left, found {region!r} for label "
                    f"{label}; begin with one of {', '.join(KINDS_OF_BONE)}, or write {SKELETON}"
                )


def shipped_tables() -> tuple[str, ...]:
    """Names of the tables that come with the package."""
    folder = resources.files(__package__).joinpath("tables")
    return tuple(sorted(p.name.removesuffix(".toml") for p in folder.iterdir()))


def read_table(source: str | Path) -> LabelTable:
    """Read a table from a TOML file, or one that ships with the package by its name.

    Raises
    ------
    InputError
        If there is no such file, it is not TOML, or an entry is not understood.
    """
    name = str(source)
    if name in shipped_tables():
        text = resources.files(__package__).joinpath(f"tables/{name}.toml").read_text("utf-8")
    else:
        try:
            text = Path(source).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"expected a table of labels, found no readable {name} ({type(error).__name__}); "
                f"give a TOML file or one of {', '.join(shipped_tables())}"
            ) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"expected TOML in {name}, found a mistake: {error}; correct it"
        ) from error
    return parse_table(data, name)


def parse_table(data: dict[str, Any], name: str = "the table") -> LabelTable:
    """Check a table that has been read.

    Raises
    ------
    InputError
        If an entry is unknown or not of the right kind.
    """
    unknown = sorted(set(data) - set(_KEYS))
    if unknown or not isinstance(data.get("tissues"), dict) or not data["tissues"]:
        found = f"unknown {', '.join(unknown)}" if unknown else "no [tissues] in it"
        raise InputError(
            f"expected {', '.join(_KEYS)} in {name}, found {found}; "
            'write [tissues] with lines such as 7 = "bone"'
        )
    tissues: dict[int, str] = {}
    regions: dict[int, str] = {}
    for key, entry in data["tissues"].items():
        tissue = entry.get("tissue") if isinstance(entry, dict) else entry
        if not key.lstrip("-").isdigit() or tissue not in (*TISSUES, BONE):
            raise InputError(
                f"expected lines of label = tissue in {name}, found {key} = {entry!r}; labels are "
                f"whole numbers and tissues are {BONE}, {', '.join(TISSUES)}"
            )
        tissues[int(key)] = str(tissue)
        if isinstance(entry, dict) and "region" in entry:
            regions[int(key)] = str(entry["region"])
        elif tissue in (BONE, *BONE_TISSUES):
            regions[int(key)] = SKELETON
    orientation = data.get("orientation")
    if orientation is not None and not is_orientation(orientation):
        raise InputError(
            f'expected an orientation such as "RAS" or "LPS" in {name}, found {orientation!r}; '
            "name one of R/L, A/P and S/I for each voxel axis"
        )
    cortex = data.get("cortex_mm", CORTEX_MM)
    if isinstance(cortex, bool) or not isinstance(cortex, (int, float)) or not 0 <= cortex <= 20:
        raise InputError(
            f"expected cortex_mm of 0 to 20 in {name}, found {cortex!r}; give millimetres"
        )
    kept, organs = keep_of(data.get("keep", {}), name), _organs(data.get("organs", []), name)
    return LabelTable(tissues, regions, orientation, kept, float(cortex), organs)


def is_orientation(text: object) -> bool:
    """Whether a text names where three axes run, as "RAS" does."""
    axes = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
    return isinstance(text, str) and sorted(axes.get(c, -1) for c in text) == [0, 1, 2]


def keep_of(entry: object, name: str) -> dict[str, tuple[int, int]]:
    """Check what a table calls `keep`: first and last voxel along axes x, y, z.

    Raises
    ------
    InputError
        If it is something else.
    """
    kept: dict[str, tuple[int, int]] = {}
    spans: dict[str, Any] = entry if isinstance(entry, dict) else {"keep": entry}
    for axis, span in spans.items():
        whole = isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)
        if axis not in ("x", "y", "z") or not whole or not 0 <= span[0] < span[1]:
            raise InputError(
                f"expected keep = {{ z = [first, last] }} in {name}, found {axis} = {span!r}; "
                "give rising voxel numbers for x, y or z"
            )
        kept[axis] = (span[0], span[1])
    return kept


def _organs(entries: object, name: str) -> tuple[Organ, ...]:
    organs = []
    for entry in entries if isinstance(entries, list) else [entries]:
        given: Any = entry if isinstance(entry, dict) else {}
        tissue, centre, radii = given.get("tissue"), given.get("centre"), given.get("radii")
        fits = set(given) == {"tissue", "centre", "radii"} and tissue in TISSUES
        if not (fits and _three(centre) and _three(radii) and min(radii) > 0):
            raise InputError(
                f"expected [[organs]] with tissue, centre and radii in {name}, found {entry!r}; "
                'write tissue = "kidney", centre = [x, y, z] and radii above 0, in voxels'
            )
        organs.append(Organ(str(tissue), tuple(centre), tuple(radii)))
    return tuple(organs)


def _three(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 3
    return numbers and all(type(n) in (int, float) and abs(n) < 1e6 for n in value)
