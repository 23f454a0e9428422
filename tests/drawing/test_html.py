"""What a notebook shows, without a notebook."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread
from pydicom import Dataset

from fuzzyseg.identity import Identity
from fuzzyseg.volume import Provenance, Segmentation, Study, Volume


class Table(HTMLParser):
    """Rows of the one table of a page."""

    def __init__(self, html):
        super().__init__()
        self.cells = []
        self.feed(html)
        self.rows = list(zip(self.cells[::2], self.cells[1::2], strict=True))

    def handle_data(self, data):
        self.cells.append(data)


@pytest.fixture
def volume():
    header = Dataset()
    header.PatientName, header.PatientID = "Mustermann^Erika", "4711"
    array = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    return Volume(
        array, np.diag([10.0, 10, 5, 1]), "NM", "Bq/mL", "/scans/Mustermann/4711",
        identity=Identity(patient="0815"), headers=(header,),
    )  # fmt: skip


def test_a_volume_says_what_it_is(volume):
    assert Table(volume._repr_html_()).rows == [
        ("NM", "4 × 5 × 6 voxels of 10 × 10 × 5 mm"),
        ("values", "0 to 119, Bq/mL"),
    ]


@pytest.mark.parametrize("modality", ["NM", "CT"])
def test_values_that_are_not_finite_are_said_to_be_so(volume, modality):
    array = volume.array.copy()
    array[0, 0, 0], array[3, 4, 5] = np.nan, np.inf
    for found, told in (
        (array, "1 to 118, counts (2 not finite)"),
        (np.full_like(array, np.nan), "no finite voxel"),
        (np.full_like(array, np.inf), "no finite voxel"),
    ):
        html = Volume(found, volume.affine, modality, "counts")._repr_html_()
        assert Table(html).rows[1] == ("values", told)


def test_a_segmentation_gives_its_volumes_and_warnings(volume):
    labels = np.zeros(volume.shape, np.uint8)
    labels[1, 1, 1:5] = 1  # four voxels of half a millilitre
    memberships = np.stack([labels == k for k in range(3)]).astype(np.float32)
    names = ("background", "bone", "<lesion>")
    how = Provenance("rfcm", warnings=("no class is hot & small",))
    html = Segmentation(memberships, labels, names, volume, how)._repr_html_()
    assert Table(html).rows[0] == ("method", "rfcm")
    assert Table(html).rows[-4:] == [
        ("background", "58.0 ml"),
        ("bone", "2.0 ml"),
        ("<lesion>", "0.0 ml"),
        ("warning", "no class is hot & small"),
    ]


def test_a_study_shows_both_images(volume):
    ct = Volume(volume.array, np.eye(4), "CT", "HU")
    rows = Table(Study(volume, ct)._repr_html_()).rows
    assert [head for head, _ in rows] == ["NM", "values", "CT", "values", "one grid"]
    assert rows[-1] == ("one grid", "no")
    assert [head for head, _ in Table(Study(ct=ct)._repr_html_()).rows] == ["CT", "values"]


def test_the_picture_is_small_and_nothing_names_the_patient(volume):
    html = volume._repr_html_()
    encoded = re.search(r"data:image/png;base64,([^\"]+)", html)[1]
    data = base64.b64decode(encoded)
    assert imread(io.BytesIO(data)).std() > 0
    assert len(data) < 200_000
    for mark in ("Mustermann", "4711", "0815", "scans"):
        assert mark not in html
        assert mark.encode() not in data
