"""A labelled volume to simulate in a second: a box of soft tissue with a bar of bone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def write_phantom(folder: Path) -> dict[str, str]:
    """Write p.nii, 30 x 24 x 12 voxels of 5 mm, and map.toml; what a recipe says of them."""
    labels = np.zeros((30, 24, 12), np.uint8)
    labels[6:24, 6:18] = 1
    labels[12:18, 8:14] = 7
    nib.save(nib.Nifti1Image(labels, np.diag([5.0, 5.0, 5.0, 1.0])), folder / "p.nii")
    (folder / "map.toml").write_text('[tissues]\n0 = "air"\n1 = "soft tissue"\n7 = "bone"\n')
    return {"phantom": str(folder / "p.nii"), "labels": str(folder / "map.toml")}
