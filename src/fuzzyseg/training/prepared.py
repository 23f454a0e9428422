"""Cases that were read once, kept as arrays on disk that are mapped into memory.

A training on a hundred volumes then holds no more of them than it looks at, several trainings
share what the system keeps of the files, and a run that goes on starts within seconds. Images are
kept in half precision: normalised, they differ by at most 0.05%.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import cannot_write, new_folder
from fuzzyseg.training.case import Case, check_labelled, load_case

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.training.config import Config
    from fuzzyseg.training.sources import Source

_FORMAT = 3  # of the folders; a change of what is in them raises it
_SETTINGS = ("channels", "classes", "spect", "ct", "ct_window_hu", "spacing_mm", "register")
_CASE, _ENDING = "case.json", ".npy"
_PLACES = ("bright", "body", "lesions", "mimics")


def prepared_cases(
    sources: Sequence[Source],
    config: Config,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> list[Case]:
    """Read cases, each from `folder` if it has been there before; see `load_cases`.

    A case is prepared again where one of its files, or a setting that its arrays depend on, has
    changed. Whoever comes second to prepare the same case takes what is there.

    Raises
    ------
    InputError
        As `load_cases`; also if the folder cannot be written to.
    """
    found = []
    for number, source in enumerate(sources, 1):
        place = folder / _key(source, config)
        if not (place / _CASE).exists():
            read = load_case(source, config)
            check_labelled(read, config)
            _prepare(place, read, config)
        case = _mapped(place)
        check_labelled(case, config)
        found.append(case)
        if progress is not None:
            progress(number, len(sources))
    return found


def _key(source: Source, config: Config) -> str:
    """Tell cases apart: by their files, these files' dates and sizes, and the settings."""
    files = {}
    for kind in ("spect", "ct", "labels", "activity"):
        path: Path | None = getattr(source, kind)
        if path is None:
            continue
        within = sorted(path.rglob("*")) if path.is_dir() else [path]
        stats = [(str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in within if p.is_file()]
        files[kind] = [str(path.resolve()), stats]
    settings: dict[str, Any] = {name: getattr(config, name) for name in _SETTINGS}
    settings |= {"raw": _wants_raw(config), "activity": config.needs_activity}
    text = json.dumps([_FORMAT, source.name, files, settings])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _wants_raw(config: Config) -> bool:
    """Whether intensities in their own unit are asked for after reading."""
    return config.randomise > 0 or config.looks_at_image


def _prepare(place: Path, case: Case, config: Config) -> None:
    arrays: dict[str, NDArray[Any]] = {"image": _half(case.image), "labels": case.labels}
    for name in _PLACES:
        arrays[name] = getattr(case, name).astype(np.int32)
    if _wants_raw(config):
        arrays |= {f"raw-{name}": array for name, array in case.raw.items()}
    if case.activity is not None:
        arrays["activity"] = case.activity
    told = {
        "name": case.name,
        "spacing_mm": case.spacing_mm,
        "n_classes": case.n_classes,
        "air": case.air,
        "low": case.low,
        "high": case.high,
        "labelled": case.labelled,
    }
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(place) as partial:
            for name, array in arrays.items():
                np.save(partial / f"{name}{_ENDING}", np.ascontiguousarray(array))
            (partial / _CASE).write_text(json.dumps(told), encoding="utf-8")
    except OSError as error:
        if not (place / _CASE).exists():  # nobody else was faster
            raise cannot_write(place, error) from error


def _half(image: NDArray[np.float32]) -> NDArray[Any]:
    """Half precision, unless a value is too large for it."""
    with contextlib.suppress(FloatingPointError), np.errstate(over="raise"):
        return image.astype(np.float16)
    return image


def _mapped(place: Path) -> Case:
    try:
        told = json.loads((place / _CASE).read_text(encoding="utf-8"))
        arrays = {
            path.stem: np.load(path, mmap_mode="r") for path in sorted(place.glob(f"*{_ENDING}"))
        }
        return Case(
            name=told["name"],
            raw={
                name.removeprefix("raw-"): array
                for name, array in arrays.items()
                if name.startswith("raw-")
            },
            image=arrays["image"],
            labels=arrays["labels"],
            activity=arrays.get("activity"),
            spacing_mm=tuple(told["spacing_mm"]),
            n_classes=told["n_classes"],
            air=tuple(told["air"]),
            known={name: arrays[name] for name in _PLACES}
            | {
                "low": tuple(told["low"]),
                "high": tuple(told["high"]),
                "labelled": told["labelled"],
            },
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected a prepared case, found a damaged one in {place}: {error}; remove that folder"
        ) from error
