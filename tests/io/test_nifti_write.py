import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti, write_labels, write_memberships
from fuzzyseg.io.nifti_write import STEPS, in_steps
from fuzzyseg.volume import Volume

OBLIQUE = np.array(
    [[-1.6, 0.96, -0.9, 30], [-1.2, -1.28, 1.2, -40], [0, 1.2, 2.0, 50], [0, 0, 0, 1]]
)


@pytest.fixture
def volume():
    return Volume(np.zeros((3, 4, 5), np.float32), OBLIQUE)


def test_labels(tmp_path, volume):
    labels = (np.arange(60).reshape(3, 4, 5) % 3).astype(np.uint8)
    write_labels(tmp_path / "labels.nii.gz", labels, volume)
    image = nib.load(tmp_path / "labels.nii.gz")
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(image.dataobj), labels)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    np.testing.assert_allclose(image.header.get_sform(), OBLIQUE, atol=1e-5)
    np.testing.assert_allclose(image.header.get_qform(), OBLIQUE, atol=1e-4)


def test_memberships(tmp_path, volume):
    memberships = np.random.default_rng(0).random((2, 3, 4, 5))  # possibilistic: no sum of 1
    write_memberships(tmp_path / "m.nii.gz", memberships, volume)
    image = nib.load(tmp_path / "m.nii.gz")
    assert image.shape == (3, 4, 5, 2)
    np.testing.assert_allclose(image.get_fdata()[..., 1], memberships[1], atol=0.501 / STEPS)
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-5)


def test_a_round_trip_keeps_the_geometry(tmp_path, volume):
    write_labels(tmp_path / "a.nii", np.ones((3, 4, 5), int), volume)
    back = read_nifti(tmp_path / "a.nii")
    np.testing.assert_allclose(back.affine, OBLIQUE, atol=1e-5)
    assert back.warnings == ()


def test_shear_leaves_no_contradicting_qform(tmp_path):
    sheared = np.diag([2.0, 2.0, 2.0, 1.0])
    sheared[0, 2] = 0.5
    write_labels(
        tmp_path / "a.nii", np.ones((3, 3, 3), np.uint8), Volume(np.zeros((3, 3, 3)), sheared)
    )
    back = read_nifti(tmp_path / "a.nii")
    np.testing.assert_allclose(back.affine, sheared)
    assert back.warnings == ()


@pytest.mark.parametrize(
    "labels",
    [np.zeros((3, 4, 6), np.uint8), np.zeros((3, 4, 5)), np.full((3, 4, 5), 256)],
    ids=["shape", "float", "range"],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, volume, labels):
    with pytest.raises(InputError, match="expected"):
        write_labels(tmp_path / "a.nii.gz", labels, volume)
    assert not list(tmp_path.iterdir())


def test_memberships_that_do_not_fit_are_refused(tmp_path, volume):
    with pytest.raises(InputError, match=r"\(C, 3, 4, 5\)"):
        write_memberships(tmp_path / "a.nii.gz", np.zeros((3, 4, 5, 2)), volume)


def test_another_name_is_refused(tmp_path, volume):
    with pytest.raises(InputError, match=r"\.nii"):
        write_labels(tmp_path / "a.mha", np.ones((3, 4, 5), int), volume)


def test_a_folder_that_is_not_there_is_refused(tmp_path, volume):
    with pytest.raises(InputError, match="cannot be written"):
        write_labels(tmp_path / "no" / "a.nii.gz", np.ones((3, 4, 5), int), volume)


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, volume, monkeypatch):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"old")

    def interrupt(_, unfinished):
        unfinished.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("nibabel.save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_labels(path, np.ones((3, 4, 5), int), volume)
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii.gz"]
    assert path.read_bytes() == b"old"


def test_the_same_labels_give_the_same_bytes(tmp_path, volume):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_labels(tmp_path / name, np.ones((3, 4, 5), int), volume)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize("n_classes", [2, 3, 7, 127])
def test_memberships_in_steps_sum_up_and_keep_the_highest_class(n_classes):
    rng = np.random.default_rng(n_classes)
    u = rng.dirichlet(np.full(n_classes, 0.3), 4000).T.astype(np.float32)
    u[:, :50] = 1 / n_classes  # equals: the first is the highest
    u[:, 50:100] = np.float32([0.498, 0.502] + [0] * (n_classes - 2))[:, None]
    u[:, 100:150] = np.float32([0.4999, 0.5001] + [0] * (n_classes - 2))[:, None]
    steps = in_steps(u)
    assert steps.dtype == np.uint8
    assert (steps.sum(0, dtype=int) == STEPS).all()
    np.testing.assert_array_equal(steps.argmax(0), u.argmax(0))
    error = np.abs(steps / STEPS - u)
    highest = np.arange(n_classes)[:, None] == u.argmax(0)
    assert error[~highest].max() < 1 / STEPS
    if n_classes < 4:
        assert error.max() < (n_classes - 1) / STEPS


def test_memberships_are_bytes_that_readers_scale(tmp_path):
    u = np.random.default_rng(0).dirichlet([1, 1, 1], (4, 5, 6)).transpose(3, 0, 1, 2)
    write_memberships(tmp_path / "u.nii.gz", u, Volume(np.zeros((4, 5, 6)), np.eye(4)))
    image = nib.load(tmp_path / "u.nii.gz")
    assert image.get_data_dtype() == np.uint8
    assert image.dataobj.slope == pytest.approx(1 / 250)
    assert b"1/250" in image.header["descrip"].tobytes()
    np.testing.assert_allclose(image.get_fdata(), np.moveaxis(u, 0, -1), atol=0.5001 * 2 / 250)
    whole = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(tmp_path / "u.nii.gz"))
    np.testing.assert_allclose(whole, u.transpose(0, 3, 2, 1), atol=0.5001 * 2 / 250)
