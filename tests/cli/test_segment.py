import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import nibabel as nib
import numpy as np
import pytest
from matplotlib.image import imread
from tiny_models import write_tiny

from fuzzyseg.batch.one import FILES
from fuzzyseg.cli.main import main
from fuzzyseg.segmentation.methods import clustering_methods, settings_read


@pytest.fixture(autouse=True)
def _no_models(bundled):
    """Without a model in the package, clustering is the default."""


def image(path):
    return nib.load(path).get_fdata(dtype=np.float32)


def write(path, array, affine=None):
    nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def blob(shape=(12, 13, 14)):
    """A volume with three levels."""
    array = np.zeros(shape, np.float32)
    array[3:-3, 3:-3, 3:-3] = 1
    array[5:7, 5:7, 5:7] = 5
    return array + np.random.default_rng(0).normal(0, 0.01, shape).astype(np.float32)


@pytest.mark.parametrize("method", clustering_methods())
def test_writes_its_files_on_the_grid_of_the_input(method, toy_folder, tmp_path, capsys):
    source = toy_folder / "spect.nii.gz"
    assert main(["segment", str(source), "-o", str(tmp_path), "--method", method]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)
    assert "lesion" in capsys.readouterr().out
    expected = nib.load(source)
    labels = nib.load(tmp_path / "labels.nii.gz")
    memberships = nib.load(tmp_path / "memberships.nii.gz")
    assert labels.get_data_dtype() == np.uint8
    assert memberships.get_data_dtype() == np.uint8
    assert labels.shape == expected.shape
    assert memberships.shape == (*expected.shape, 3)
    for written in (labels, memberships):
        np.testing.assert_allclose(written.affine, expected.affine, atol=1e-4)
    u = memberships.get_fdata()
    np.testing.assert_allclose(u.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(u.argmax(-1), image(tmp_path / "labels.nii.gz"))
    picture = imread(tmp_path / "preview.png")
    assert picture.shape[0] > 300
    assert picture.std() > 0.05
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["method"] == method
    assert run["parameters"].get("q") == (2.0 if "q" in settings_read(method) else None)
    assert run["classes"]["lesion"]["label"] == 2
    counts = np.bincount(image(tmp_path / "labels.nii.gz").astype(int).ravel())
    assert [c["voxels"] for c in run["classes"].values()] == counts.tolist()


def test_measures_what_it_found(toy_folder, tmp_path, capsys):
    call = ["segment", str(toy_folder / "spect.nii.gz"), "--ct", str(toy_folder / "ct.nii.gz")]
    known = ["--unit", "Bq/mL", "--weight-kg", "70", "--injected-mbq", "700", "--uptake-min", "180"]
    assert main([*call, *known, "-o", str(tmp_path), "--method", "kmeans"]) == 0
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "summary.json").read_text())
    rows = list(csv.DictReader((tmp_path / "lesions.csv").read_text().splitlines()))
    labels, spect = image(tmp_path / "labels.nii.gz"), image(toy_folder / "spect.nii.gz")
    bone_ml = (labels == 1).sum() * 0.442**3
    assert found["patient"]["bone_volume_ml"] == pytest.approx(bone_ml)
    assert found["patient"]["lesion_count"] == len(rows) == len(found["lesions"]) > 2
    hottest = found["lesions"][found["patient"]["hottest"][0] - 1]
    assert hottest["image_max"] == spect[labels == 2].max()
    left = 0.5 ** (3 * 3600 / 21624.12)
    assert hottest["suv_max"] == pytest.approx(hottest["image_max"] * 70e3 / (700e6 * left))
    assert hottest["hu_sd"] > 100  # bone, lung and soft tissue are under it
    assert f"{len(rows)} lesions" in said
    assert f"{float(rows[0]['suv_max']):.4g}" in said


