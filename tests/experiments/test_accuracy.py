import json
import math

import nibabel as nib
import numpy as np
import pytest
from matplotlib.image import imread
from scipy import ndimage

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.accuracy.__main__ import main, report
from fuzzyseg.experiments.accuracy.cards import card_figures
from fuzzyseg.experiments.accuracy.pictures import draw_gallery
from fuzzyseg.experiments.accuracy.predictions import Prediction, predict_patient
from fuzzyseg.experiments.accuracy.score_tables import (
    curve,
    false_table,
    markdown,
    model_table,
    sensitivity_at,
    told,
)
from fuzzyseg.experiments.accuracy.scores import (
    THRESHOLDS,
    each_false_piece,
    each_lesion,
    score_patient,
)
from fuzzyseg.models import load_model, save_model

MM = 4.0
AFFINE = np.diag([MM, MM, MM, 1.0])
AFFINE[:3, 3] = -40.0
BALLS = {"isodense": ((10, 10, 10), 2), "lytic": ((22, 10, 12), 3)}  # voxel, radius


def ball(shape, centre, radius):
    grid = np.indices(shape).reshape(3, -1).T
    return (np.linalg.norm(grid - centre, axis=1) <= radius).reshape(shape)


@pytest.fixture
def patient():
    """Two lesions in a slab of bone: labels, SPECT, and what the simulator would tell."""
    labels = np.zeros((32, 20, 24), np.uint8)
    labels[4:28, 6:15, 6:18] = 1
    spect = np.where(labels, 10.0, 1.0).astype(np.float32)
    drawn = []
    for uptake, (kind, (centre, radius)) in zip((20.0, 50.0), BALLS.items(), strict=True):
        inside = ball(labels.shape, centre, radius)
        labels[inside], spect[inside] = 2, uptake
        drawn.append({"kind": kind, "centre_mm": (AFFINE @ [*centre, 1.0])[:3].tolist()})
    return labels, spect, drawn


def write_patient(folder, patient):
    labels, spect, drawn = patient
    folder.mkdir(parents=True)
    ct = np.where(labels, 300.0, 40.0).astype(np.float32)
    for name, array in (("spect", spect), ("labels", labels), ("ct", ct)):
        nib.save(nib.Nifti1Image(array, AFFINE), folder / f"{name}.nii.gz")
    (folder / "patient.json").write_text(json.dumps({"patient": {"lesions": drawn}}))


def test_each_lesion_is_measured_by_itself(patient):
    labels, spect, drawn = patient
    large = ball(labels.shape, *BALLS["lytic"])
    half = large & (np.indices(labels.shape)[0] >= BALLS["lytic"][0][0])
    far = np.zeros_like(large)
    far[1, 1, 23] = True  # further than 15 mm from both
    small_one, large_one = each_lesion(half | far, labels, spect, AFFINE, drawn)
    assert (small_one.kind, large_one.kind) == ("isodense", "lytic")
    assert (small_one.covered, small_one.dsc) == (0, 0)
    assert large_one.covered == pytest.approx(half.sum() / large.sum())
    assert large_one.dsc == pytest.approx(2 * half.sum() / (half.sum() + large.sum()))
    assert (small_one.contrast, large_one.contrast) == (pytest.approx(2), pytest.approx(5))
    volume = large.sum() * MM**3
    assert math.pi / 6 * large_one.diameter_mm**3 == pytest.approx(volume)


def test_a_voxel_counts_for_the_lesion_it_is_nearest_to(patient):
    labels, spect, drawn = patient
    everything = np.ones(labels.shape, bool)
    scores = each_lesion(everything, labels, spect, AFFINE, drawn)
    distance = ndimage.distance_transform_edt(labels != 2, sampling=MM)
    taken = sum((2 / one.dsc - 1) * one.diameter_mm**3 * math.pi / 6 / MM**3 for one in scores)
    assert taken == pytest.approx((distance <= 15).sum())


