import json

import nibabel as nib
import numpy as np
import pytest
from matplotlib.image import imread
from scipy.ndimage import gaussian_filter

from fuzzyseg.experiments.quantification.__main__ import main
from fuzzyseg.experiments.quantification.recovery import recoveries, table
from fuzzyseg.experiments.quantification.recovery_plot import draw_recovery
from fuzzyseg.experiments.quantification.sites import sentence, sites
from fuzzyseg.experiments.quantification.truth import read_truth, true_segmentation
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
    return Segmentation(u, found, names, volume, Provenance("drawn")), read_truth(tmp_path)


def test_ratios_are_measured_over_true(patient):
    first, second = recoveries(*patient, fwhm_mm=0.01)
    assert first.ratios == pytest.approx((2 / 3,) * 6, rel=1e-5)
    assert (first.found, second.found) == (True, False)
    assert second.ratios[:5] == pytest.approx((0,) * 5)
    assert first.diameter_mm == pytest.approx((6 * 27 * 64 / np.pi) ** (1 / 3))


def test_true_labels_are_right_and_corrected_for_blur(patient):
    segmentation, truth = patient
    sigma = 10 / 2.354820045 / 4
    image = gaussian_filter(segmentation.volume.array, sigma, mode="nearest")
    volume = Volume(image, AFFINE, "NM", "Bq/mL")
    for row in recoveries(true_segmentation(truth, volume), truth, fwhm_mm=10):
        assert row.ratios[:2] == pytest.approx((1, 1))
        assert row.ratios[2] < 0.8
        assert row.ratios[4:] == pytest.approx((1, 1), rel=0.02)


def test_without_landmarks_no_site_is_named(patient):
    assert sites(*patient) == [None]
    assert sentence([True, False, None]) == "Sites: 2 of 3 named, 1 of these right."


def test_the_table_says_how_many_were_found(patient):
    text = table(recoveries(*patient, fwhm_mm=0.01))
    assert "| 12 to 18 | 1 | 1 | 0.67 [0.67, 0.67] |" in text
    assert "| 0 to 12 | 1 | 0 | - |" in text


def test_a_picture_is_drawn(patient, tmp_path):
    draw_recovery({"drawn": recoveries(*patient, fwhm_mm=8.0)}, tmp_path / "recovery.png")
    assert imread(tmp_path / "recovery.png").std() > 0.05


def test_an_empty_cohort_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "found none" in capsys.readouterr().err


def test_the_command_prints_and_draws(patient, tmp_path, capsys):
    cohort = tmp_path / "cohort"
    folder = cohort / "patient-0001"
    folder.mkdir(parents=True)
    for name in ("labels.nii.gz", "activity.nii.gz", "patient.json"):
        (tmp_path / name).rename(folder / name)
    nib.save(nib.Nifti1Image(patient[0].volume.array, AFFINE), folder / "spect.nii.gz")
    main([str(cohort), "--method", "kmeans", "-o", str(tmp_path / "drawn")])
    text = capsys.readouterr().out
    assert "## kmeans" in text
    assert "## true labels" in text
    assert (
        "| 12 to 18 | 1 | 1 | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |"
        in text.split("true labels")[1]
    )
    assert (tmp_path / "drawn" / "recovery.png").stat().st_size > 1000
