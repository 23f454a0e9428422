"""Simulated SPECT/CT with known truth: a phantom, a scanner, patients and cohorts.

`phantom` draws the body, `scanner` takes it to counts and back to an image; `patient`,
`simulated` and `cohort` put the two together. What users need is importable from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "PatientSettings": "patient_settings",
    "Protocol": "scanner.protocol",
    "Recipe": "simulated",
    "Simulated": "simulated",
    "acquire": "scanner.scan",
    "draw_patient": "patient",
    "get_population": "population",
    "get_protocol": "scanner.registry",
    "reconstruct": "scanner.reconstruction",
    "simulate_cohort": "cohort",
    "simulate_patient": "simulated",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for (PEP 562): numba and scipy take a second."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
