import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.interop.torchio_subjects import cohort_subjects

torchio = pytest.importorskip("torchio", reason='needs TorchIO: pip install "fuzzyseg[torchio]"')


def test_a_cohort_is_a_data_set_in_one_call(toy_folder, tmp_path):
    patient = tmp_path / "patient-0001"
    patient.symlink_to(toy_folder)
    (toy_folder / "patient.json").write_text("{}")
    (subject,) = cohort_subjects(tmp_path, transform=torchio.RescaleIntensity((0, 1)))
    spect = nib.load(toy_folder / "spect.nii.gz").get_fdata(dtype=np.float32)
    np.testing.assert_allclose(subject.spect.numpy()[0], spect / spect.max(), atol=1e-6)
    labels = nib.load(toy_folder / "labels.nii.gz").get_fdata()
    np.testing.assert_array_equal(subject.labels.numpy()[0], labels)
    assert subject.ct.spacing == pytest.approx((3, 3, 3))


def test_no_cohort(tmp_path):
    with pytest.raises(InputError, match="expected patients"):
        cohort_subjects(tmp_path)
