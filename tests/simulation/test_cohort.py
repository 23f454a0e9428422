import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import nibabel as nib
import numpy as np
import pytest
from toy_phantom import write_phantom

from fuzzyseg.cli.simulate import _told
from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti, read_volume
from fuzzyseg.jobs import get_engine
from fuzzyseg.resample import reoriented, resample
from fuzzyseg.simulation import simulated
from fuzzyseg.simulation.cohort import simulate_cohort
from fuzzyseg.simulation.scanner.geometry import view_angles
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.simulated import Recipe, check_recipe, mixed_recipe, simulate_patient

QUICK = Recipe(seed=5, views=20, fine=False, axial=(0.15, 0.22))
IMAGES = ("spect", "ct", "attenuation", "activity", "labels", "ct_labels")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort")
    simulate_cohort(out, 1, replace(QUICK, dicom=True))
    return out


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A recipe of a second, where any body will do."""
    return replace(QUICK, axial=(0.0, 1.0), **write_phantom(tmp_path_factory.mktemp("phantom")))


@pytest.fixture(scope="module")
def pair(small, tmp_path_factory):
    """A cohort of two, made by two processes."""
    out = tmp_path_factory.mktemp("pair")
    simulate_cohort(out, 2, small, engine=get_engine(jobs=2))
    return out


def image(path):
    return nib.load(path).get_fdata(dtype=np.float32)


def test_a_patient_is_five_images_on_fitting_grids(cohort):
    folder = cohort / "patient-0001"
    images = {name: nib.load(folder / f"{name}.nii.gz") for name in IMAGES}
    for name in ("attenuation", "activity", "labels"):
        assert images[name].shape == images["spect"].shape
        np.testing.assert_allclose(images[name].affine, images["spect"].affine)
    assert set(np.unique(image(folder / "labels.nii.gz"))) <= {0, 1, 2}
    assert image(folder / "attenuation.nii.gz").max() > 0.15  # bone, 1/cm
    assert image(folder / "ct.nii.gz").min() >= -1024


def test_reconstructed_activity_is_calibrated(cohort):
    folder = cohort / "patient-0001"
    spect, activity = (image(folder / f"{name}.nii.gz") for name in ("spect", "activity"))
    # Slices away from the ends, whose activity is blurred out of the field.
    middle = slice(4, -4)
    assert spect[..., middle].sum() == pytest.approx(activity[..., middle].sum(), rel=0.05)


def test_labels_are_where_the_activity_is(cohort):
    folder = cohort / "patient-0001"
    labels, activity = (image(folder / f"{name}.nii.gz") for name in ("labels", "activity"))
    soft = np.median(activity[(labels == 0) & (activity > 0)])
    assert np.median(activity[labels == 1]) > 5 * soft


def test_patient_json_holds_what_was_drawn_and_counted(cohort):
    described = json.loads((cohort / "patient-0001" / "patient.json").read_text())
    assert described["recipe"]["seed"] == 5
    assert described["protocol"]["name"] == "discovery670"
    assert described["scan"]["counts"] > 1000
    assert described["patient"]["weight_kg"] > 30
    made = json.loads((cohort / "cohort.json").read_text())
    assert made["patients"] == ["patient-0001"]
    assert made["code"] == [described["code"]]


def test_dicom_is_read_back_as_it_was_written(cohort):
    folder = cohort / "patient-0001"
    for name, modality, unit in (("spect", "NM", "Bq/mL"), ("ct", "CT", "HU")):
        written = read_nifti(folder / f"{name}.nii.gz", modality)
        read = read_volume(folder / "dicom", modality=modality)
        assert (read.modality, read.unit, read.warnings) == (modality, unit, ())
        back = reoriented(read, written)
        np.testing.assert_allclose(back.affine, written.affine, atol=1e-3)
        step = np.ptp(written.array) / 65535 if name == "spect" else 1
        np.testing.assert_allclose(back.array, written.array, atol=0.51 * step)


def test_nifti_says_through_its_json_what_dicom_says(cohort):
    folder = cohort / "patient-0001"
    for name in ("spect", "ct"):
        nifti = read_nifti(folder / f"{name}.nii.gz", None)
        dicom = read_volume(folder / "dicom", modality=nifti.modality)
        assert (nifti.unit, nifti.nuclide, nifti.warnings) == (dicom.unit, dicom.nuclide, ())
        if name == "spect":
            given, same = asdict(nifti.administration), asdict(dicom.administration)
            assert given.pop("decay") == "acquisition"  # of which NM by the standard says nothing
            assert given.pop("notes")
            for key, value in given.items():
                close = pytest.approx(value, rel=1e-3) if isinstance(value, float) else value
                assert same[key] == close


def test_dicom_says_where_the_first_view_was_taken_from(cohort):
    import pydicom

    dataset = pydicom.dcmread(cohort / "patient-0001" / "dicom" / "spect.dcm")
    rotation = dataset.RotationInformationSequence[0]
    # The first detector is along +X, which the affine runs to the patient's right; DICOM counts
    # degrees from the back over the left. The next is towards +Y, the front: the angle falls.
    affine = nib.load(cohort / "patient-0001" / "spect.nii.gz").affine
    assert affine[0, 0] > 0
    assert affine[1, 1] > 0
    assert view_angles(4)[:2] == pytest.approx([0, np.pi / 2])
    assert (rotation.StartAngle, rotation.RotationDirection) == (270, "CW")


def test_a_part_of_the_body_gets_its_part_of_the_time(cohort):
    described = json.loads((cohort / "patient-0001" / "patient.json").read_text())
    assert described["protocol"]["scan_minutes"] == pytest.approx(30 * 0.07)


def test_a_mixed_cohort_is_scanned_as_many_hospitals_would(small):
    drawn = [mixed_recipe(QUICK, np.random.default_rng(s)) for s in range(400)]
    for protocol in PROTOCOLS:
        assert np.mean([r.protocol == protocol for r in drawn]) == pytest.approx(0.5, abs=0.08)
    assert {r.views for r in drawn} == {60, 120, 256}
    minutes = [r.minutes for r in drawn]
    assert min(minutes) == pytest.approx(10, abs=0.5)
    assert max(minutes) == pytest.approx(40, abs=0.5)
    assert np.mean([r.vendor for r in drawn]) == pytest.approx(0.5, abs=0.08)
    assert {(r.seed, r.axial, r.fine, r.like) for r in drawn} == {
        (5, QUICK.axial, False, "clinical")
    }
    described = simulate_patient(replace(small, mixed=True), 1).description
    protocol = described["protocol"]
    assert protocol["scan_minutes"] == pytest.approx(described["recipe"]["minutes"])
    assert protocol["views"] == described["recipe"]["views"]


def test_metal_does_not_stop_the_camera(small, monkeypatch):
    real = simulated.draw_patient

    def with_gold(*given):
        patient = real(*given)
        patient.attenuation[patient.labels > 0] = 29.0  # 1/cm, gold
        return patient

    monkeypatch.setattr(simulated, "draw_patient", with_gold)
    recipe = replace(small, attenuation="true")
    assert 3 < simulated.simulate_patient(recipe, 1).attenuation.max() < 29


def test_ct_lies_on_the_same_patient(cohort):
    folder = cohort / "patient-0001"
    labels = read_nifti(folder / "labels.nii.gz")
    ct = resample(read_nifti(folder / "ct.nii.gz", "CT"), labels)
    assert np.median(ct.array[labels.array > 0]) > 90  # porous bone, some of it shifted away
    assert np.median(ct.array[labels.array == 0]) < 60


def test_labels_of_the_ct_are_those_of_the_spect_on_a_finer_grid(cohort):
    folder = cohort / "patient-0001"
    coarse, ct = read_nifti(folder / "labels.nii.gz"), read_nifti(folder / "ct.nii.gz", "CT")
    fine = read_nifti(folder / "ct_labels.nii.gz")
    np.testing.assert_allclose(fine.affine, ct.affine)
    assert fine.shape == ct.shape
    assert np.median(ct.array[fine.array > 0]) > 120
    on_coarse = resample(fine, coarse).array  # means over what a coarse voxel covers
    assert on_coarse[coarse.array == 0].mean() < 0.1
    assert on_coarse[coarse.array > 0].mean() > 0.6


def test_a_patient_is_the_same_however_long_its_cohort_and_whoever_makes_it(small, pair):
    """Two processes made a cohort of two; here each patient is made alone."""
    alone = [simulate_patient(small, number) for number in (2, 1)]
    for folder, found in zip(("patient-0002", "patient-0001"), alone, strict=True):
        np.testing.assert_array_equal(found.spect.array, image(pair / folder / "spect.nii.gz"))
    two, one = (found.description["patient"] for found in alone)
    assert two["weight_kg"] != one["weight_kg"]


def test_fine_grid_is_collapsed_to_the_scanners(small):
    fine = simulate_patient(replace(small, fine=True), 1)
    assert fine.spect.spacing_mm == pytest.approx((4.4, 4.4, 4.4))
    assert fine.ct.spacing_mm == pytest.approx((2.2, 2.2, 2.2))
    coarse = resample(fine.ct, fine.spect)
    assert np.median(coarse.array[fine.labels > 0]) > 90


def test_a_second_run_goes_on_where_the_first_stopped(cohort, monkeypatch):
    before = (cohort / "patient-0001" / "spect.nii.gz").stat().st_mtime_ns
    monkeypatch.setattr("fuzzyseg.simulation.cohort.simulate_patient", None)  # not called again
    seen = []
    simulate_cohort(cohort, 1, replace(QUICK, dicom=True), progress=lambda *c: seen.append(c))
    assert (cohort / "patient-0001" / "spect.nii.gz").stat().st_mtime_ns == before
    assert seen == [(1, 1)]


def test_another_recipe_in_the_same_folder_is_refused(cohort):
    with pytest.raises(InputError, match="different seed"):
        simulate_cohort(cohort, 1, replace(QUICK, dicom=True, seed=6))


def test_other_code_is_refused_in_the_same_folder(cohort, monkeypatch):
    monkeypatch.setattr("fuzzyseg.simulation.record.code_digest", lambda: "another")
    monkeypatch.setattr("fuzzyseg.simulation.cohort.simulate_patient", None)
    with pytest.raises(InputError, match="--other-code"):
        simulate_cohort(cohort, 2, replace(QUICK, dicom=True))


def test_a_killed_run_leaves_no_folder_that_looks_whole(tmp_path):
    call = [sys.executable, "-m", "fuzzyseg.cli.main", "simulate", "-o", str(tmp_path)]
    options = ["--views", "20", "--no-fine", "--axial", "0.15", "0.22", "--quiet"]
    started = subprocess.Popen([*call, *options])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*/spect.nii.gz")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(started.pid, signal.SIGKILL)  # the first image is written, the patient is not whole
    started.wait()
    assert list(tmp_path.glob(".*/spect.nii.gz"))
    assert not list(tmp_path.glob("patient-*"))


def test_a_full_disk_is_one_clear_error_and_leaves_nothing_half_written(
    small, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fuzzyseg.simulation.cohort.write_labels", full)
    with pytest.raises(InputError, match="No space left"):
        simulate_cohort(tmp_path, 1, small)
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.json"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"protocol": "magic"}, "magic"),
        ({"views": 3}, "views"),
        ({"phantom": "a.nii"}, "--labels"),
        ({"labels": "a.toml"}, "--phantom"),
        ({"phantom": "absent.nii", "labels": "xcat-derived"}, "absent.nii"),
        ({"axial": (0.5, 0.4)}, "axial"),
        ({"minutes": 0.0}, "minutes"),
        ({"like": "nobody"}, "clinical, elsewhere, paper"),
        ({"seed": -1}, "seed"),
        ({"views": 63}, "subsets"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused(change, found, tmp_path):
    with pytest.raises(InputError, match=found):
        simulate_cohort(tmp_path, 1, replace(QUICK, **change))
    assert not list(tmp_path.glob("*patient*"))


def test_a_phantom_too_wide_is_refused_at_the_first_look(tmp_path, monkeypatch):
    labels = np.ones((140, 20, 12), np.uint8)  # 56 cm of soft tissue
    nib.save(nib.Nifti1Image(labels, np.diag([4.0, 4, 4, 1])), tmp_path / "wide.nii.gz")
    (tmp_path / "map.toml").write_text('[tissues]\n1 = "soft tissue"\n')
    monkeypatch.setattr("fuzzyseg.simulation.simulated.draw_patient", None)  # not called
    wide = {"phantom": str(tmp_path / "wide.nii.gz"), "labels": str(tmp_path / "map.toml")}
    with pytest.raises(InputError, match=r"reaching 28.* keep ="):
        simulate_cohort(tmp_path / "out", 1, replace(QUICK, **wide))
    # With the remedy that is named it is not too wide any more.
    with (tmp_path / "map.toml").open("r+") as table:
        text = table.read()
        table.seek(0)
        table.write("keep = { x = [20, 120] }\n" + text)
    check_recipe(replace(QUICK, **wide))


def test_a_line_a_patient_goes_to_a_standard_error_that_is_no_terminal(capsys):
    moved = []
    report = _told(lambda *counts: moved.append(counts), quiet=False)
    report(2, 5)
    _told(lambda *_: None, quiet=True)(3, 5)
    assert capsys.readouterr().err == "simulated 2 of 5 patients\n"
    assert moved == [(2, 5)]
