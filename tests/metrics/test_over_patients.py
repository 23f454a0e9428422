import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.metrics import diagonal_mm, evaluate, summarise

NAMES = ("background", "bone", "lesion")


def patient(n_lesions, n_found, n_false, side=2):
    """Lesions in a row, of which the first are found, and false ones in another."""
    truth, prediction = np.zeros((2, 40, 20, 8), np.uint8)
    for i in range(n_lesions):
        truth[4 * i : 4 * i + side, :side, :side] = 2
        prediction[4 * i : 4 * i + side, :side, :side] = 2 * (i < n_found)
    for i in range(n_false):
        prediction[4 * i, 10, 2] = 2
    truth[:, 15:18, 4] = prediction[:, 15:18, 4] = 1
    return evaluate(prediction, truth, spacing_mm=(5, 5, 5), class_names=NAMES)


def test_lesions_are_pooled_and_false_pieces_are_those_of_a_patient():
    patients = [patient(4, 3, 1), patient(1, 0, 0), patient(0, 0, 4), patient(2, 2, 0, side=3)]
    found = summarise(patients)
    lesions = found["lesions"]
    assert (found["patients"], lesions["n"]) == (4, 7)
    assert lesions["found"]["0"]["estimate"] == pytest.approx(5 / 7)
    assert lesions["found"]["0"]["left_out"] == 1
    assert lesions["found"]["0"]["low"] <= 5 / 7 <= lesions["found"]["0"]["high"]
    assert lesions["false_pieces"]["estimate"] == pytest.approx(5 / 4)
    assert lesions["false_positive_ml"]["estimate"] == pytest.approx(5 * 0.125 / 4)
    assert lesions["false_negative_ml"]["estimate"] == pytest.approx(2 * 1 / 4)
    # Diameters of 1 ml and 3.375 ml: 12.4 and 18.6 mm.
    sizes = lesions["found_by_diameter_mm"]
    assert [s["lesions"] for s in sizes.values()] == [0, 5, 2]
    assert [s["estimate"] for s in sizes.values()] == [None, pytest.approx(3 / 5), 1]
    # Eq. (22) by hand: 4 ml of DSC 6/7.125, 1 ml of 0, 6.75 ml of 1.
    dsc = (4 * 6 / 7.125 + 6.75) / 11.75
    assert found["classes"]["lesion"]["dsc"]["estimate"] == pytest.approx(dsc)


def test_missed_structures_are_left_out_and_counted_or_cost_the_diagonal():
    truth = np.zeros((8, 8, 8), np.uint8)
    truth[2:4, 2:4, 2:4] = 1
    maps, options = (truth, truth * 0), {"spacing_mm": (3, 4, 12), "class_names": ("air", "bone")}
    found = summarise([evaluate(m, truth, **options) for m in maps])["classes"]["bone"]
    assert (found["hd95_mm"]["estimate"], found["hd95_mm"]["left_out"]) == (0, 1)
    diagonal = diagonal_mm(truth.shape, (3, 4, 12))
    assert diagonal == pytest.approx(8 * 13)
    rows = [evaluate(m, truth, **options, missed_mm=diagonal) for m in maps]
    found = summarise(rows)["classes"]["bone"]
    assert found["hd95_mm"]["estimate"] == pytest.approx(diagonal / 2)
    assert found["mean_surface_distance_mm"]["left_out"] == 0
    false = evaluate(truth, truth * 0, **options, missed_mm=diagonal).rows[0]
    assert np.isnan(false.hd95_mm)  # nothing was there to be missed


def test_patients_of_other_classes_are_refused():
    with pytest.raises(InputError, match="same classes, found 0 patients"):
        summarise([])
