import csv
import json
import shutil

import numpy as np
import pytest
from two_days import BASELINE, FOLLOW_UP, drawn_day

from fuzzyseg.cli.compare import FILES
from fuzzyseg.cli.main import main
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.io.output import to_json
from fuzzyseg.segmentation import summary


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two folders as `segment` leaves them."""
    folders = []
    for which in (BASELINE, FOLLOW_UP):
        folder = tmp_path_factory.mktemp("DOE-JANE")
        day, segmentation = drawn_day(which)
        write_image(folder / "measured_spect.nii.gz", day.spect)
        write_labels(folder / "labels.nii.gz", segmentation.labels, day.spect)
        (folder / "summary.json").write_text(to_json(day.summary))
        (folder / "run.json").write_text(to_json(summary(segmentation)))
        folders.append(folder)
    return folders


def test_two_folders_of_results_give_three_files(results, tmp_path, capsys):
    call = ["compare", *map(str, results), "-o", str(tmp_path)]
    assert main(call) == 0
    said = capsys.readouterr()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)
    told = json.loads((tmp_path / "compare.json").read_text())
    rows = list(csv.DictReader((tmp_path / "changes.csv").read_text().splitlines()))
    assert [row["change"] for row in rows] == [each["change"] for each in told["lesions"]]
    assert {"new", "gone", "grown"} <= {row["change"] for row in rows}
    assert told["alignment"]["by"] == "SPECT"
    assert "aligned by SPECT" in said.out
    assert "only bones say that both days are one patient's" in said.err
    for path in tmp_path.iterdir():
        assert "DOE-JANE" not in path.read_text()
    assert main(call) == 2  # they are there
    assert "--force" in capsys.readouterr().err


def test_what_is_no_result_and_no_study_is_one_line(results, tmp_path, capsys):
    assert main(["compare", str(results[0]), str(tmp_path / "x"), "-o", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_one_day_twice_is_one_line(results, tmp_path, capsys):
    assert main(["compare", str(results[0]), str(results[0]), "-o", str(tmp_path / "o")]) == 2
    assert "expected two days" in capsys.readouterr().err


def test_too_long_a_name_is_one_line(results, tmp_path, capsys):
    assert main(["compare", *map(str, results), "-o", str(tmp_path / ("x" * 300))]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_older_results_without_their_spect_are_told_what_to_do(results, tmp_path, capsys):
    older = shutil.copytree(results[0], tmp_path / "older")
    (older / "measured_spect.nii.gz").unlink()
    assert main(["compare", str(older), str(results[1]), "-o", str(tmp_path / "o")]) == 2
    assert "segment it with this version" in capsys.readouterr().err


def test_studies_are_segmented_on_the_way(toy_folder, bundled, tmp_path, capsys):
    out = tmp_path / "out"
    spect = str(toy_folder / "spect.nii.gz")
    later = shutil.copy(spect, tmp_path / "later.nii.gz")
    assert main(["compare", spect, str(later), "-o", str(out)]) == 0
    capsys.readouterr()
    for name in ("baseline", "follow-up"):
        assert (out / name / "report.html").exists()
    told = json.loads((out / "compare.json").read_text())
    assert told["alignment"]["agreement"] == pytest.approx(1, abs=1e-3)
    matrix = np.array(told["alignment"]["baseline_from_follow_up"])
    np.testing.assert_allclose(matrix, np.eye(4), atol=0.2)
    assert {each["change"] for each in told["lesions"]} == {"unchanged"}
