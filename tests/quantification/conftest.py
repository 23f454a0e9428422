"""Balls of lesion in a bar of bone, on any grid, with memberships and an image."""

import numpy as np
import pytest

from fuzzyseg.volume import Provenance, Segmentation, Volume

CLASSES = ("background", "bone", "lesion")


@pytest.fixture
def make():
    """Build a segmentation; `balls` are (centre in voxels, radius in voxels)."""

    def build(balls=(((20, 12, 12), 3.2),), *, unit="Bq/mL", **more):
        shape, affine = (40, 24, 24), np.diag([4.0, 4.0, 4.0, 1.0])
        x, y, z = np.ogrid[tuple(slice(n) for n in shape)]
        labels = np.zeros(shape, np.uint8)
        labels[2:-2, 6:-6, 6:-6] = 1
        for (a, b, c), radius in balls:
            labels[(x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 <= radius**2] = 2
        image = np.select([labels == 2, labels == 1], [400.0, 100.0], 10.0).astype(np.float32)
        u = np.stack([labels == k for k in range(3)]).astype(np.float32)
        volume = Volume(image, affine, "NM", unit, **more)
        return Segmentation(u, labels, CLASSES, volume, Provenance("drawn"))

    return build
