from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.volume import Provenance, Segmentation, Study, Volume


def test_spacing_and_voxel_volume_of_an_oblique_grid():
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([2.0, 3.0, 5.0])
    volume = Volume(np.zeros((2, 3, 4)), affine)
    assert volume.spacing_mm == pytest.approx((2.0, 3.0, 5.0))
    assert volume.voxel_volume_ml == pytest.approx(0.03)
    assert volume.shape == (2, 3, 4)


def test_array_is_float32_read_only_and_not_copied():
    array = np.zeros((2, 2, 2), np.float32)
    volume = Volume(array, np.eye(4))
    assert volume.array.dtype == np.float32
    assert np.shares_memory(volume.array, array)
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    array[0, 0, 0] = 1  # the caller's own array stays writable


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.zeros((2, 2, 2, 3)), np.zeros((2, 2, 2), "c16")]
)
def test_refuses_what_is_no_scalar_volume(array):
    with pytest.raises(InputError, match="3-D array of numbers"):
        Volume(array, np.eye(4))


@pytest.mark.parametrize("affine", [np.eye(3), np.diag([1, 0, 1, 1]), np.full((4, 4), np.nan)])
def test_refuses_a_broken_affine(affine):
    with pytest.raises(InputError, match="affine"):
        Volume(np.zeros((2, 2, 2)), affine)


def test_segmentation_refuses_arrays_of_another_grid():
    volume = Volume(np.zeros((2, 3, 4)), np.eye(4))
    with pytest.raises(InputError, match="memberships"):
        Segmentation(
            np.zeros((2, 2, 3, 4), np.float32),
            np.zeros((2, 3, 4), np.uint8),
            ("a", "b", "c"),
            volume,
            Provenance("none"),
        )


def spect_and_ct():
    said = ("said once", "of the spect")
    spect = Volume(np.ones((2, 3, 4)), np.eye(4), "NM", "counts", "a", said)
    return spect, Volume(np.ones((4, 3, 2)), np.eye(4), "CT", "HU", "b", ("said once",))


def test_a_study_knows_its_image_and_what_is_beside_it():
    spect, ct = spect_and_ct()
    pair, alone = Study.of(spect, ct), Study.of(ct)
    assert (pair.image, pair.beside, pair.volumes) == (spect, ct, (spect, ct))
    assert (alone.image, alone.beside, alone.ct, alone.spect) == (ct, None, ct, None)
    assert pair.warnings == ("said once", "of the spect")
    assert alone.aligned
    assert not pair.aligned
    assert Study(spect, replace(ct, array=spect.array)).aligned


@pytest.mark.parametrize("places", [(None, None), ("ct", None), ("ct", "ct"), ("spect", "spect")])
def test_a_study_refuses_images_in_the_wrong_place(places):
    images = dict(zip(("spect", "ct"), spect_and_ct(), strict=True))
    with pytest.raises(InputError, match="expected a SPECT"):
        Study(*(images.get(place) for place in places))


def test_representations_are_short_and_name_no_file():
    spect, ct = spect_and_ct()
    assert repr(spect) == "Volume(2 x 3 x 4, 1 x 1 x 1 mm, NM, counts)"
    made = Segmentation(
        np.zeros((2, 2, 3, 4), np.float32),
        np.zeros((2, 3, 4), np.uint8),
        ("background", "bone"),
        spect,
        Provenance("rfcm"),
    )
    assert repr(made) == "Segmentation(background, bone; 2 x 3 x 4, by rfcm)"
    assert len(repr(Study(spect, ct))) < 200
