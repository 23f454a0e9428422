"""Bone SPECT/CT segmentation into background, bone and lesion by (learned) fuzzy clustering.

The names here are the front door; each is imported when it is first used, so that
``import fuzzyseg`` costs nothing. Everything else is in the subpackages.

Examples
--------
>>> import fuzzyseg
>>> sorted(name for name in dir(fuzzyseg) if name == "segment")
['segment']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.lazy import load

if TYPE_CHECKING:
    from fuzzyseg.io import read_study
    from fuzzyseg.metrics import evaluate
    from fuzzyseg.models import load_model
    from fuzzyseg.quantification import Measuring, quantify
    from fuzzyseg.segmentation import Settings, segment
    from fuzzyseg.simulation.simulated import simulate_patient
    from fuzzyseg.volume import Segmentation, Study, Volume

    __version__: str

__all__ = [
    "Measuring",
    "Segmentation",
    "Settings",
    "Study",
    "Volume",
    "__version__",
    "evaluate",
    "load_model",
    "quantify",
    "read_study",
    "segment",
    "simulate_patient",
]

_HOME = {
    "Measuring": "quantification",
    "Segmentation": "volume",
    "Settings": "segmentation",
    "Study": "volume",
    "Volume": "volume",
    "evaluate": "metrics",
    "load_model": "models",
    "quantify": "quantification",
    "read_study": "io",
    "segment": "segmentation",
    "simulate_patient": "simulation.simulated",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562), and keep it."""
    if name == "__version__":
        from importlib import metadata

        value: Any = metadata.version("fuzzyseg")
    elif name in _HOME:
        value = load(f"{__name__}.{_HOME[name]}:{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Show the front door, imported or not."""
    return sorted({*globals(), *__all__})
