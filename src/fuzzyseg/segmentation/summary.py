"""What a segmentation says of itself, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.counts import class_sums

if TYPE_CHECKING:
    from fuzzyseg.volume import Segmentation


def summary(segmentation: Segmentation) -> dict[str, Any]:
    """Describe a segmentation and how it was made, in values that JSON can hold.

    Returns
    -------
    dict
        "image" (modality, unit, nuclide, half-life in s, how far it is from a bone scan (0 to 1),
        shape, spacing in mm), "classes" (for
        each name its label, voxels, volume in ml, and mean and maximum intensity in the image's
        unit, None for an empty class), "method", "parameters", "versions", "created", "seconds"
        and "warnings". Where the images came from is not in it: names of patients stand in paths.
    """
    volume, made = segmentation.volume, segmentation.provenance
    n_classes = len(segmentation.class_names)
    counts, sums, maxima = class_sums(segmentation.labels, volume.array, n_classes)
    classes = {}
    for k, name in enumerate(segmentation.class_names):
        classes[name] = {
            "label": k,
            "voxels": int(counts[k]),
            "volume_ml": round(float(counts[k]) * volume.voxel_volume_ml, 3),
            "mean": float(sums[k] / counts[k]) if counts[k] else None,
            "maximum": float(maxima[k]) if counts[k] else None,
        }
    return {
        "image": {
            "modality": volume.modality,
            "unit": volume.unit,
            "nuclide": volume.nuclide or None,
            "half_life_s": volume.half_life_s,
            "out_of_domain": made.parameters.get("out_of_domain"),
            "shape": list(volume.shape),
            "spacing_mm": [round(s, 6) for s in volume.spacing_mm],
        },
        "classes": classes,
        "method": made.method,
        "parameters": {
            k: _without_folder(k, v) for k, v in made.parameters.items() if k != "out_of_domain"
        },
        "versions": dict(made.versions),
        "created": made.created,
        "seconds": made.seconds,
        "warnings": list(made.warnings),
    }


def _without_folder(name: str, value: Any) -> Any:
    return Path(value).name if name == "model" and isinstance(value, str) else value
