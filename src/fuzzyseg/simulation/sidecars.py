"""What a simulated patient's NIfTI files cannot hold, by the names that `io.sidecar` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.simulation.simulated_dicom import SEXES
from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from fuzzyseg.simulation.simulated import Simulated

CT_SIDECAR = {"Modality": "CT", "Units": "HU"}


def spect_sidecar(patient: Simulated) -> dict[str, Any]:
    """Return what belongs into spect.json: the unit, the dose, times and the patient's size.

    Values hold for the start of the scan, as those of the truth do.
    """
    drawn = patient.description["patient"]
    scan_s = 3600.0 * drawn["uptake_h"]
    said = {
        "Modality": "NM",
        "Units": "Bq/mL",
        "TracerRadionuclide": "Tc99m",
        "RadionuclideHalfLife": HALF_LIFE_S,
        "InjectedRadioactivity": drawn["injected_mbq"],
        "InjectedRadioactivityUnits": "MBq",
        "InjectionStart": 0.0,
        "ScanStart": scan_s,
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": scan_s,
        "PatientWeight": drawn["weight_kg"],
    }
    if "stature_mm" in drawn:
        said["PatientSize"] = drawn["stature_mm"] / 1000
    if drawn.get("sex") in SEXES:
        said["PatientSex"] = SEXES[drawn["sex"]]
    return said
