import json

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.experiments.quantification import main, recoveries, sites, table
from fuzzyseg.volume import Provenance, Segmentation, Volume

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


@pytest.fixture
def patient(tmp_path):
    """A true lesion of 27 voxels at 40, another that is missed, and the folder they are in."""
    labels = np.zeros((30, 16, 16), np.uint8)
    labels[1:29, 4:12, 4:12] = 1
    labels[6:9, 7:10, 7:10] = 2
    labels[20:22, 7:9, 7:9] = 2
    activity = np.select([labels == 2, labels == 1], [40.0, 10.0], 1.0).astype(np.float32)
    nib.save(nib.Nifti1Image(labels, AFFINE), tmp_path / "labels.nii.gz")
    nib.save(nib.Nifti1Image(activity, AFFINE), tmp_path / "activity.nii.gz")
    drawn = {"patient": {"lesions": [{"region": "L3", "centre_mm": [28, 32, 32]}]}}
    (tmp_path / "patient.json").write_text(json.dumps(drawn))
    found = labels.copy()
    found[20:22] = np.minimum(found[20:22], 1)
    found[6] = np.minimum(found[6], 1)  # a third of the first is missed
    u = np.stack([found == k for k in range(3)]).astype(np.float32)
    volume = Volume(activity, AFFINE, "NM", "Bq/mL")
    names = ("background", "bone", "lesion")
    return Segmentation(u, found, names, volume, Provenance("drawn")), tmp_path


def test_ratios_are_measured_over_true(patient):
    first, second = recoveries(*patient, fwhm_mm=0.01)
    assert first.ratios == pytest.approx((2 / 3,) * 5, rel=1e-5)
    assert (first.found, second.found) == (True, False)
    assert second.ratios == pytest.approx((0,) * 5)
    assert first.diameter_mm == pytest.approx((6 * 27 * 64 / np.pi) ** (1 / 3))


def test_without_landmarks_no_site_is_named(patient):
    assert sites(*patient) == [None]


def test_the_table_says_how_many_were_found(patient):
    text = table(recoveries(*patient, fwhm_mm=0.01), [True, False, None])
    assert "| 12 to 18 | 1 | 1 | 0.67 [0.67, 0.67] |" in text
    assert "| 0 to 12 | 1 | 0 | - |" in text
    assert "2 of 3 named, 1 of these right" in text


def test_an_empty_cohort_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "found none" in capsys.readouterr().err
