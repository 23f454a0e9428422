"""Who made a DICOM result: this program, by which method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

    from fuzzyseg.volume import Provenance

_LONGEST = 64  # characters of VR LO


def equipment(made: Provenance) -> dict[str, Any]:
    """Enhanced General Equipment (PS3.3 C.7.5.2), under highdicom's names."""
    version = made.versions.get("fuzzyseg", "unknown")
    return {
        "manufacturer": "fuzzyseg",
        "manufacturer_model_name": f"fuzzyseg, method {made.method}"[:_LONGEST],
        "software_versions": version,
        "device_serial_number": version,  # required; a program has no other number
    }


def family(made: Provenance) -> Code:
    """Family of the algorithm (PS3.16 CID 7162)."""
    from pydicom.sr.coding import Code

    if made.method == "model":
        return Code("123110", "DCM", "Artificial Intelligence")
    return Code("123107", "DCM", "Cluster Analysis")
