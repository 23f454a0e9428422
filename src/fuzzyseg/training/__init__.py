"""Training of networks on simulated patients, and their adaptation to a scan without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily

if TYPE_CHECKING:
    from fuzzyseg.training.adaptation import Adaptation as Adaptation
    from fuzzyseg.training.case import Case as Case
    from fuzzyseg.training.case import load_cases as load_cases
    from fuzzyseg.training.config import Config as Config
    from fuzzyseg.training.loop import train as train
    from fuzzyseg.training.prepared import prepared_cases as prepared_cases
    from fuzzyseg.training.randomise import Randomisation as Randomisation
    from fuzzyseg.training.sources import Source as Source
    from fuzzyseg.training.sources import find_sources as find_sources

_MODULES = {
    "Adaptation": "adaptation",
    "Case": "case",
    "Config": "config",
    "Randomisation": "randomise",
    "Source": "sources",
    "find_sources": "sources",
    "load_cases": "case",
    "prepared_cases": "prepared",
    "train": "loop",
}
__all__ = [*_MODULES]  # noqa: PLE0604
__getattr__, __dir__ = lazily(__name__, _MODULES)
