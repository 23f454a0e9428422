"""Simulated SPECT/CT with known truth: a phantom, a scanner, patients and cohorts.

`phantom` draws the body, `scanner` takes it to counts and back to an image; `patient`,
`simulated` and `cohort` put the two together. What users need is importable from here.
"""

from __future__ import annotations

from fuzzyseg.lazy import lazily

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
__getattr__, __dir__ = lazily(__name__, _HOMES)  # numba and scipy take a second
