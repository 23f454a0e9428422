"""Calibration of intervals on pairs whose law is known, and the command."""

import math

import numpy as np
import pytest
from matplotlib.image import imread
from tiny_models import write_tiny

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.quantification import intervals as command
from fuzzyseg.experiments.quantification.interval_fit import fitted, held
from fuzzyseg.experiments.quantification.interval_pairs import Pair, pairs_of
from fuzzyseg.experiments.quantification.truth import Truth
from fuzzyseg.models.locate import card_of
from fuzzyseg.quantification import quantify
from fuzzyseg.volume import Provenance, Segmentation, Volume

LAW = (0.3, -0.4, 0.8)


def drawn(seed, patients=60, each=8, spread=0.5):
    """Pairs that follow a law, with an error of each patient and of each lesion."""
    rng = np.random.default_rng(seed)
    found = []
    for patient in range(patients):
        own = rng.normal(0, spread / 2)
        for _ in range(each):
            v = math.exp(rng.uniform(0, 3))
            f = v * math.exp(rng.normal(0, 0.3))
            ratio = LAW[0] + LAW[1] * math.log(v) + LAW[2] * math.log(f / v)
            true = v * math.exp(ratio + own + rng.normal(0, spread))
            found.append(Pair(patient, v, f, 10 * v, true, 20 * true))
    return found


def test_the_law_of_the_pairs_is_found():
    law = fitted(drawn(0, spread=1e-4), 0.9)
    assert law.volume[:3] == pytest.approx(LAW, abs=1e-3)
    assert law.uptake[:3] == pytest.approx((LAW[0] + math.log(2), *LAW[1:]), abs=1e-3)
    assert (law.patients, law.lesions) == (60, 480)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_intervals_hold_as_much_of_other_patients_as_they_say(coverage):
    inside = held(drawn(1, patients=300), fitted(drawn(2), coverage))
    assert inside.mean(axis=0) == pytest.approx((coverage, coverage), abs=0.04)


def test_of_nineteen_lesions_intervals_of_90_percent_reach_from_the_first_to_the_last():
    pairs = drawn(3, patients=19, each=1)
    law = fitted(pairs, 0.9)
    ratios = [math.log(p.true_volume_ml / p.volume_ml) for p in pairs]
    seen = np.array([[1, math.log(p.volume_ml), math.log(p.fuzzy_ml / p.volume_ml)] for p in pairs])
    errors = []
    for k in range(19):
        others = [i for i in range(19) if i != k]
        found = np.linalg.lstsq(seen[others], np.array(ratios)[others])[0]
        errors.append(ratios[k] - seen[k] @ found)
    assert law.volume[3:] == pytest.approx((min(errors), max(errors)), abs=1e-3)
    with pytest.raises(InputError, match=r"expected 19 lesions or more .* found 18"):
        fitted(pairs[:18], 0.9)


def test_measured_lesions_are_paired_with_the_true_ones_in_them():
    labels, true = np.zeros((30, 12, 12), np.uint8), np.zeros((30, 12, 12), np.uint8)
    labels[4:10, 4:7, 4:7] = 2  # two true ones in one
    true[4:6, 4:7, 4:7] = true[8:11, 4:7, 4:7] = 2
    labels[15:18, 4:7, 4:7] = 2  # none
    labels[0:3, 4:7, 4:7] = true[0:3, 4:7, 4:7] = 0
    labels[27:30, 4:7, 4:7] = true[27:30, 4:7, 4:7] = 2  # cut off by the field
    true[21:23, 4:7, 4:7] = 2  # missed
    activity = np.where(true == 2, 50.0, 1.0).astype(np.float32)
    volume = Volume(np.full(true.shape, 5.0, np.float32), np.diag([10.0, 10, 10, 1]), "NM", "Bq/mL")
    u = np.stack([labels != 2, labels == 9, labels == 2]).astype(np.float32)
    names = ("background", "bone", "lesion")
    segmentation = Segmentation(u, labels, names, volume, Provenance("drawn"))
    (pair,) = pairs_of(quantify(segmentation), volume, Truth(true, activity, []), 7)
    assert pair == pytest.approx((7, 54, 54, 5 * 54, 45, 50 * 45))


def test_the_command_prints_draws_and_writes_the_card(tmp_path, monkeypatch, capsys):
    write_tiny(tmp_path)
    model = str(tmp_path / "spect")
    monkeypatch.setattr(command, "measured_pairs", lambda cohorts, _: drawn(int(cohorts[0].name)))
    out = tmp_path / "out"
    command.main(["4", "--test", "5", "--model", model, "--write", "-o", str(out)])
    text = capsys.readouterr().out
    assert "calibrated on 480 lesions of 60 patients" in text
    card = card_of(model)
    assert card.intervals.lesions == 480
    volume, uptake = card.intervals.held
    assert f"| 90% | {volume:.0%} | {uptake:.0%} |" in text
    assert imread(out / "calibration.png").std() > 0.05


def test_cohorts_without_patients_are_refused(tmp_path, capsys):
    write_tiny(tmp_path)
    with pytest.raises(SystemExit):
        command.main([str(tmp_path), "--test", str(tmp_path), "--model", str(tmp_path / "spect")])
    assert "found none" in capsys.readouterr().err
