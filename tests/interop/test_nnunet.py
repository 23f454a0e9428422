import json

import nibabel as nib
import numpy as np
import pytest
from toy_study import make_study

from fuzzyseg.cli.main import main
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.volume import Volume


@pytest.fixture
def cohort(tmp_path):
    """Two small patients."""
    for n in range(2):
        study = make_study(n)
        folder = tmp_path / "cohort" / f"patient-{n:04d}"
        folder.mkdir(parents=True)
        affine = study.spect.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ (10, 6, 2)
        low = Volume(study.spect.array[10:74, 6:54, 2:34], affine, "NM", "counts")
        write_image(folder / "spect.nii.gz", low)
        ct = Volume(study.ct.array[::2, ::2, ::2], study.ct.affine @ np.diag([2, 2, 2, 1]), "CT")
        write_image(folder / "ct.nii.gz", ct)
        write_labels(folder / "labels.nii.gz", study.labels[10:74, 6:54, 2:34], low)
        (folder / "patient.json").write_text("{}")
    return tmp_path / "cohort"


def test_a_cohort_becomes_a_data_set(cohort, tmp_path, capsys):
    call = ["export-nnunet", str(cohort), "-o", str(tmp_path / "raw"), "--channels", "spect", "ct"]
    assert main([*call, "--number", "7"]) == 0
    folder = tmp_path / "raw" / "Dataset007_Bone"
    described = json.loads((folder / "dataset.json").read_text())
    assert described["channel_names"] == {"0": "SPECT", "1": "CT"}
    assert described["labels"] == {"background": 0, "bone": 1, "lesion": 2}
    spect, ct = (nib.load(folder / f"imagesTr/case_0001_000{k}.nii.gz") for k in (0, 1))
    labels = nib.load(folder / "labelsTr/case_0001.nii.gz")
    assert spect.shape == ct.shape == labels.shape
    bone = labels.get_fdata() == 1
    assert ct.get_fdata()[bone].mean() > 250
    assert ct.get_fdata()[~bone].mean() < 100
    assert main([*call, "--number", "7"]) == 2
    assert "another --number" in capsys.readouterr().err


def test_what_has_no_label_is_ignored(tmp_path, capsys):
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    image = Volume(np.ones((3, 4, 5), np.float32), affine, "NM", "counts")
    labels = np.zeros((3, 4, 5), np.int16)
    labels[0], labels[1] = -1, 1
    for name, array in (("known", labels), ("other", labels + 5)):
        nib.save(nib.Nifti1Image(array, affine), tmp_path / f"{name}.nii.gz")
    write_image(tmp_path / "image.nii.gz", image)

    def export(number, *rows):
        manifest = tmp_path / "manifest.csv"
        manifest.write_text("\n".join(["spect,labels", *(f"image.nii.gz,{row}" for row in rows)]))
        words = ["export-nnunet", str(manifest), "-o", str(tmp_path / "raw"), "--number", number]
        return main(words)

    assert export("1", "known.nii.gz", "") == 0
    folder = tmp_path / "raw" / "Dataset001_Bone"
    described = json.loads((folder / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "bone": 1, "ignore": 2}
    partly, never = (
        np.asarray(nib.load(folder / f"labelsTr/case_000{n}.nii.gz").dataobj) for n in (1, 2)
    )
    np.testing.assert_array_equal(partly, np.where(labels < 0, 2, labels))
    assert (never == 2).all()
    assert export("2", "") == 2
    assert "expected labels of some cases" in capsys.readouterr().err
    assert export("3", "other.nii.gz") == 2
    assert "found 4, 5, 6 in" in capsys.readouterr().err.replace("\n", " ")
    assert not list((tmp_path / "raw").glob("*00[23]*"))
