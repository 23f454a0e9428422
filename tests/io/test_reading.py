import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io import find_series, read_study, read_volume


@pytest.fixture
def spect_ct(tmp_path, make_series, make_nm, ct_pixels):
    make_series(tmp_path / "study" / "ct", ct_pixels)
    make_nm(tmp_path / "study" / "spect.dcm", ct_pixels.astype(np.uint16))
    return tmp_path / "study"


def test_emission_comes_before_ct(spect_ct):
    assert read_volume(spect_ct).modality == "NM"


def test_ct_where_ct_is_asked_for(spect_ct):
    volume = read_volume(spect_ct, modality="CT")
    assert volume.modality == "CT"
    assert volume.source.startswith(f"{spect_ct}, series ")


def test_a_series_by_its_number(spect_ct):
    for info in find_series(spect_ct):
        assert read_volume(spect_ct, series=info.number).modality == info.kind


def test_a_number_that_is_none_lists_the_series(spect_ct):
    with pytest.raises(InputError, match=r"from 1 to 2, found 7.*1\) .*2\) "):
        read_volume(spect_ct, series=7)


def test_two_ct_series_mixed_are_listed(tmp_path, make_series, ct_pixels):
    make_series(tmp_path, ct_pixels, suffix="a")
    make_series(tmp_path, ct_pixels, suffix="b")
    with pytest.raises(InputError, match=r"found 2 that fit.*1\) CT.*2\) CT.*--series N") as error:
        read_volume(tmp_path)
    assert "\n" not in str(error.value)
    assert read_volume(tmp_path, series=2).shape == (6, 4, 5)


def test_two_ct_series_beside_a_spect_ask_for_the_cts_own_option(
    tmp_path, make_series, make_nm, ct_pixels
):
    for suffix in "ab":
        make_series(tmp_path / "ct", ct_pixels, suffix=suffix)
    make_nm(tmp_path / "spect.dcm", ct_pixels.astype(np.uint16))
    with pytest.raises(InputError, match=r"choose one with --ct-series N"):
        read_study(tmp_path / "spect.dcm", tmp_path / "ct")
    study = read_study(tmp_path / "spect.dcm", tmp_path / "ct", ct_series=2)
    assert study.ct.source.endswith("ct, series 2")


def test_spect_stored_as_pt_beside_its_ct(tmp_path, make_series, ct_pixels):
    make_series(tmp_path / "ct", ct_pixels)
    make_series(tmp_path / "pt", ct_pixels, modality="PT")
    volume = read_volume(tmp_path)
    assert (volume.modality, volume.unit) == ("PT", "Bq/mL")


def test_no_ct_where_ct_is_asked_for(tmp_path, make_nm, ct_pixels):
    make_nm(tmp_path / "spect", ct_pixels.astype(np.uint16))
    with pytest.raises(InputError, match="expected one CT volume, found none"):
        read_volume(tmp_path, modality="CT")


def test_a_single_slice_asks_for_the_folder(tmp_path, make_series, ct_pixels):
    with pytest.raises(InputError, match="pass the folder"):
        read_volume(make_series(tmp_path, ct_pixels)[0])


def test_planar_nm_gives_its_reason(tmp_path, make_nm, ct_pixels):
    path = make_nm(tmp_path / "a", ct_pixels.astype(np.uint16), image_type="WHOLE BODY")
    with pytest.raises(InputError, match="line of sight"):
        read_volume(path)
    with pytest.raises(InputError, match="line of sight"):
        read_volume(path, series=1)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    with pytest.raises(InputError, match=r"notes\.txt"):
        read_volume(path)


def save_nifti(path, array):
    nib.save(nib.Nifti1Image(array, np.diag([2.0, 2.0, 3.0, 1.0])), path)
    return path


def test_one_nifti_in_a_folder_is_read_and_two_are_listed(tmp_path):
    array = np.ones((3, 4, 5), np.float32)
    save_nifti(tmp_path / "a.nii.gz", array)
    assert read_volume(tmp_path).shape == (3, 4, 5)
    save_nifti(tmp_path / "b.nii", array)
    with pytest.raises(InputError, match=r"a\.nii\.gz.*b\.nii.*--series N"):
        read_volume(tmp_path)


def test_a_nifti_beside_the_ct_does_not_compete_with_it(tmp_path, make_series, ct_pixels):
    make_series(tmp_path / "ct", ct_pixels)
    save_nifti(tmp_path / "a.nii.gz", np.ones((3, 4, 5), np.float32))
    assert read_volume(tmp_path, modality="CT").shape == (6, 4, 5)


def test_nifti_is_what_it_is_said_to_be(tmp_path):
    array = np.full((3, 4, 5), -700, np.int16)
    array[0] = 900
    path = save_nifti(tmp_path / "a.nii", array)
    guessed = read_volume(path)
    assert (guessed.modality, guessed.unit) == ("CT", "HU")
    assert "taken to be a CT" in guessed.warnings[0]
    said = read_volume(path, modality="NM")
    assert (said.modality, said.unit) == ("NM", "arbitrary")


def test_real_folder_of_nm_files(shared):
    folder = shared("nm/recon_tomo_heart_13frames.dcm").parent
    assert read_volume(folder).shape == (64, 64, 13)


def test_a_study_is_read_whole(spect_ct):
    both = read_study(spect_ct, spect_ct)
    assert (both.spect.modality, both.ct.modality) == ("NM", "CT")
    assert read_study(spect_ct).ct is None
    alone = read_study(spect_ct, modality="CT")
    assert alone.image is alone.ct
    with pytest.raises(InputError, match="found modalities CT and CT"):
        read_study(spect_ct, spect_ct, modality="CT")