def test_the_curve_counts_lesions_and_false_pieces(tmp_path, patient):
    write_patient(tmp_path / "patient-0001", patient)
    labels, _, _ = patient
    lesion = np.zeros(labels.shape, np.float32)
    lesion[ball(labels.shape, *BALLS["isodense"])] = 0.35
    lesion[ball(labels.shape, *BALLS["lytic"])] = 0.85
    lesion[1, 1, 23] = 0.55
    found = score_patient(tmp_path / "patient-0001", Prediction((labels == 2) * 2, lesion))
    sensitivity, false = curve([found])
    for t, s, f in zip(THRESHOLDS, sensitivity, false, strict=True):
        assert s == ((t <= 0.35) + (t <= 0.85)) / 2
        assert f == (t <= 0.55)
    assert sensitivity_at([found], [0.5, 1.0]) == [0.5, 1.0]
    assert found.dsc(2)[0] == 1


def test_a_false_piece_lies_on_the_nearest_finding():
    predicted, truth = np.zeros((2, 30, 10, 10), bool)
    truth[1, 1, 1] = predicted[1:3, 1, 1] = True  # found
    predicted[10, 5, 5] = predicted[15, 5, 5] = predicted[29, 5, 5] = True
    at = [(AFFINE @ [*voxel, 1.0])[:3].tolist() for voxel in ((11, 5, 5), (17, 5, 5), (22, 5, 5))]
    parts = list(zip(("joint", "fracture", "fracture"), at, strict=True))
    found = each_false_piece(predicted, truth, AFFINE, parts)
    assert found == ["joint", "fracture", "none of these"]  # 28 mm away
    assert each_false_piece(predicted, truth, AFFINE, []) == ["none of these"] * 3


def test_false_pieces_are_counted_by_what_they_lie_on(tmp_path, patient):
    labels, _, lesions = patient
    write_patient(tmp_path / "patient-0001", patient)
    where = (AFFINE @ [26.0, 12.0, 8.0, 1.0])[:3].tolist()
    findings = [{"name": "facet", "centres_mm": [where, [200.0, 0.0, 0.0]]}]
    told_of = {"patient": {"lesions": lesions, "findings": findings}}
    (tmp_path / "patient-0001" / "patient.json").write_text(json.dumps(told_of))
    predicted = np.where(labels == 2, 2, 0)
    predicted[26, 12, 8] = 2
    lesion = (predicted == 2).astype(np.float32)
    found = score_patient(tmp_path / "patient-0001", Prediction(predicted, lesion))
    assert found.false_on == ("facet",)
    assert (found.listed_false, found.listed_found) == (0, 2)  # a voxel has 0.064 ml
    table = model_table({"cohort": [found]})
    assert "| false pieces a patient | 1.0 |" in table
    assert "| found of 10 mm and more, as listed | 100% |" in table
    assert "| false lesions a patient, as listed | 0.0 |" in table
    assert [round(ml, 3) for ml, _ in found.listed] == [7.872, 2.112]
    assert "| listed of 1 to 3 mL that are lesions | 100% |" in table
    assert "| listed below 0.5 mL that are lesions | - |" in table
    lines = false_table({"a": {"cohort": [found]}, "b": {"cohort": [found, found]}}).splitlines()
    assert lines[0] == "| false pieces on | there are | `a` | `b` |"
    assert lines[2:] == ["| facet | 2 | 1 | 2 |", "| none of these | - | 0 | 0 |"]


def test_what_is_listed_is_counted_by_volume(tmp_path, patient):
    labels, _, _ = patient
    write_patient(tmp_path / "patient-0001", patient)
    predicted = np.where(labels == 2, 2, 0)
    predicted[30:32, 14:16, 2:4] = 2  # 0.512 mL
    predicted[4:6, 3, 14:16] = 2  # 0.256 mL
    lesion = (predicted == 2).astype(np.float32)
    found = score_patient(tmp_path / "patient-0001", Prediction(predicted, lesion))
    assert [true for _, true in found.listed] == [True, True, False, False]
    figures = card_figures([found, found])
    assert figures["listed_ml"] == {
        "below 0.5 mL": [0, 2],
        "of 0.5 to 1 mL": [0, 2],
        "of 1 to 3 mL": [2, 2],
        "of 3 mL and more": [2, 2],
    }


