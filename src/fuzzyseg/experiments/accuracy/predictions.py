"""What a model says of a simulated patient, kept on disk by the model's weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti
from fuzzyseg.io.output import replacing
from fuzzyseg.models import load_model
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Study

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

STEPS = 250  # of a membership, as in the files of `fuzzyseg segment`


@dataclass(frozen=True, eq=False)
class Prediction:
    """Labels, and membership in lesion, on the grid of the SPECT."""

    labels: NDArray[np.uint8]
    lesion: NDArray[np.float32]


def predict_patient(model: str, folder: Path, keep: Path, ct_shift_mm: float = 0.0) -> Prediction:
    """Segment one patient, or read what this model said of these images before.

    Parameters
    ----------
    model : str
        Name of a bundled model, or path of another.
    folder : Path
        Patient that `fuzzyseg simulate` wrote.
    keep : Path
        Folder of predictions.
    ct_shift_mm : float
        The CT is shifted by this much more than it is, in a direction drawn from the folder's
        name.
    """
    card = load_model(model).card
    name = f"{folder.parent.name}-{folder.name}" + (f"-{ct_shift_mm:g}mm" if ct_shift_mm else "")
    with_ct = "ct" in card.architecture.channels
    files = [folder / f"{each}.nii.gz" for each in ("spect", "ct")[: 1 + with_ct]]
    try:
        images = b"".join(file.read_bytes() for file in files)
    except OSError as error:
        raise InputError(
            f"expected {' and '.join(file.name for file in files)} in {folder}, found {error}; "
            "give a patient that fuzzyseg simulate wrote"
        ) from error
    how = repr((card.preprocessing, card.planes, card.odds)).encode()
    digest = hashlib.sha256(how + images).hexdigest()
    path = keep / card.sha256[:12] / f"{name}-{digest[:8]}.npz"
    if not path.exists():
        spect = read_nifti(files[0], "NM", "Bq/mL")
        ct = read_nifti(files[1], "CT") if with_ct else None
        if ct is not None and ct_shift_mm:
            ct = _shifted(ct, ct_shift_mm, name)
        found = segment(Study(spect, ct), Settings(method="model", model=model))
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                labels=found.labels.astype(np.uint8),
                lesion=np.rint(STEPS * found.memberships[-1]).astype(np.uint8),
            )
    with np.load(path) as stored:
        return Prediction(stored["labels"], stored["lesion"].astype(np.float32) / STEPS)


def _shifted(ct: Volume, length_mm: float, name: str) -> Volume:
    rng = np.random.default_rng(list(name.encode()))
    direction = rng.normal(size=3)
    affine = ct.affine.copy()
    affine[:3, 3] += length_mm * direction / np.linalg.norm(direction)
    return replace(ct, affine=affine)