def test_a_ct_that_cannot_be_registered_gives_no_density(toy_folder, tmp_path):
    ct = nib.load(toy_folder / "ct.nii.gz")
    affine = ct.affine.copy()
    affine[1, 3] += 55.0
    nib.save(nib.Nifti1Image(np.asarray(ct.dataobj), affine), tmp_path / "ct.nii.gz")
    call = ["segment", str(toy_folder / "spect.nii.gz"), "--ct", str(tmp_path / "ct.nii.gz")]
    assert main([*call, "-o", str(tmp_path / "out"), "--method", "kmeans", "--quiet"]) == 0
    lesions = json.loads((tmp_path / "out" / "summary.json").read_text())["lesions"]
    assert {lesion["hu_mean"] for lesion in lesions} == {None}
    why = "the CT could not be registered to the SPECT ("
    assert all(lesion["reasons"]["hu_sd"].startswith(why) for lesion in lesions)
    rows = list(csv.DictReader((tmp_path / "out" / "lesions.csv").read_text().splitlines()))
    assert {row["hu_mean"] for row in rows} == {""}
    assert (tmp_path / "out" / "report.html").read_text().count(f"Density: {why}") == 1

    known = ["--no-register", "--method", "kmeans", "--quiet"]  # the user says that it fits
    assert main([*call, "-o", str(tmp_path / "as it lies"), *known]) == 0
    lesions = json.loads((tmp_path / "as it lies" / "summary.json").read_text())["lesions"]
    assert any(lesion["hu_mean"] is not None for lesion in lesions)


@pytest.mark.parametrize("wrong", [("--weight-kg", "700"), ("--merge-mm", "nan"), ("--suv", "x")])
def test_impossible_measures_are_refused_before_anything_is_read(wrong, tmp_path, capsys):
    assert main(["segment", "absent.nii", "-o", str(tmp_path / "out"), *wrong]) == 2
    assert "absent" not in capsys.readouterr().err


def test_finds_bone_and_lesions_better_with_a_ct(toy_folder, tmp_path):
    truth = image(toy_folder / "labels.nii.gz")

    def dsc(folder, k):
        labels = image(folder / "labels.nii.gz")
        return 2 * ((labels == k) & (truth == k)).sum() / ((labels == k).sum() + (truth == k).sum())

    spect = str(toy_folder / "spect.nii.gz")
    assert main(["segment", spect, "-o", str(tmp_path / "a"), "--quiet"]) == 0
    ct = str(toy_folder / "ct.nii.gz")
    assert main(["segment", spect, "-o", str(tmp_path / "b"), "--ct", ct, "--quiet"]) == 0
    assert dsc(tmp_path / "a", 2) > 0.9
    assert dsc(tmp_path / "a", 1) > 0.7
    assert dsc(tmp_path / "b", 1) > dsc(tmp_path / "a", 1) + 0.02
    assert dsc(tmp_path / "b", 2) > 0.9


def test_ct_alone_has_two_classes(toy_folder, tmp_path):
    assert main(["segment", str(toy_folder / "ct.nii.gz"), "-o", str(tmp_path)]) == 0
    run = json.loads((tmp_path / "run.json").read_text())
    assert list(run["classes"]) == ["background", "bone"]
    assert run["classes"]["bone"]["mean"] > 250


def test_config_file_gives_options_and_the_command_line_wins(toy_folder, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('method = "fcm"\nq = 3\nmask = false\nct-weight = 0.5\nforce = false\n')
    call = ["segment", str(toy_folder / "spect.nii.gz"), "-o", str(tmp_path / "out")]
    assert main([*call, "--config", str(config), "--q", "1.5"]) == 0
    parameters = json.loads((tmp_path / "out" / "run.json").read_text())["parameters"]
    assert parameters["method"] == "fcm"
    assert parameters["q"] == 1.5
    assert parameters["mask"] is False
    assert parameters["ct_weight"] == 0.5


def test_results_are_replaced_only_with_force(tmp_path, capsys):
    source = write(tmp_path / "v.nii.gz", blob())
    call = ["segment", str(source), "-o", str(tmp_path / "out")]
    assert main(call) == 0
    before = (tmp_path / "out" / "run.json").read_bytes()
    capsys.readouterr()
    assert main(call) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "out" / "run.json").read_bytes() == before
    assert main([*call, "--force", "--method", "kmeans"]) == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text())["method"] == "kmeans"


