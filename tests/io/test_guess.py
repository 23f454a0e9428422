import numpy as np
import pytest
from toy_study import make_study

from fuzzyseg.errors import InputError
from fuzzyseg.io import guess_modality, read_volume, write_image
from fuzzyseg.volume import Volume


@pytest.fixture(scope="module")
def phantom():
    """Air, a cylinder of 40.4 HU and a rod of 450.6 HU, as nobody rounds after resampling."""
    x, y, _ = np.meshgrid(*[np.arange(48) - 23.5] * 3, indexing="ij")
    hu = np.full((48, 48, 48), -1000.0, np.float32)
    hu[x**2 + y**2 < 20**2] = 40.4
    hu[x**2 + y**2 < 4**2] = 450.6
    return hu


@pytest.mark.parametrize(
    ("change", "reason", "offset"),
    [
        (lambda hu: hu, "near -1000", 0),
        (lambda hu: hu.clip(-200, 1000), "windowed", 0),
        (lambda hu: hu.clip(-160, 240), "windowed", 0),
        (lambda hu: hu + 1024, "near 1024", -1024),
        (lambda hu: np.where(hu > 0, np.rint(hu), -700), "whole numbers", 0),
    ],
    ids=["resampled", "bone window", "soft window", "offset", "whole numbers"],
)
def test_a_ct_in_disguise(phantom, change, reason, offset):
    guess = guess_modality(change(phantom))
    assert (guess.modality, guess.offset_hu) == ("CT", offset)
    assert reason in guess.reason
    assert "a CT, because" in guess.warnings[0]


@pytest.fixture(scope="module")
def spect():
    return make_study().spect.array


@pytest.mark.parametrize("scale", [1, 3, 10, 25, 40, 60, 100, 1e4])
def test_a_spect_of_any_scale(spect, scale):
    assert guess_modality(spect * np.float32(scale)).modality == "other"


def test_reconstructions_ring_below_zero_and_stay_emission(spect):
    spect = spect * 100
    spect[:, :, ::7] -= 30  # a third of soft tissue, everywhere in some planes
    assert guess_modality(spect).modality == "other"


def test_a_toss_up_is_refused_and_asks(phantom, tmp_path):
    between = phantom[15:33, 15:33] * 1.5 - 200 + np.linspace(-300, 300, 48)
    with pytest.raises(InputError, match="--modality CT or --modality NM"):
        guess_modality(between)
    path = tmp_path / "a.nii.gz"
    write_image(path, Volume(between, np.eye(4)))
    with pytest.raises(InputError, match="--modality"):
        read_volume(path)
    assert read_volume(path, modality="CT").unit == "HU"


def test_an_offset_is_taken_off_and_told(phantom, tmp_path):
    path = tmp_path / "a.nii.gz"
    write_image(path, Volume(phantom + 1024, np.eye(4)))
    volume = read_volume(path)
    assert (volume.modality, volume.unit) == ("CT", "HU")
    np.testing.assert_allclose(volume.array, phantom, atol=1e-3)
    assert "1024 was subtracted" in volume.warnings[0]


def test_real_cts_resampled_or_windowed(shared):
    from fuzzyseg.io import read_nifti

    hu = read_nifti(shared("ct/lidc_chest_ct.nii.gz")).array[::2, ::2, ::2]
    for changed in (hu, hu + 0.3, hu.clip(-200, 1000), np.maximum(hu + 1024, 0)):
        assert guess_modality(changed).modality == "CT"
