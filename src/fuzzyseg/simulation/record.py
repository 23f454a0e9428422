"""What a cohort says of how it was made, and whether it may go on."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.provenance import versions
from fuzzyseg.simulation.phantom.files.phantom_file import files_beside

if TYPE_CHECKING:
    from fuzzyseg.simulation.simulated import Recipe

_FOLDER = Path(__file__).parent
_SOURCES = (".py", ".toml")
_NAMED = ("phantom", "labels")  # files in a recipe


@functools.cache
def code_digest(folder: Path = _FOLDER) -> str:
    """SHA-256, its first 16 digits, of the simulation's sources: names and contents.

    It changes with every edit, also one that changes no image: better asked once too often.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in _SOURCES):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def recipe_record(recipe: Recipe) -> dict[str, Any]:
    """Put a recipe into values that JSON can hold; of files the name alone, not where they lie."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    for name in _NAMED:
        if found[name] is not None:
            found[name] = Path(found[name]).name
    return found


def made_of(recipe: Recipe) -> dict[str, Any]:
    """Describe what determines a cohort's files: recipe, files, versions, code."""
    return {
        "recipe": recipe_record(recipe),
        "files": {path.name: _sha256(path) for path in _files(recipe)},
        "versions": versions(),
        "code": [code_digest()],
    }


def resumed(out: Path, recipe: Recipe, *, other_code: bool = False) -> dict[str, Any]:
    """Describe a cohort as `made_of` does, if its folder is empty or was begun in the same way.

    Parameters
    ----------
    out : Path
    recipe : Recipe
    other_code : bool
        Go on although another version or other code began it.

    Returns
    -------
    dict
        With all code that had a part in it.

    Raises
    ------
    InputError
        If the folder holds patients that were made of something else.
    """
    made = made_of(recipe)
    if not any(out.glob("patient-*")):
        return made
    try:
        found = json.loads((out / "cohort.json").read_text("utf-8"))
        before, files, version = found["recipe"], found["files"], found["versions"]["fuzzyseg"]
        # Earlier versions wrote down the paths of files, and nothing of the code.
        before |= {name: Path(before[name]).name for name in _NAMED if before.get(name)}
        files = {Path(name).name: digest for name, digest in files.items()}
        code = list(found.get("code", ["unknown"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected an empty folder or a cohort to continue, found patients without a "
            f"readable cohort.json in {out}; choose another folder"
        ) from error
    # What a recipe could not say at the time was as it is by default.
    before = recipe_record(type(recipe)()) | before
    different = [name for name, value in made["recipe"].items() if before[name] != value]
    if files != {name: digest for name, digest in made["files"].items() if name in files}:
        different.append("content of a file")
    if different:
        raise InputError(
            f"expected a cohort with the same recipe to continue, found in {out} a different "
            f"{' and '.join(different)}; choose another folder"
        )
    same = version == made["versions"]["fuzzyseg"] and code == made["code"]
    if not same and not other_code:
        raise InputError(
            f"expected the code that began the cohort in {out}, found other code, "
            "whose patients may be of another kind; choose another folder, or give "
            "--other-code"
        )
    return made | {"code": list(dict.fromkeys([*code, *made["code"]]))}


def _files(recipe: Recipe) -> list[Path]:
    """Files that a recipe names, itself or in its table."""
    named = [Path(name) for name in (recipe.phantom, recipe.labels) if name is not None]
    if recipe.labels is not None:
        named += files_beside(recipe.labels)
    return [path for path in named if path.is_file()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
