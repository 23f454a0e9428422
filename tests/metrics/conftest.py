"""Masks to compare: random, anatomical-like, and a real spine where the data is."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

DATA = Path(__file__).parents[3] / "shared" / "data" / "ct"


@pytest.fixture
def rng():
    return np.random.default_rng(20240611)


@pytest.fixture
def blobs(rng):
    """Make pairs of smooth random masks that touch the border of their image."""

    def make(shape, smoothness=1.5):
        field = ndimage.gaussian_filter(rng.standard_normal(shape), smoothness, mode="wrap")
        waver = ndimage.gaussian_filter(rng.standard_normal(shape), smoothness, mode="wrap")
        level = field.mean() + 0.3 * field.std()
        return field + 0.4 * waver > level, field > level

    return make


@pytest.fixture(scope="session")
def spine():
    """Bones around the eighth thoracic vertebra: labels 1 vertebrae, 2 ribs; and the spacing."""
    nibabel = pytest.importorskip("nibabel")
    if not DATA.is_dir():
        pytest.skip("needs the real chest CT labels in ../shared/data, which is not here")
    with (DATA / "lidc_chest_structures.csv").open() as file:
        group = {int(row["id"]): row["group"] for row in csv.DictReader(file)}
    image = nibabel.load(DATA / "lidc_chest_labels.nii.gz")
    structures = np.asarray(image.dataobj)
    centre = [int(c) for c in ndimage.center_of_mass(structures == 36)]
    box = tuple(slice(c - r, c + r) for c, r in zip(centre, (50, 50, 15), strict=True))
    lookup = np.zeros(256, np.uint8)
    for label, name in group.items():
        lookup[label] = {"vertebrae": 1, "ribs": 2}.get(name, 0)
    return lookup[structures[box]], tuple(float(s) for s in image.header.get_zooms())
