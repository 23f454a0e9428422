import numpy as np
import pytest
from pydicom import Dataset

from fuzzyseg.io import read_volume
from fuzzyseg.io.dicom.facts import nuclide_of_half_life, nuclide_of_name


@pytest.mark.parametrize(
    ("name", "nuclide"),
    [
        ("^99m^Technetium", "Tc-99m"),  # PS3.16 CID 18 and 4020
        ("Technetium Tc^99m^", "Tc-99m"),
        ("Tc-99m HDP", "Tc-99m"),
        ("99mTc-MDP", "Tc-99m"),
        ("^18^Fluorine", "F-18"),
        ("Fluorine F^18^", "F-18"),
        ("F-18 FDG", "F-18"),
        ("^177^Lutetium", "Lu-177"),
        ("18F", "F-18"),
        ("water", ""),
        ("F-99m", ""),
        ("", ""),
    ],
)
def test_names_of_nuclides(name, nuclide):
    assert nuclide_of_name(name) == nuclide


@pytest.mark.parametrize(
    ("seconds", "nuclide"), [(21624.12, "Tc-99m"), (6588, "F-18"), (4080, "Ga-68"), (5000, "")]
)
def test_half_lives(seconds, nuclide):
    assert nuclide_of_half_life(seconds) == nuclide
    assert nuclide_of_half_life(None) == ""


def compound(name=None, half_life=None):
    def edit(*arguments):
        dataset, item = arguments[-1], Dataset()
        if name is not None:
            code = Dataset()
            code.CodeMeaning = name
            item.RadionuclideCodeSequence = [code]
        if half_life is not None:
            item.RadionuclideHalfLife = half_life
        dataset.RadiopharmaceuticalInformationSequence = [item]
        dataset.PatientID, dataset.FrameOfReferenceUID = "4711", "1.2.3"

    return edit


@pytest.mark.parametrize(
    ("edit", "nuclide", "half_life_s"),
    [
        (compound("^18^Fluorine", 6586.2), "F-18", 6586.2),
        (compound(half_life=21624), "Tc-99m", 21624),
        (compound("unheard of"), "", None),
    ],
)
def test_readers_tell_the_nuclide(
    tmp_path, make_nm, make_series, ct_pixels, edit, nuclide, half_life_s
):
    make_nm(tmp_path / "nm.dcm", ct_pixels.astype(np.uint16), edit=edit)
    make_series(tmp_path / "pt", ct_pixels, modality="PT", edit=edit)
    for path in (tmp_path / "nm.dcm", tmp_path / "pt"):
        volume = read_volume(path)
        assert (volume.nuclide, volume.half_life_s) == (nuclide, half_life_s)


def test_images_of_one_patient_have_the_same_marks(tmp_path, make_nm, make_series, ct_pixels):
    make_nm(tmp_path / "nm.dcm", ct_pixels.astype(np.uint16), edit=compound())
    make_series(tmp_path / "ct", ct_pixels, edit=compound())
    spect, ct = read_volume(tmp_path), read_volume(tmp_path, modality="CT")
    assert spect.identity.conflicts(ct.identity) == ()
    assert spect.identity.patient == ct.identity.patient != ""
    assert "4711" not in str(vars(spect.identity))