def test_what_was_predicted_is_kept_by_the_weights(tmp_path, patient, monkeypatch):
    folder = tmp_path / "cohort" / "patient-0001"
    write_patient(folder, patient)
    first = predict_patient("spect-ct", folder, tmp_path / "kept")
    (kept,) = (tmp_path / "kept").rglob("*.npz")
    monkeypatch.setattr(
        "fuzzyseg.experiments.accuracy.predictions.segment", lambda *_: pytest.fail("again")
    )
    again = predict_patient("spect-ct", folder, tmp_path / "kept")
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.lesion, again.lesion)
    assert kept.name.startswith("cohort-patient-0001-")


def test_another_patient_of_the_same_name_is_predicted_anew(tmp_path, patient):
    for place, spect in (("a", patient[1]), ("b", patient[1][::-1])):
        folder = tmp_path / place / "cohort" / "patient-0001"
        write_patient(folder, (patient[0], spect, patient[2]))
        predict_patient("spect", folder, tmp_path / "kept")
    assert len(list((tmp_path / "kept").rglob("*.npz"))) == 2


def test_the_command_writes_tables_and_pictures(tmp_path, patient, capsys):
    cohort = tmp_path / "small"
    for number in (1, 2, 3):
        write_patient(cohort / f"patient-{number:04d}", patient)
    out = tmp_path / "out"
    main(
        ["-o", str(out), "--models", "spect-ct", "--cohorts", str(cohort), "--shifts-mm", "0", "8"]
    )
    page = capsys.readouterr().out
    assert page == (out / "accuracy.md").read_text()
    assert "| patients; lesions | 3; 6 |" in page
    assert "| isodense | 3 |" in page
    assert "| 8 mm |" in page
    assert "| none of these | - |" in page
    assert {p.name for p in out.glob("*.png")} == {
        "froc.png", "diameter.png", "spect-ct-small.png",
    }  # fmt: skip


def test_titles_above_tall_patients_keep_away_from_the_edge(tmp_path, patient):
    labels, spect, drawn = patient
    tall = [np.pad(a, ((0, 0), (0, 0), (0, 60)), mode="edge") for a in (labels, spect)]
    write_patient(tmp_path / "patient-0001", (*tall, drawn))
    found = {"patient-0001": Prediction(tall[0], (tall[0] == 2).astype(np.float32))}
    scores = [score_patient(tmp_path / "patient-0001", found["patient-0001"])]
    draw_gallery(scores, found, tmp_path, tmp_path / "gallery.png")
    dark = (imread(tmp_path / "gallery.png")[..., :3] < 0.5).all(2).any(1)
    assert 12 <= dark.argmax() <= 30  # rows of 0.01 inch; the first line of the titles


def test_the_card_keeps_the_scores_and_its_weights(tmp_path, patient):
    write_patient(tmp_path / "small" / "patient-0001", patient)
    mine = tmp_path / "mine" / "model"
    save_model(load_model("spect-ct"), mine)
    before = load_model(mine).card
    report(tmp_path / "out", [str(mine)], [tmp_path / "small"], into_cards=True)
    card = load_model(mine).card
    assert (card.sha256, card.training) == (before.sha256, before.training)
    assert card.metrics["small"]["lesions"] == 2
    assert len(card.metrics["small"]["lesion_dsc"]) == 3


def test_a_cohort_without_patients_is_one_line(tmp_path, capsys):
    with pytest.raises(InputError, match="found none; run fuzzyseg simulate"):
        report(tmp_path, ["spect"], [tmp_path])
    with pytest.raises(SystemExit, match="2"):
        main(["-o", str(tmp_path), "--models", "spect", "--cohorts", str(tmp_path)])
    assert "found none" in capsys.readouterr().err


def test_figures_are_written_with_their_intervals():
    assert told({"estimate": 0.512, "low": 0.4, "high": 0.6}) == "0.51 [0.40, 0.60]"
    assert told({"estimate": 0.512, "low": 0.4, "high": 0.6}, percent=True) == "51% [40, 60]"
    assert told({"estimate": None, "low": None}) == "-"
    assert markdown(["", "a"], [["x", "1"]]).splitlines()[1] == "| --- | ---: |"
