import csv
import json

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.cli.main import main


def write(path, array, affine=None):
    nib.save(
        nib.Nifti1Image(array, np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else affine), path
    )
    return path


@pytest.fixture
def cubes(tmp_path):
    """Prediction and truth whose DSC is known: bone 2 * 32 / (48 + 32), lesion equal."""
    truth = np.zeros((10, 10, 10), np.uint8)
    truth[2:4, 2:6, 2:6] = 1
    truth[7:9, 7:9, 7:9] = 2
    prediction = truth.copy()
    prediction[4, 2:6, 2:6] = 1
    return write(tmp_path / "p.nii.gz", prediction), write(tmp_path / "t.nii.gz", truth)


def test_prints_a_table_and_writes_json(cubes, tmp_path, capsys):
    assert main(["evaluate", *map(str, cubes), "-o", str(tmp_path / "s.json")]) == 0
    out = capsys.readouterr().out
    assert "0.800" in out
    assert "surface DSC" in out
    bone, lesion = json.loads((tmp_path / "s.json").read_text())["classes"]
    assert (bone["name"], lesion["name"]) == ("bone", "lesion")
    assert bone["dsc"] == pytest.approx(0.8)
    assert lesion["dsc"] == 1
    assert bone["truth_ml"] == pytest.approx(32 * 0.008)
    assert bone["tolerance_mm"] == 4


