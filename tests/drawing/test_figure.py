from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from fuzzyseg.errors import InputError
from fuzzyseg.report import write_preview
from fuzzyseg.volume import Provenance, Segmentation, Study, Volume


def segmentation(array, labels, affine, modality="NM"):
    n_classes = int(labels.max()) + 1
    memberships = np.stack([labels == k for k in range(n_classes)]).astype(np.float32)
    names = ("background", "bone", "lesion")[:n_classes]
    volume = Volume(array, affine, modality)
    return Segmentation(memberships, labels.astype(np.uint8), names, volume, Provenance("test"))


@pytest.fixture
def marked():
    """A hot spot at the patient's right, front and top, in RAS."""
    array = np.zeros((20, 24, 30), np.float32)
    labels = np.zeros(array.shape, np.uint8)
    labels[4:16, 4:16, 4:26] = 1
    labels[15:18, 18:21, 24:27] = 2
    return array + labels, labels


def pictures(figure):
    return {a.get_title().split(",")[0]: np.asarray(a.images[0].get_array()) for a in figure.axes}


@pytest.mark.parametrize("flip", [(), (0,), (1,), (0, 1, 2)])
def test_right_is_left_front_is_left_and_the_head_is_up(flip, marked):
    array, labels = marked
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    for axis in flip:  # the same patient, stored the other way round
        array, labels = np.flip(array, axis), np.flip(labels, axis)
        affine[axis] *= -1
    shown = pictures(segmentation(array, labels, affine).plot())
    for name, rows, columns in (("coronal", 30, 20), ("sagittal", 30, 24), ("MIP", 30, 20)):
        picture = shown[name]
        assert picture.shape == (rows, columns)
        row, column = np.argwhere(picture == 2).mean(0)
        assert row < rows / 3, name  # up
        assert column < columns / 3, name  # the patient's right, or front
    row, column = np.argwhere(shown["axial"] == 2).mean(0)
    assert row < 24 / 3  # the front is up
    assert column < 20 / 3


def test_axes_in_another_order_show_the_same_picture(marked):
    array, labels = marked
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    expected = pictures(segmentation(array, labels, affine).plot())
    turned = pictures(
        segmentation(
            array.transpose(2, 0, 1), labels.transpose(2, 0, 1), affine[:, [2, 0, 1, 3]]
        ).plot()
    )
    for name, picture in expected.items():
        np.testing.assert_array_equal(turned[name], picture)


def test_lengths_are_true(marked):
    figure = segmentation(*marked, np.diag([2.0, 3.0, 5.0, 1.0])).plot()
    coronal = next(a for a in figure.axes if a.get_title().startswith("coronal"))
    assert coronal.images[0].get_extent() == [0, 40, 150, 0]
    assert coronal.get_aspect() == 1


def test_legend_names_classes_with_their_volumes(marked):
    figure = segmentation(*marked, np.diag([10.0, 10.0, 10.0, 1.0])).plot()
    texts = [t.get_text() for t in figure.legends[0].get_texts()]
    assert texts == [f"bone  {12 * 12 * 22:.1f} ml", "lesion  27.0 ml"]


def test_planes_go_through_the_highest_class(marked):
    figure = segmentation(*marked, np.eye(4)).plot()
    titles = [a.get_title() for a in figure.axes]
    assert titles[0] in {f"axial, slice {k}" for k in (25, 26, 27)}
    assert titles[1] in {f"coronal, slice {k}" for k in (19, 20, 21)}


def test_one_class_only_and_thin_volumes_can_be_drawn(tmp_path):
    array = np.random.default_rng(0).random((3, 90, 3)).astype(np.float32)
    empty = np.zeros(array.shape, np.uint8)
    write_preview(tmp_path / "p.png", segmentation(array, empty, np.eye(4), "CT"))
    assert imread(tmp_path / "p.png").std() > 0


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_one_plane_can_be_drawn(thin, marked):
    array, labels = (np.moveaxis(a.take([15], 0), 0, thin) for a in marked)
    figure = segmentation(array, labels, np.eye(4)).plot()
    assert len(figure.axes) == 4


def test_planes_hold_the_place_that_is_asked_for():
    affine = np.diag([-2.0, 3.0, 5.0, 1.0])  # the first axis to the left
    affine[:3, 3] = 100.0, 10.0, -20.0
    array = np.zeros((10, 12, 14), np.float32)
    array[7, 2, 5] = 1.0
    x, y, z, _ = affine @ [7, 2, 5, 1]
    for value in (Volume(array, affine, "NM"), segmentation(array, array > 0, affine)):
        shown = pictures(value.plot((x + 0.9, y, z)))  # within the voxel
        assert all(picture.max() == 1 for picture in shown.values())
        missed = pictures(value.plot((x + 2.0, y, z)))
        assert missed["sagittal"].max() == 0


@pytest.mark.parametrize(
    "place", ["abc", (1.0, np.nan, 3.0), (1, "x", None), ((1, 2), 3, 4), np.eye(4), 5]
)
def test_what_is_no_place_is_refused_in_one_line(place, marked):
    for value in (Volume(marked[0], np.eye(4)), segmentation(*marked, np.eye(4))):
        with pytest.raises(InputError, match=r"^expected a place .* at_mm=\(x, y, z\).*$"):
            value.plot(place)


def test_a_dollar_in_a_name_is_no_formula(marked):
    drawn = segmentation(*marked, np.eye(4))
    names = ("background", "bone", r"$\nonsense$")
    figure = replace(drawn, class_names=names, provenance=Provenance("$a_b$")).plot()
    figure._repr_png_()  # which was a ParseException
    texts = figure.legends[0].get_texts()
    assert texts[1].get_text().startswith(names[2])
    assert not figure._suptitle.get_parse_math()
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("modality", ["NM", "CT"])
def test_an_image_without_a_finite_voxel_says_so(modality, marked):
    for value in (np.nan, np.inf):
        figure = Volume(np.full((4, 5, 6), value, np.float32), np.eye(4), modality).plot()
        figure._repr_png_()
        assert figure.subfigs[0]._suptitle.get_text() == f"{modality}, no finite voxel"
    array = np.where(marked[1] == 1, np.nan, marked[0]).astype(np.float32)
    figure = Volume(array, np.eye(4), "NM", "counts").plot()
    assert figure.subfigs[0]._suptitle.get_text() == "NM, shown from 0 to 2 counts"


def test_a_study_shows_one_place_in_both_images():
    """Of a hot spot that both have, on grids of their own."""
    spect, ct = np.zeros((10, 12, 14), np.float32), np.full((31, 37, 43), -1000, np.float32)
    spect[3, 4, 5] = 1
    ct[9:12, 12:15, 15:18] = 900
    study = Study(
        Volume(spect, np.diag([6.0, 6, 6, 1]), "NM", "Bq/mL"),
        Volume(ct, np.diag([2.0, 2, 2, 1]), "CT", "HU"),
    )
    axes = study.plot(at_mm=(18, 24, 30)).axes
    assert len(axes) == 8
    assert [a.images[0].get_array().max() for a in axes] == [1] * 4 + [900] * 4


def test_a_notebook_can_show_a_figure_without_pyplot(marked):
    assert segmentation(*marked, np.eye(4)).plot()._repr_png_().startswith(b"\x89PNG")
