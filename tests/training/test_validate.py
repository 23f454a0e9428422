import numpy as np
import pytest
from tiny_models import tiny_model
from toy_training import toy_case

from fuzzyseg.inference.prediction import predict
from fuzzyseg.metrics.evaluation import evaluate
from fuzzyseg.training.validate import mean_dsc, mean_scores, score_case

NAMES = ("background", "bone", "lesion")


def scores(prediction, truth):
    return evaluate(prediction, truth, spacing_mm=(4, 4, 4), class_names=NAMES)


def test_scores_are_those_of_the_predicted_labels():
    model, case = tiny_model(), toy_case()
    bone, lesion = score_case(model, case).rows
    labels = predict(model, case.image, engine="torch").argmax(0)
    for k, row in ((1, bone), (2, lesion)):
        a, b = labels == k, case.labels == k
        assert row.dsc == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
        assert row.name == NAMES[k]


def test_voxels_without_a_label_do_not_count():
    model, case = tiny_model(), toy_case()
    labels = predict(model, case.image, engine="torch").argmax(0).astype(np.int8)
    known = np.arange(labels.shape[2]) < 9
    assert (labels[:, :, ~known] == 1).any()
    object.__setattr__(case, "labels", np.where(known, labels, -1))
    assert score_case(model, case).rows[0].dsc == 1


def test_dsc_is_weighted_by_volume_and_surface_dsc_is_not():
    truth = np.zeros((2, 12, 12, 12), int)
    truth[0, 2:4, 2:4, 2:4] = 1
    truth[1, 2:10, 2:10, 2:10] = 1
    found = truth.copy()
    found[0] = 0
    rows = [scores(f, t) for f, t in zip(found, truth, strict=True)]
    means = mean_scores(rows)
    assert means["bone"]["dsc"] == pytest.approx(512 / 520, abs=1e-4)
    assert means["bone"]["surface_dsc"] == pytest.approx(0.5)
    nothing = {"dsc": None, "surface_dsc": None, "found": None, "false_pieces": 0}
    assert means["lesion"] == nothing


def test_lesions_found_and_false_pieces():
    truth, found = np.zeros((2, 2, 12, 12, 12), int)
    truth[0, 1, 1, 1] = truth[0, 5, 5, 5] = truth[1, 8:10, 8, 8] = 2
    found[0, 1, 1, 1] = found[1, 9, 8, 8] = found[1, 1, 1, 1] = found[1, 5, 1, 1] = 2
    lesion = mean_scores([scores(f, t) for f, t in zip(found, truth, strict=True)])["lesion"]
    assert lesion["found"] == pytest.approx(2 / 3, abs=1e-4)
    assert lesion["false_pieces"] == 1


def test_the_mean_over_classes_leaves_out_what_no_patient_has():
    assert mean_dsc({"bone": {"dsc": 0.5}, "lesion": {"dsc": None}}) == 0.5
    assert mean_dsc({"bone": {"dsc": 0.5}, "lesion": {"dsc": 0.9}}) == pytest.approx(0.7)
    assert mean_dsc({"bone": {"dsc": None}}) == 0
