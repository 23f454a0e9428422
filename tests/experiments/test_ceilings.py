import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import f1_score, roc_auc_score

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.ceilings import (
    best_level,
    best_per_lesion,
    density_auc,
    dice,
    erase_lesions,
    main,
    table,
)

SPACING = (4.0, 4.0, 4.0)


@pytest.fixture
def two_lesions():
    """A bright and a faint ball in a bar of bone, 4 mm voxels."""
    x, y, z = np.ogrid[:24, :16, :16]
    labels = np.zeros((24, 16, 16), np.uint8)
    labels[2:22, 4:12, 4:12] = 1
    for at in (6, 17):
        labels[(x - at) ** 2 + (y - 8) ** 2 + (z - 8) ** 2 <= 5] = 2
    image = np.where(labels == 1, 10.0, 1.0)
    image[labels == 2] = 20
    image[12:][labels[12:] == 2] = 80
    return labels, ndimage.gaussian_filter(image, 1.0).astype(np.float32)


def test_the_best_level_is_the_best_of_all():
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.2
    image = np.round(rng.normal(0, 1, 300) + truth, 1)  # many ties
    found, level = best_level(image, truth)
    all_of_them = [f1_score(truth, image >= t) for t in np.unique(image)]
    assert found == pytest.approx(max(all_of_them))
    assert f1_score(truth, image >= level) == pytest.approx(found)


def test_each_lesion_has_its_own_level(two_lesions):
    labels, image = two_lesions
    lesion = labels == 2
    single = best_level(image, lesion)[0]
    cut = best_per_lesion(image, lesion, SPACING)
    assert dice(cut, lesion) > single + 0.1
    assert dice(cut, lesion) > 0.85
    inside = best_per_lesion(image, lesion, SPACING, labels > 0)
    assert not (inside & (labels == 0)).any()


def test_density_tells_as_much_as_the_roc_curve_says():
    rng = np.random.default_rng(1)
    labels = np.ones((12, 12, 12), np.uint8)
    labels[4:8, 4:8, 4:8] = 2
    ct = rng.normal(300, 100, labels.shape).astype(np.float32)
    assert density_auc(ct, labels, (1.0, 1.0, 1.0)) == pytest.approx(0.5, abs=0.12)
    ct[labels == 2] += 120
    auc = roc_auc_score(labels.ravel() == 2, ct.ravel())
    assert density_auc(ct, labels, (1.0, 1.0, 1.0)) == pytest.approx(auc)
    assert np.isnan(density_auc(ct, np.ones_like(labels), (1.0, 1.0, 1.0)))


def test_erased_lesions_look_like_the_bone_around_them(two_lesions):
    labels, _ = two_lesions
    rng = np.random.default_rng(2)
    ct = np.where(labels == 0, 40.0, np.where(labels == 1, 300.0, 1400.0))
    ct = (ct + rng.normal(0, 5, labels.shape)).astype(np.float32)
    erased = erase_lesions(ct, labels, SPACING)
    assert erased[labels == 2] == pytest.approx(300, abs=10)
    far = ndimage.distance_transform_edt(labels != 2, sampling=SPACING) > 3.0
    assert np.array_equal(erased[far], ct[far])


def write_cohort(folder, labels, image, patients=3):
    rng = np.random.default_rng(3)
    for number in range(1, patients + 1):
        path = folder / f"patient-{number:04d}"
        path.mkdir()
        spect = image + rng.normal(0, 2, image.shape).astype(np.float32)
        ct = np.where(labels > 0, 300, 40).astype(np.float32)
        for name, array in (
            ("spect", spect), ("activity", image), ("labels", labels), ("ct_labels", labels),
            ("ct", ct),
        ):  # fmt: skip
            file = path / f"{name}.nii.gz"
            nib.save(nib.Nifti1Image(array, np.diag([*SPACING, 1.0])), file)


def test_a_cohort_s_table_has_a_row_for_each_ceiling(tmp_path, two_lesions, capsys):
    labels, image = two_lesions
    write_cohort(tmp_path, labels, image)
    main([str(tmp_path)])
    rows = [line.split("|")[1:3] for line in capsys.readouterr().out.splitlines() if "|" in line]
    scores = {name.strip(): float(value.split()[0]) for name, value in rows[2:]}
    assert scores["density: area under the ROC curve"] == pytest.approx(0.5)
    blurred = [scores[f"lesion: activity blurred to {mm} mm, places known"] for mm in (14, 10, 6)]
    assert blurred == sorted(blurred)
    for place in ("", ", registered"):  # it lies right here
        assert scores[f"bone with lesions: truth, where the CT shows it{place}"] == 1
    alone = scores["lesion: best level per lesion, places known"]
    assert scores["lesion: best level per lesion, places and bone known"] >= alone


def test_a_folder_without_patients_is_one_line(tmp_path, capsys):
    with pytest.raises(InputError, match="found none; run fuzzyseg simulate"):
        table(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path)])
    assert "found none" in capsys.readouterr().err.splitlines()[-1]
