import json

import numpy as np
import pytest

from fuzzyseg.cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A SPECT and a CT of a real study's kind, written as DICOM, with what lies beside images."""
    from datetime import UTC, datetime

    from toy_study import make_study

    from fuzzyseg.io import (
        DicomPatient,
        DicomStudy,
        Injection,
        SpectAcquisition,
        write_ct_series,
        write_nm,
    )

    toy, moment = make_study(), datetime(2024, 1, 2, tzinfo=UTC)
    folder = tmp_path_factory.mktemp("study")
    who = {"patient": DicomPatient("DOE^JANE", "4711"), "study": DicomStudy("x", moment)}
    how = {"acquisition": SpectAcquisition(moment, 60, 15.0), "injection": Injection(700.0, moment)}
    write_nm(folder / "nm.dcm", toy.spect, description="DOE JANE", **who, **how)
    write_ct_series(folder / "ct", toy.ct, description="DOE JANE", **who)
    (folder / "DOE_JANE.dcm").write_bytes(b"damaged")
    return folder


def test_json_says_what_each_series_is_and_no_names(folder, capsys):
    assert main(["info", str(folder), "--json"]) == 0
    out = capsys.readouterr().out
    assert "DOE" not in out
    found = json.loads(out)
    spect, ct, stray = found["series"]
    assert (spect["modality"], spect["unit"], spect["nuclide"]) == ("NM", "counts", "Tc-99m")
    assert spect["spacing_mm"] == pytest.approx([4.42] * 3)
    assert "emission" in spect["segment"]
    assert (ct["modality"], ct["unit"], ct["shape"]) == ("CT", "HU", [133, 91, 147])
    assert "bone in CT" in ct["segment"]
    assert "damaged" in stray["no_volume"]
    assert found["segment"] == "series 1 with the CT, series 2"


def test_names_are_shown_where_they_are_asked_for(folder, capsys):
    assert main(["info", str(folder), "--names"]) == 0
    out = capsys.readouterr().out
    assert "DOE JANE" in out
    assert "DOE_JANE.dcm" in out
    assert "90 x 62 x 100 voxels of 4.42 x 4.42 x 4.42 mm, in counts, Tc-99m" in out


def test_files_that_are_a_pair_by_their_names(toy_folder, capsys):
    assert main(["info", str(toy_folder), "--json"]) == 0  # ct, labels, spect
    assert json.loads(capsys.readouterr().out)["segment"] == "series 3 with the CT, series 1"


def test_nothing_is_written(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["info", str(folder)]) == 0
    assert not list(tmp_path.iterdir())


def test_what_segment_would_refuse(tmp_path, capsys):
    import nibabel as nib

    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4)), tmp_path / "a.nii")
    assert main(["info", str(tmp_path / "a.nii")]) == 0
    assert "segment: refused" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "nothing")]) == 2


def test_several_niftis_are_told_apart_by_names(tmp_path, capsys):
    import nibabel as nib

    image = np.random.default_rng(0).gamma(2, 10, (8, 8, 8)).astype(np.float32)
    for name in ("one.nii", "two.nii"):
        nib.save(nib.Nifti1Image(image, np.eye(4)), tmp_path / name)
    assert main(["info", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "one.nii" not in out
    assert "--names shows file names" in out
    assert main(["info", str(tmp_path), "--names"]) == 0
    out = capsys.readouterr().out
    assert '"one.nii"' in out
    assert '"two.nii"' in out
    assert "--names" not in out