def test_same_input_same_output_on_any_number_of_threads(tmp_path):
    source = write(tmp_path / "v.nii.gz", blob((20, 21, 40)))
    for jobs in ("1", "2"):
        call = ["segment", str(source), "-o", str(tmp_path / jobs), "--jobs", jobs]
        assert main([*call, "--beta", "0.001", "--centres", "free"]) == 0
    np.testing.assert_array_equal(
        image(tmp_path / "1" / "memberships.nii.gz"), image(tmp_path / "2" / "memberships.nii.gz")
    )


def test_a_killed_run_leaves_nothing_that_looks_whole(toy_folder, tmp_path):
    call = [sys.executable, "-m", "fuzzyseg.cli.main", "segment"]
    out = tmp_path / "out"
    started = subprocess.Popen([*call, str(toy_folder / "spect.nii.gz"), "-o", str(out)])
    deadline = time.monotonic() + 60
    while not list(out.glob("*/labels.nii.gz")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(started.pid, signal.SIGKILL)  # labels are written, but the run is not
    started.wait()
    assert list(out.glob("*/labels.nii.gz"))
    assert not any((out / name).exists() for name in FILES)
    assert main(["segment", str(toy_folder / "spect.nii.gz"), "-o", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir() if p.name[0] != ".") == sorted(FILES)


def test_the_terminal_names_what_segmented_and_what_was_left_out(tmp_path, capsys):
    source = write(tmp_path / "v.nii.gz", blob())  # a lesion of 8 voxels of 1 mm
    call = ["segment", str(source), "--modality", "NM"]
    assert main([*call, "-o", str(tmp_path / "a"), "--beta", "0.001", "--min-ml", "1"]) == 0
    said = capsys.readouterr().out
    assert "segmented by the method rfcm, since --beta belongs to clustering\n" in said
    left_out = json.loads((tmp_path / "a" / "summary.json").read_text())["patient"]
    assert left_out["left_out_pieces"] == 1
    assert "no lesion was found\n1 piece below 1 ml (--min-ml) is no lesion: 0.01 ml\n" in said
    assert main([*call, "-o", str(tmp_path / "b"), "--method", "fcm", "--q", "3"]) == 0
    assert "segmented by the method fcm\n" in capsys.readouterr().out
    write_tiny(tmp_path)
    assert main([*call, "-o", str(tmp_path / "c"), "--model", str(tmp_path / "spect")]) == 0
    assert "segmented by the model spect\n" in capsys.readouterr().out


def test_a_ct_that_holds_no_hu_is_told(tmp_path, capsys):
    source = write(tmp_path / "v.nii.gz", 100 * blob().clip(0))
    assert main(["segment", str(source), "-o", str(tmp_path / "a"), "--modality", "CT"]) == 0
    assert capsys.readouterr().err.count("these are not HU") == 1
    run = json.loads((tmp_path / "a" / "run.json").read_text())
    assert sum("these are not HU" in text for text in run["warnings"]) == 1


class TestBadInput:
    """Each is one line on standard error, exit code 2, and no output folder."""

    @pytest.fixture
    def refused(self, tmp_path, capsys):
        def check(source, *options):
            out = tmp_path / "out"
            assert main(["segment", str(source), "-o", str(out), *options]) == 2
            err = capsys.readouterr().err
            assert err.count("\n") == 1, err
            assert err.startswith("fuzzyseg: error: expected ")
            assert not out.exists()
            return err

        return check

    def test_empty_folder(self, tmp_path, refused):
        (tmp_path / "empty").mkdir()
        refused(tmp_path / "empty")

    def test_text_file_named_nii(self, tmp_path, refused):
        (tmp_path / "a.nii").write_text("I am not an image")
        refused(tmp_path / "a.nii")

    def test_truncated_nifti(self, tmp_path, refused):
        whole = write(tmp_path / "a.nii.gz", blob())
        (tmp_path / "b.nii.gz").write_bytes(whole.read_bytes()[:2000])
        refused(tmp_path / "b.nii.gz")

    @pytest.mark.parametrize("shape", [(9, 9), (9, 9, 9, 2)])
    def test_not_three_dimensional(self, shape, tmp_path, refused):
        assert "found" in refused(write(tmp_path / "a.nii", np.zeros(shape, np.float32)))

    def test_rgb(self, tmp_path, refused):
        rgb = np.zeros((5, 5, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
        refused(write(tmp_path / "a.nii", rgb))

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, bad, tmp_path, refused):
        array = blob()
        array[2, 2, 2] = bad
        assert "NaN" in refused(write(tmp_path / "a.nii", array))

    def test_constant(self, tmp_path, refused):
        assert "everywhere" in refused(write(tmp_path / "a.nii", np.ones((9, 9, 9), np.float32)))

    def test_two_values_for_three_classes(self, tmp_path, refused):
        array = np.zeros((9, 9, 9), np.float32)
        array[4] = 1
        assert "different intensities" in refused(write(tmp_path / "a.nii", array))

    def test_smaller_than_three_voxels(self, tmp_path, refused):
        assert "at least 3" in refused(write(tmp_path / "a.nii", blob()[:, :2]))

    def test_ct_that_does_not_overlap(self, tmp_path, refused):
        away = np.eye(4)
        away[:3, 3] = 500
        spect = write(tmp_path / "a.nii", blob())
        ct = write(tmp_path / "b.nii", blob() * 100, away)
        assert "overlap" in refused(spect, "--ct", str(ct))

    def test_zip_that_climbs_out(self, tmp_path, refused):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("../../evil.nii", "x")
        assert "evil" in refused(tmp_path / "a.zip")

    def test_two_ct_series_in_one_folder(self, shared_data, tmp_path, refused):
        import pydicom

        slices = sorted((shared_data / "ct" / "TCGA-09-2043").glob("*.dcm"))[:4]
        for i, path in enumerate(slices):
            shutil.copy(path, tmp_path / f"a{i}.dcm")
            other = pydicom.dcmread(path)
            other.SeriesInstanceUID = other.SeriesInstanceUID[:-3] + "1"
            other.SOPInstanceUID = other.SOPInstanceUID[:-3] + "1"
            other.file_meta.MediaStorageSOPInstanceUID = other.SOPInstanceUID
            other.save_as(tmp_path / f"b{i}.dcm")
        assert "--series N" in refused(tmp_path)

    def test_planar_scan(self, shared_data, refused):
        err = refused(shared_data / "nm" / "wholebody_planar_rle.dcm")
        assert "planar" in err

    @pytest.mark.parametrize(
        "options",
        [
            ("--classes", "1"),
            ("--classes", "0"),
            ("--q", "0.5"),
            ("--q", "nan"),
            ("--beta", "-1"),
            ("--jobs", "-1"),
            ("--jobs", "0"),
            ("--ct-weight", "nan"),
            ("--ct-weight", "-1"),
            ("--seed", "-1"),
            ("--method", "threshold", "--classes", "4"),
            ("--method", "kmeans", "--q", "3"),
            ("--method", "fcm", "--parameters", "bins=many"),
            ("--series", "7"),
            ("--q", "1e9"),
            ("--jobs", "100000"),
            ("--ct-series", "1"),
        ],
    )
    def test_options_out_of_range(self, options, tmp_path, refused):
        refused(write(tmp_path / "a.nii", blob()), *options)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_unwritable_output(self, tmp_path, refused):
        (tmp_path / "out").mkdir(mode=0o500)
        refused(write(tmp_path / "a.nii", blob()))

    def test_output_that_is_a_file(self, tmp_path, capsys):
        (tmp_path / "out").write_text("precious")
        source = write(tmp_path / "a.nii", blob())
        assert main(["segment", str(source), "-o", str(tmp_path / "out")]) == 2
        assert "expected a writable folder" in capsys.readouterr().err
        assert (tmp_path / "out").read_text() == "precious"


EVERY_FILE = {
    "segmentation.dcm", "labels.nii.gz", "memberships.nii.gz", "report.html", "summary.json"
}  # fmt: skip


class TestRealStudies:
    def test_nm_multi_frame(self, shared_data, tmp_path, capsys):
        source = shared_data / "nm" / "recon_tomo_heart_13frames.dcm"
        assert main(["segment", str(source), "-o", str(tmp_path)]) == 0
        assert "orientation" in capsys.readouterr().err
        run = json.loads((tmp_path / "run.json").read_text())
        assert run["image"]["modality"] == "NM"
        assert run["image"]["shape"] == [64, 64, 13]
        assert {path.name for path in tmp_path.iterdir()} >= EVERY_FILE

    def test_ct_series(self, shared_data, tmp_path):
        assert main(["segment", str(shared_data / "ct" / "TCGA-09-2043"), "-o", str(tmp_path)]) == 0
        run = json.loads((tmp_path / "run.json").read_text())
        assert run["image"]["unit"] == "HU"
        assert 500 < run["classes"]["bone"]["volume_ml"] < 3000
        assert {path.name for path in tmp_path.iterdir()} >= EVERY_FILE


class TestModel:
    """With a tiny random model in the package's place, or at a path."""

    def segmented(self, out, *options):
        assert main(["segment", *options, "-o", str(out)]) == 0
        return json.loads((out / "run.json").read_text())

    def test_bundled_models_are_the_default_of_every_kind_of_study(
        self, bundled, toy_folder, tmp_path
    ):
        for task in ("spect", "spect-ct", "ct"):
            write_tiny(bundled, task)
        spect, ct = str(toy_folder / "spect.nii.gz"), str(toy_folder / "ct.nii.gz")
        for name, task, options in (
            ("spect", "spect", [spect]),
            ("both", "spect-ct", [spect, "--ct", ct]),
            ("ct", "ct", [ct]),
        ):
            run = self.segmented(tmp_path / name, *options, "--jobs", "1")
            assert (run["method"], run["parameters"]["model"]) == ("model", task)
            u = nib.load(tmp_path / name / "memberships.nii.gz").get_fdata()
            np.testing.assert_allclose(u.sum(-1), 1, atol=1e-5)
            labels = image(tmp_path / name / "labels.nii.gz")
            np.testing.assert_array_equal(u.argmax(-1), labels)

    def test_a_ct_in_the_same_folder_is_used(self, bundled, toy_folder, tmp_path, capsys):
        write_tiny(bundled)
        study = tmp_path / "study"
        study.mkdir()
        for name in ("spect.nii.gz", "ct.nii.gz"):
            shutil.copy(toy_folder / name, study / name)
        run = self.segmented(tmp_path / "out", str(study), "--no-register")
        assert run["study"]["ct"]
        assert "CT beside the SPECT" in capsys.readouterr().out

    def test_a_path_and_options_from_a_file(self, tmp_path):
        write_tiny(tmp_path)
        config = tmp_path / "c.toml"
        config.write_text(f'model = "{tmp_path / "spect"}"\nviews = "three"\nflips = true\n')
        source = write(tmp_path / "v.nii.gz", blob())
        run = self.segmented(tmp_path / "out", str(source), "--config", str(config))
        assert run["parameters"]["planes"] == "three"
        assert run["parameters"]["mirror"] is True
        assert run["parameters"]["card"]["task"] == "spect"

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            (("--method", "model"), "found none"),
            (("--model", "absent"), "absent"),
            (("--method", "rfcm", "--model", "absent"), "leave one of them out"),
        ],
    )
    def test_models_that_are_not_there(self, options, found, tmp_path, capsys):
        source = write(tmp_path / "v.nii.gz", blob())
        assert main(["segment", str(source), "-o", str(tmp_path / "out"), *options]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert found in err