def test_writes_csv(cubes, tmp_path):
    assert main(["evaluate", *map(str, cubes), "-o", str(tmp_path / "s.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [r["name"] for r in rows] == ["bone", "lesion"]
    assert float(rows[0]["dsc"]) == pytest.approx(0.8)


def test_undefined_scores_are_null_with_a_reason(tmp_path, capsys):
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[2:4, 2:4, 2:4] = 1
    only_bone = write(tmp_path / "p.nii", labels)
    labels[0, 0, 0] = 2
    truth = write(tmp_path / "t.nii", labels)
    assert main(["evaluate", str(only_bone), str(truth), "-o", str(tmp_path / "s.json")]) == 0
    lesion = json.loads((tmp_path / "s.json").read_text())["classes"][1]
    assert lesion["precision"] is None
    assert lesion["hd95_mm"] is None
    assert lesion["reason"]
    assert "lesion:" in capsys.readouterr().out


def test_takes_the_folder_of_a_segmentation(toy_folder, tmp_path, capsys):
    assert main(["segment", str(toy_folder / "spect.nii.gz"), "-o", str(tmp_path), "--quiet"]) == 0
    assert main(["evaluate", str(tmp_path), str(toy_folder / "labels.nii.gz")]) == 0
    assert "lesion" in capsys.readouterr().out


def test_names_and_tolerance(cubes, tmp_path):
    call = ["evaluate", *map(str, cubes), "-o", str(tmp_path / "s.json")]
    assert main([*call, "--names", "air", "a", "b", "--tolerance-mm", "3"]) == 0
    classes = json.loads((tmp_path / "s.json").read_text())["classes"]
    assert [(c["name"], c["tolerance_mm"]) for c in classes] == [("a", 3), ("b", 3)]


@pytest.mark.parametrize("case", ["shifted", "other shape", "memberships", "names", "suffix"])
def test_bad_input_is_one_line(case, cubes, tmp_path, capsys):
    prediction, truth = map(str, cubes)
    labels = np.zeros((10, 10, 10), np.uint8)
    shift = np.diag([2.0, 2.0, 2.0, 1.0])
    shift[0, 3] = 1
    call = {
        "shifted": [str(write(tmp_path / "a.nii", labels, shift)), truth],
        "other shape": [str(write(tmp_path / "a.nii", labels[:9])), truth],
        "memberships": [str(write(tmp_path / "a.nii", labels + np.float32(0.3))), truth],
        "names": [prediction, truth, "--names", "only one"],
        "suffix": [prediction, truth, "-o", "scores.xlsx"],
    }[case]
    assert main(["evaluate", *call]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("fuzzyseg: error: expected ")


def test_the_path_that_does_not_exist_is_the_one_named(cubes, tmp_path, capsys):
    (tmp_path / "results" / "P1").mkdir(parents=True)
    cubes[0].rename(tmp_path / "results" / "P1" / "labels.nii.gz")
    gone, there = str(tmp_path / "nowhere"), str(tmp_path / "results")
    for call in ([there, gone], [gone, there]):
        assert main(["evaluate", *call]) == 2
        assert f"found nothing at {gone};" in capsys.readouterr().err


def test_order_and_direction_of_the_axes_do_not_matter(cubes, tmp_path, capsys):
    prediction, truth = cubes
    loaded = nib.load(prediction)
    turned = loaded.as_reoriented(nib.orientations.axcodes2ornt(("S", "L", "P")))
    nib.save(turned, tmp_path / "turned.nii.gz")
    assert main(["evaluate", str(tmp_path / "turned.nii.gz"), str(truth)]) == 0
    assert "0.800" in capsys.readouterr().out


def test_who_is_left_out_of_a_mean_is_said_with_the_reason(tmp_path, capsys):
    for n, (has, found) in enumerate([(True, True), (True, False), (False, False)]):
        for folder, there in (("truth", has), ("pred", found)):
            labels = np.zeros((10, 10, 10), np.uint8)
            labels[1:8, 1:8, 1:8] = 1
            labels[3:6, 3:6, 3:6] += there
            (tmp_path / folder / f"p{n}").mkdir(parents=True)
            write(tmp_path / folder / f"p{n}" / "labels.nii.gz", labels)
    folders = [str(tmp_path / "pred"), str(tmp_path / "truth")]
    assert main(["evaluate", *folders]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1 left out" in out
    assert "2 left out" in out  # of the distances
    assert "left out of a mean: patients without the structure, and of HD95 and MSD also" in out
    assert "any overlap: 0.500 [0.000, 1.000] of 2; 1 patient without lesions left out" in out
    assert "of 2 of 0 to 10 mm: 0.500 [0.000, 1.000]; 1 patient without such lesions" in out


def test_folders_of_patients(cubes, tmp_path, capsys):
    predicted, true = cubes
    for n in (1, 2, 3):
        for folder in ("pred", "truth"):
            (tmp_path / folder / f"patient-{n:04}").mkdir(parents=True)
        source = true if n == 2 else predicted
        place = tmp_path / "pred" / f"patient-{n:04}" / "labels.nii.gz"
        place.write_bytes(source.read_bytes())
        place = tmp_path / "truth" / f"patient-{n:04}" / "labels.nii.gz"
        place.write_bytes(true.read_bytes())
    folders = [str(tmp_path / "pred"), str(tmp_path / "truth")]
    assert main(["evaluate", *folders, "-o", str(tmp_path / "s.json")]) == 0
    out = capsys.readouterr().out
    assert "3 patients" in out
    assert "left out" not in out
    assert "lesions found, any overlap: 1.000 of 3" in out
    told = json.loads((tmp_path / "s.json").read_text())
    assert told["summary"]["classes"]["bone"]["dsc"]["estimate"] == pytest.approx(2.6 / 3)
    assert list(told["patients"]) == ["patient-0001", "patient-0002", "patient-0003"]
    assert main(["evaluate", *folders, "-o", str(tmp_path / "s.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [(r["patient"][-1], r["name"]) for r in rows] == [
        (n, name) for n in "123" for name in ("bone", "lesion")
    ]
    (tmp_path / "pred" / "patient-0002" / "labels.nii.gz").unlink()
    assert main(["evaluate", *folders]) == 2
    assert "found none of patient-0002" in capsys.readouterr().err


def test_a_class_that_was_missed_is_called_so(cubes, tmp_path, capsys):
    truth = np.zeros((10, 10, 10), np.uint8)
    truth[2:5, 2:5, 2:5] = 1
    truth[7, 7, 7] = 2
    maps = [
        write(tmp_path / f"{i}.nii.gz", m.astype(np.uint8))
        for i, m in enumerate((truth * (truth < 2), truth))
    ]
    assert main(["evaluate", *map(str, maps), "-o", str(tmp_path / "s.json")]) == 0
    out = capsys.readouterr().out
    assert "missed" in out
    assert "lesions: 0 of 1 found" in out
    options = ["--missed-diagonal", "-o", str(tmp_path / "s.json")]
    assert main(["evaluate", *map(str, maps), *options, "--force"]) == 0
    lesion = json.loads((tmp_path / "s.json").read_text())["classes"][1]
    assert lesion["hd95_mm"] == pytest.approx(20 * 3**0.5)


def test_scores_are_replaced_only_with_force(cubes, tmp_path, capsys):
    scores = tmp_path / "s.json"
    scores.write_text("precious")
    call = ["evaluate", *map(str, cubes), "-o", str(scores)]
    assert main(call) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "--force" in err
    assert scores.read_text() == "precious"
    assert main([*call, "--force"]) == 0
    assert "classes" in json.loads(scores.read_text())


@pytest.mark.parametrize(("pieces", "told"), [(1, ", 1 false piece;"), (2, ", 2 false pieces;")])
def test_one_piece_is_a_piece(pieces, told, cubes, tmp_path, capsys):
    prediction, truth = cubes
    labels = np.asarray(nib.load(truth).dataobj).copy()
    for n in range(pieces):
        labels[0, 0, 4 * n] = 2
    assert main(["evaluate", str(write(prediction, labels)), str(truth)]) == 0
    assert told in capsys.readouterr().out
