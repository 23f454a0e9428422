"""The table of scores: values, defaults, what is undefined, and its files."""

import csv
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.metrics import default_tolerance_mm, evaluate, overlap, surface_distances

NAMES = ("background", "bone", "lesion")
SPACING = (2.0, 2.0, 5.0)


@pytest.fixture
def maps():
    truth = np.zeros((16, 18, 12), np.uint8)
    truth[3:12, 4:14, 2:10] = 1
    truth[5:8, 6:9, 4:7] = 2
    return np.roll(truth, (1, -1), axis=(0, 1)), truth


def test_rows_hold_the_scores_of_the_functions(maps):
    result = evaluate(*maps, spacing_mm=SPACING, class_names=NAMES)
    scores = overlap(*maps)
    assert [(row.label, row.name) for row in result.rows] == [(1, "bone"), (2, "lesion")]
    for row in result.rows:
        masks = [labels == row.label for labels in maps]
        distances = surface_distances(*masks, spacing_mm=SPACING)
        for score in ("dsc", "recall", "precision", "iou"):
            assert getattr(row, score) == getattr(scores, score)[row.label]
        assert row.surface_dsc == distances.dsc(row.tolerance_mm)
        assert row.hd95_mm == distances.hausdorff_mm(95)
        assert row.mean_surface_distance_mm == distances.mean_mm()
        assert row.reason == ""
    lesion = result.rows[1]
    assert lesion.truth_ml == pytest.approx(27 * 0.02)
    assert lesion.prediction_ml == pytest.approx(27 * 0.02)
    assert lesion.dsc == pytest.approx(2 * 2 * 2 * 3 / (2 * 27))


def test_tolerance_is_two_voxels_for_bone_one_for_the_rest(maps):
    result = evaluate(*maps, spacing_mm=SPACING, class_names=NAMES)
    assert [row.tolerance_mm for row in result.rows] == [10.0, 5.0]
    assert default_tolerance_mm("Bone", (4.0, 4.0)) == 8.0
    assert default_tolerance_mm("liver", SPACING) == 5.0


def test_given_tolerance_wins_for_its_class_only(maps):
    result = evaluate(*maps, spacing_mm=SPACING, class_names=NAMES, tolerance_mm={"lesion": 1.0})
    assert [row.tolerance_mm for row in result.rows] == [10.0, 1.0]
    assert result.rows[1].surface_dsc < 1.0


def test_background_on_request(maps):
    result = evaluate(*maps, spacing_mm=SPACING, class_names=NAMES, include_background=True)
    assert [row.name for row in result.rows] == list(NAMES)
    assert sum(row.truth_ml for row in result.rows) == pytest.approx(16 * 18 * 12 * 0.02)


def test_undefined_scores_are_nan_with_a_reason():
    truth = np.zeros((4, 4, 4), np.uint8)
    prediction = truth.copy()
    truth[1] = 1
    prediction[2] = 2
    names = (*NAMES, "muscle")
    bone, lesion, muscle = evaluate(prediction, truth, spacing_mm=(1, 1, 1), class_names=names).rows
    assert (bone.dsc, bone.iou, bone.recall, bone.surface_dsc) == (0, 0, 0, 0)
    assert math.isnan(bone.precision)
    assert bone.reason.startswith("not in the prediction: precision")
    assert (lesion.dsc, lesion.iou, lesion.precision, lesion.surface_dsc) == (0, 0, 0, 0)
    assert math.isnan(lesion.recall)
    assert lesion.reason.startswith("not in the truth: recall")
    assert math.isnan(bone.hd95_mm)
    assert math.isnan(lesion.mean_surface_distance_mm)
    undefined = {name for name, value in vars(muscle).items() if value != value}  # noqa: PLR0124
    assert undefined == {
        "dsc",
        "recall",
        "precision",
        "iou",
        "surface_dsc",
        "hd95_mm",
        "mean_surface_distance_mm",
    }
    assert (muscle.truth_ml, muscle.prediction_ml) == (0, 0)
    assert muscle.reason.startswith("in neither map")


def test_json_has_null_where_a_score_is_undefined():
    empty = np.zeros((3, 3, 3), np.uint8)
    result = evaluate(empty, empty, spacing_mm=SPACING, class_names=NAMES)
    loaded = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert loaded["shape"] == [3, 3, 3]
    assert loaded["spacing_mm"] == [2.0, 2.0, 5.0]
    assert [row["dsc"] for row in loaded["classes"]] == [None, None]
    assert loaded["classes"][0]["tolerance_mm"] == 10.0


def test_csv_reads_back(maps):
    prediction, truth = maps
    truth = np.where(truth == 2, 1, truth)
    result = evaluate(prediction, truth, spacing_mm=SPACING, class_names=NAMES)
    text = io.StringIO()
    csv.writer(text).writerows(result.to_csv_rows())
    bone, lesion = csv.DictReader(io.StringIO(text.getvalue()))
    assert float(bone["dsc"]) == result.rows[0].dsc
    assert float(bone["truth_ml"]) == result.rows[0].truth_ml
    assert lesion["recall"] == ""
    assert lesion["reason"] == result.rows[1].reason


def test_flat_images_have_scores_but_no_volume(maps):
    flat = [labels[:, :, 5] for labels in maps]
    row = evaluate(*flat, spacing_mm=(2.0, 2.0), class_names=NAMES).rows[0]
    assert 0.5 < row.dsc < 1.0
    assert row.hd95_mm == pytest.approx(2.0)
    assert math.isnan(row.truth_ml)
    assert row.reason == "2-D image: volumes are undefined"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": np.zeros((16, 18, 11), int)}, "resample one onto the other"),
        ({"prediction": np.zeros((16, 18, 12))}, "integers or booleans, found float64"),
        ({"class_names": ("background", "bone")}, "below 2, the number of classes, found 2"),
        ({"class_names": ("background", "bone", "bone")}, "class names that differ"),
        ({"spacing_mm": (1.0, 1.0)}, "3 positive voxel spacings"),
        ({"tolerance_mm": {"bones": 1.0}}, r"found \['bones'\]"),
        ({"tolerance_mm": {"bone": -1.0}}, "0 or more"),
    ],
)
def test_bad_input_is_one_clear_line(maps, change, message):
    arguments = {
        "prediction": maps[0],
        "truth": maps[1],
        "spacing_mm": SPACING,
        "class_names": NAMES,
        **change,
    }
    with pytest.raises(InputError, match=message) as error:
        evaluate(**arguments)
    assert "\n" not in str(error.value)


def test_import_is_cheap():
    program = (
        "import sys, fuzzyseg.metrics; "
        "print([m for m in ('numba', 'scipy', 'torch', 'sklearn') if m in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
