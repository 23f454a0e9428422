import json

import numpy as np
import pytest

from fuzzyseg.segmentation import summary
from fuzzyseg.volume import Provenance, Segmentation, Volume


def test_volumes_and_intensities_of_the_classes():
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    labels = (array > 19).astype(np.uint8)
    memberships = np.stack([labels == k for k in range(3)]).astype(np.float32)
    volume = Volume(array, np.diag([2.0, 5.0, 10.0, 1.0]), "NM", "Bq/mL", "scan")
    made = Provenance("kmeans", {"q": 1}, {"numpy": "1"}, "now", 0.5, ("careful",))
    found = summary(Segmentation(memberships, labels, ("air", "bone", "lesion"), volume, made))
    bone = found["classes"]["bone"]
    assert bone == {"label": 1, "voxels": 4, "volume_ml": 0.4, "mean": 21.5, "maximum": 23.0}
    assert found["classes"]["lesion"]["mean"] is None  # empty: null, never 0
    assert found["image"]["spacing_mm"] == pytest.approx([2, 5, 10])
    assert json.loads(json.dumps(found, allow_nan=False))["warnings"] == ["careful"]
