"""A simulated patient as DICOM."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from fuzzyseg.io import (
    DicomPatient,
    DicomStudy,
    Injection,
    SpectAcquisition,
    write_ct_series,
    write_nm,
)

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.simulation.simulated import Simulated

_STUDY_TIME = datetime(2026, 1, 1, 12)  # of every simulated study: files depend on the seed alone
# The first view's detector is at +X, the patient's right, and goes on to the front: DICOM counts
# from the back over the left side, so it starts at 270 and the angle falls.
_START_DEGREES = 270.0
SEXES: dict[str, Literal["M", "F"]] = {"male": "M", "female": "F"}


def write_dicom(folder: Path, patient: Simulated) -> None:
    """Write spect.dcm (NM multi-frame) and ct/ (a series) as one study."""
    described = patient.description
    drawn, protocol = described["patient"], described["protocol"]
    who = DicomPatient(
        name=f"FUZZYSEG^PATIENT-{described['number']:04d}",
        patient_id=f"SIMULATED-{described['recipe']['seed']}-{described['number']:04d}",
        sex=SEXES.get(drawn.get("sex", ""), ""),
        height_m=drawn["stature_mm"] / 1000 if "stature_mm" in drawn else None,
        weight_kg=drawn["weight_kg"],
    )
    study = DicomStudy(
        seed=json.dumps([described["recipe"], described["number"]]),
        started=_STUDY_TIME,
        equipment=protocol["name"],
    )
    settings = described["reconstruction"]
    corrections = [("ATTN", settings["attenuation"]), ("SCAT", settings["scatter"] != "none")]
    window = protocol["photopeak"]
    folder.mkdir()
    write_nm(
        folder / "spect.dcm",
        patient.spect,
        patient=who,
        study=study,
        acquisition=SpectAcquisition(
            started=_STUDY_TIME,
            views=protocol["views"],
            start_degrees=_START_DEGREES,
            direction="CW",
            view_seconds=described["scan"]["view_seconds"],
            window_kev=(window["low_kev"], window["high_kev"]),
            counts=described["scan"]["counts"],
            corrections=tuple(name for name, applied in corrections if applied),
        ),
        injection=Injection(
            activity_mbq=drawn["injected_mbq"],
            given=_STUDY_TIME - timedelta(hours=drawn["uptake_h"]),
        ),
    )
    write_ct_series(folder / "ct", patient.ct, patient=who, study=study)
