"""Where models are: those in the package, and those at a path. Reads cards alone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.models.card_file import card_from_json
from fuzzyseg.networks.architecture import shown

if TYPE_CHECKING:
    from fuzzyseg.models.card import Card

BUNDLED = Path(__file__).parent / "bundled"
WEIGHTS, CARD = ".safetensors", ".json"


@functools.cache
def bundled_models() -> dict[str, Card]:
    """Cards of the models in the package, by name."""
    return {path.stem: read_card(path) for path in sorted(BUNDLED.glob(f"*{CARD}"))}


def default_model(task: str) -> str | None:
    """Name of the bundled model that a task takes by default: the one named after it."""
    return task if task in bundled_models() else None


def locate(name_or_path: str | Path) -> Path:
    """Find a model.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a bundled model, or a path: to the weights, to the card, or to either without
        its ending.

    Returns
    -------
    Path
        Of both files, without their endings.

    Raises
    ------
    InputError
        If there is no such model, or one of its two files is missing.
    """
    if str(name_or_path) in bundled_models():
        return BUNDLED / str(name_or_path)
    stem = stem_of(Path(name_or_path))
    there = [suffix for suffix in (WEIGHTS, CARD) if _is_file(stem, suffix)]
    if not there:
        known = ", ".join(bundled_models()) or "none"
        raise InputError(
            f"expected a bundled model ({known}) or the path of one, found "
            f"{shown(str(name_or_path))}; see fuzzyseg models"
        )
    if len(there) == 1:
        raise InputError(
            f"expected {stem.name}{WEIGHTS} and {stem.name}{CARD} in {stem.parent}, found only "
            f"{stem.name}{there[0]}; copy both files of the model"
        )
    return stem


def lasting_name(name_or_path: str | Path) -> str:
    """Name a model as any folder finds it: a bundled one by its name, others by the whole path.

    Raises as `locate`.
    """
    found = locate(name_or_path)
    return str(name_or_path) if found.parent == BUNDLED else str(found.resolve())


def card_of(name_or_path: str | Path) -> Card:
    """Read the card of a bundled model, or of one at a path; raises as `locate`, `read_card`."""
    return read_card(with_suffix(locate(name_or_path), CARD))


def read_card(path: Path) -> Card:
    """Read a model's card.

    Raises
    ------
    InputError
        If the file cannot be read or is no card.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: no text, or a NUL in the path
        raise InputError(
            f"expected a model's card, found {path}: {error}; give another model"
        ) from error
    return card_from_json(text, str(path))


def stem_of(path: Path) -> Path:
    """Path of a model's files without their endings."""
    return path.with_suffix("") if path.suffix in {WEIGHTS, CARD} else path


def with_suffix(stem: Path, suffix: str) -> Path:
    """Path of one of a model's files; unlike `Path.with_suffix`, keeps dots in its name."""
    return stem.with_name(stem.name + suffix)


def _is_file(stem: Path, suffix: str) -> bool:
    try:
        return with_suffix(stem, suffix).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
