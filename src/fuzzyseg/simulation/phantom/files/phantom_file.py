"""A phantom file and its TOML table, whatever kind of phantom it is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.files.label_table import is_orientation, keep_of, shipped_tables
from fuzzyseg.simulation.phantom.files.load import load_ct, load_labelled, load_xcat

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume

_XCAT_KEYS = {"activity", "shape", "voxel_mm", "unit", "orientation", "keep"}
_CT_KEYS = {"bone_labels", "bone", "keep"}
_FILES = {"xcat": "activity", "ct": "bone_labels"}  # named in a section, found beside the table


def load_phantom(path: str | Path, table: str | Path) -> LabelledVolume:
    """Read a phantom as its table says.

    Parameters
    ----------
    path : path
        A labelled NIfTI, XCAT's raw attenuation, or a CT.
    table : path or name
        A TOML file, or the name of a table that ships with the package. With a section
        ``[xcat]`` (shape and voxel_mm; activity, unit, orientation and keep if wanted) the phantom
        is XCAT's raw file; with ``[ct]`` (bone_labels, and bone, a table from label to region, and
        keep, if wanted) it is a CT with bone labels; else a labelled volume: see `read_table`.
        Files named in a table are found beside it.

    Raises
    ------
    InputError
        If a file cannot be read or does not fit its table.
    """
    if str(table) in shipped_tables():
        return load_labelled(path, table)
    folder = Path(table).parent
    data = _toml(table)
    if "xcat" in data:
        xcat = _section(data["xcat"], "xcat", _XCAT_KEYS, {"shape", "voxel_mm"}, table)
        _require_xcat(xcat, table)
        xcat["keep"] = keep_of(xcat.get("keep", {}), str(table))
        if "activity" in xcat:
            xcat["activity"] = folder / xcat["activity"]
        xcat["shape"] = tuple(xcat["shape"])
        if isinstance(xcat["voxel_mm"], list):
            xcat["voxel_mm"] = tuple(xcat["voxel_mm"])
        return load_xcat(path, **xcat)
    if "ct" in data:
        ct = _section(data["ct"], "ct", _CT_KEYS, {"bone_labels"}, table)
        _require(isinstance(ct["bone_labels"], str), "bone_labels", ct["bone_labels"], table)
        names = ct.get("bone")
        _require(names is None or isinstance(names, dict), "bone", names, table)
        try:
            bone = None if names is None else {int(k): str(v) for k, v in names.items()}
        except ValueError as error:
            raise InputError(
                f"expected lines of label = region in [ct.bone] of {table}, found {error}; "
                'write lines such as 27 = "L5"'
            ) from error
        kept = keep_of(ct.get("keep", {}), str(table))
        return load_ct(path, folder / ct["bone_labels"], bone, keep=kept)
    return load_labelled(path, table)


def files_beside(table: str | Path) -> list[Path]:
    """Files that a table names, such as a CT's bone labels; none for a table of the package."""
    if str(table) in shipped_tables():
        return []
    data = _toml(table)
    named = [(data.get(section) or {}).get(key) for section, key in _FILES.items()]
    return [Path(table).parent / name for name in named if name is not None]


def _toml(table: str | Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(table).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"expected a TOML table of tissues, found {table}: {error}; give such a file or one of "
            f"{', '.join(shipped_tables())}"
        ) from error


def _require(fits: bool, key: str, found: Any, table: str | Path) -> None:
    if not fits:
        raise InputError(f"expected a fitting {key} in {table}, found {found!r}; correct the table")


def _require_xcat(xcat: dict[str, Any], table: str | Path) -> None:
    shape, voxel = xcat["shape"], xcat["voxel_mm"]
    whole = isinstance(shape, list) and len(shape) == 3
    whole = whole and all(isinstance(n, int) and n > 0 for n in shape)
    _require(whole, "shape of three whole numbers", shape, table)
    widths = voxel if isinstance(voxel, list) else [voxel] * 3
    lengths = len(widths) == 3 and all(isinstance(w, (int, float)) and w > 0 for w in widths)
    _require(lengths, "voxel_mm above 0", voxel, table)
    _require(isinstance(xcat.get("activity", ""), str), "activity", xcat.get("activity"), table)
    axes = xcat.get("orientation", "LPS")
    _require(is_orientation(axes), 'orientation such as "LPS"', axes, table)


def _section(
    found: Any, name: str, known: set[str], needed: set[str], table: str | Path
) -> dict[str, Any]:
    if not isinstance(found, dict) or not needed <= set(found) <= known:
        raise InputError(
            f"expected {', '.join(sorted(known))} in [{name}] of {table}, and at least "
            f"{' and '.join(sorted(needed))}, found {found!r}; correct the table"
        )
    return dict(found)
