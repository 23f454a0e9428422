"""A drawn study of three lesions and its CT, for the report."""

import numpy as np

from fuzzyseg.quantification import Measuring
from fuzzyseg.volume import Provenance, Segmentation, Volume

SHAPE, MM = (40, 24, 48), 4.0
# Voxel and radius; the largest first.
BALLS = (
    ((9, 12, 36), 4.2),
    ((30, 12, 30), 3.2),
    ((20, 10, 8), 2.4),
)
PERSON = Measuring(weight_kg=70.0, injected_mbq=700.0, uptake_min=180.0)


def drawn(balls=BALLS, warnings=(), affine=None):
    x, y, z = np.ogrid[tuple(slice(n) for n in SHAPE)]
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:-2, 5:-5, 3:-3] = 1
    for (a, b, c), radius in balls:
        labels[(x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 <= radius**2] = 2
    image = np.select([labels == 2, labels == 1], [4e4, 1e4], 1e3).astype(np.float32)
    u = np.stack([labels == k for k in range(3)]).astype(np.float32)
    affine = np.diag([MM, MM, MM, 1.0]) if affine is None else affine
    volume = Volume(image, affine, "NM", "Bq/mL")
    made = Provenance("drawn", warnings=tuple(warnings))
    return Segmentation(u, labels, ("background", "bone", "lesion"), volume, made)


def ct_of(segmentation):
    hu = np.where(segmentation.labels, 300.0, 40.0).astype(np.float32)
    return Volume(hu, segmentation.volume.affine, "CT", "HU")
