"""Models that a process keeps from study to study, with the engines that were opened for them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from fuzzyseg.inference.engines import keep_engines
from fuzzyseg.models.locate import CARD, WEIGHTS, locate, with_suffix
from fuzzyseg.models.model_files import load_model

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.models.model_files import Model

_MODELS = 2  # that are kept: a cohort has one, or one for each kind of study


def kept_model(name_or_path: str | Path) -> Model:
    """Read a model, or return it as it was read before; nobody may change its weights.

    Its engines stay open, with what they compiled, as long as the model is kept. A file that has
    changed is read again.

    Parameters
    ----------
    name_or_path : str or Path
        As for `load_model`, and raises as that does.
    """
    stem = locate(name_or_path)
    files = (with_suffix(stem, suffix).stat() for suffix in (WEIGHTS, CARD))
    return _kept(stem, tuple((file.st_mtime_ns, file.st_size) for file in files))


@functools.lru_cache(_MODELS)
def _kept(stem: Path, _: tuple[tuple[int, int], ...]) -> Model:
    model = load_model(stem)
    keep_engines(model)
    return model
