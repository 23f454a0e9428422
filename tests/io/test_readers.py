import gzip

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io import READERS, read_volume, readers
from fuzzyseg.io.readers import reader_of, single
from fuzzyseg.volume import Volume

ARRAY = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, 3, 0, -40], [0, 0, 2.5, 50], [0, 0, 0, 1]])


def test_a_new_format_is_one_line(tmp_path, monkeypatch):
    def read(path, modality):
        return Volume(np.loadtxt(path).reshape(2, 2, 2), np.eye(4), modality or "other")

    new = single("text", "numbers", lambda path: path.suffix == ".numbers", read)
    path = tmp_path / "a.numbers"
    np.savetxt(path, np.arange(8))
    assert reader_of(path) is None
    monkeypatch.setattr(readers, "READERS", (*READERS, new))
    monkeypatch.setattr("fuzzyseg.io.catalogue.READERS", (*READERS, new))
    assert read_volume(tmp_path).array[1, 1, 1] == 7
    assert read_volume(path, modality="NM").modality == "NM"


@pytest.mark.parametrize("name", ["scan", "scan.img.gz", "scan.nii"])
@pytest.mark.parametrize("packed", [False, True])
def test_nifti_is_known_by_its_bytes(tmp_path, name, packed):
    raw = nib.Nifti1Image(ARRAY, AFFINE).to_bytes()
    (tmp_path / name).write_bytes(gzip.compress(raw) if packed else raw)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, ARRAY)
    np.testing.assert_allclose(volume.affine, AFFINE)


@pytest.mark.parametrize("kind", [nib.AnalyzeImage, nib.Spm99AnalyzeImage, nib.Nifti1Pair])
def test_pairs_of_header_and_image(tmp_path, kind):
    nib.save(kind(ARRAY, np.diag([2.0, 3, 4, 1])), tmp_path / "a.img")
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, ARRAY)
    assert volume.spacing_mm == pytest.approx((2, 3, 4))
    assert any("left" in w for w in volume.warnings) == (kind is not nib.Nifti1Pair)
    (tmp_path / "a.img").write_bytes(b"short")
    with pytest.raises(InputError, match="copy both files again"):
        read_volume(tmp_path)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd", "a.nhdr"])
def test_what_simpleitk_writes_is_read_as_it_lies_in_space(tmp_path, name):
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(ARRAY.T)
    image.SetSpacing((2.0, 3.0, 2.5))
    image.SetOrigin((-30.0, 40.0, 50.0))
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / name))
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, ARRAY)
    for index in ((0, 0, 0), (2, 3, 4), (1, 0, 2)):
        lps = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((volume.affine @ [*index, 1])[:3] * [-1, -1, 1], lps)


def test_without_simpleitk_one_line_names_the_cure(tmp_path, monkeypatch):
    (tmp_path / "a.mha").write_bytes(b"ObjectType = Image\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'fuzzyseg\[itk\]'.*3D Slicer") as error:
        read_volume(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "head", ["ElementDataFile = /etc/hostname\n", "NRRD0004\ndata file: ../secret.raw\n\n"]
)
def test_a_header_that_names_a_file_elsewhere_is_refused(tmp_path, head):
    path = tmp_path / ("a.mhd" if head.startswith("E") else "a.nhdr")
    path.write_text(head)
    pytest.importorskip("SimpleITK")
    with pytest.raises(InputError, match="naming a file elsewhere"):
        read_volume(path)
