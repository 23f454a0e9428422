import json
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread
from two_days import BASELINE, FOLLOW_UP, LESIONS, drawn_day, later_from_body

from fuzzyseg.experiments.follow_up import repeats
from fuzzyseg.experiments.follow_up.__main__ import main
from fuzzyseg.experiments.follow_up.aligned import errors_mm
from fuzzyseg.experiments.follow_up.pairs import Pair
from fuzzyseg.experiments.follow_up.repeat_plot import draw
from fuzzyseg.experiments.follow_up.told import KINDS, told_counts, told_table, true_kinds
from fuzzyseg.follow_up.alignment import Alignment
from fuzzyseg.follow_up.repeatability import repeatability_of


def truth():
    """What follow_up.json says of the drawn lesions."""
    move, told = later_from_body(), []
    numbers = [0, 0]
    for centre, radii, heats in LESIONS.values():
        there = [radius is not None for radius in radii]
        numbers = [n + t for n, t in zip(numbers, there, strict=True)]
        places = [list(centre), (move[:3, :3] @ centre + move[:3, 3]).tolist()]
        kind = "gone" if not there[1] else "new" if not there[0] else "changed"
        same = radii[0] == radii[1] and heats[0] == heats[1]
        told.append(
            {
                "change": "unchanged" if same else kind,
                "centre_mm": [p if t else None for p, t in zip(places, there, strict=True)],
                "diameter_mm": [None if r is None else 2.0 * r for r in radii],
                "to_bone": list(heats),
            }
        )
    return told


@pytest.fixture(scope="module")
def pair():
    days = [drawn_day(which)[0] for which in (BASELINE, FOLLOW_UP)]
    return aligned(Pair(*days, np.linalg.inv(later_from_body()), truth()))


def aligned(pair):
    """The pair with the true motion as the one that was found."""
    vars(pair)["alignment"] = Alignment("CT", pair.move, 1.0, (0, 0, 0), (0, 0, 0), 1.0)
    return pair


@pytest.fixture(scope="module")
def twice(pair):
    """The first day and the same once more, all values half as high again and lesions lost."""
    spect = replace(pair.baseline.spect, array=pair.baseline.spect.array * 1.5)
    told = pair.baseline.summary
    lesions = [
        {**m, "image_peak": 1.5 * m["image_peak"], "image_mean": 1.5 * m["image_mean"]}
        for m in told["lesions"]
    ]
    bone = {**told["patient"], "bone_reference": 1.5 * told["patient"]["bone_reference"]}
    later = replace(
        pair.baseline, spect=spect, summary={**told, "lesions": lesions, "patient": bone}
    )
    last = later.lesions.max()
    lost = replace(later, lesions=np.where(later.lesions == last, 0, later.lesions))
    return aligned(replace(pair, follow_up=lost, move=np.eye(4)))


def test_repeatability_is_the_root_mean_square_of_logarithms(twice):
    found = repeats.measured([twice])
    n = len(twice.baseline.measures)
    assert (len(found.repeats), len(found.alone), found.pairs) == (n - 1, 1, 1)
    told = found.as_dict()
    assert sum(each["lesions"] for each in told["bins"]) == n - 1
    filled = next(each for each in told["bins"] if each["lesions"])
    assert filled["volume"] == 0
    assert filled["peak"] == pytest.approx(math.log(1.5), abs=1e-3)
    assert filled["peak_to_bone"] == pytest.approx(0, abs=1e-3)
    totals = [m["image_mean"] * m["volume_ml"] for m in twice.baseline.summary["lesions"]]
    left = 1.5 * sum(totals[:-1]) / sum(totals)  # the smallest was lost
    assert told["patient"]["total"] == pytest.approx(abs(math.log(left)), abs=1e-3)
    text = repeats.repeats(found)
    assert f"Lesions on both days: {n - 1}, on one alone: 1" in text
    assert told_counts([twice], found.limits()).startswith(f"Told of them: {n - 1} unchanged")
    assert f"\u2212{100 * (1 - 1.5**-1.96):.0f}% to +{100 * (1.5**1.96 - 1):.0f}%" in text


def test_what_is_drawn_is_told_right(pair):
    limits = repeatability_of("spect")
    text = told_table([pair], limits)
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert set(KINDS) <= set(rows)
    for kind in ("new", "gone", "grown", "cooler"):
        assert int(rows[kind].split("|")[3]) >= 1, rows[kind]
    assert "Told of what is no lesion: none." in text


def test_true_kinds_are_those_of_size_and_heat():
    changed = {"change": "changed", "diameter_mm": [10, 12], "to_bone": [5, 3]}
    assert true_kinds(changed) == ["grown", "cooler"]
    assert true_kinds(changed | {"to_bone": [5, 5]}) == ["grown"]
    assert true_kinds({"change": "gone"}) == ["gone"]


def test_errors_are_distances_at_lesions_of_both_days(pair):
    move = pair.move.copy()
    move[0, 3] += 3.0
    found = errors_mm(pair, Alignment("CT", move, 1.0, (0, 0, 0), (0, 0, 0), 1.0))
    assert len(found) == sum(None not in radii for _, radii, _ in LESIONS.values())
    np.testing.assert_allclose(found, 3.0)


def test_a_picture_is_drawn(twice, tmp_path):
    draw(repeats.measured([twice]), tmp_path / "a.png")
    assert imread(tmp_path / "a.png").std() > 0.05


def test_what_is_written_is_what_the_package_reads(twice, tmp_path, monkeypatch):
    monkeypatch.setattr(repeats.resources, "files", lambda _: tmp_path)
    repeats.write_package("mine", repeats.measured([twice]))
    told = json.loads((tmp_path / repeats.FILE).read_text())
    assert told["default"] == "mine"
    assert told["methods"]["mine"]["pairs"] == 1


def test_a_cohort_without_follow_ups_is_an_error(tmp_path, capsys):
    empty = [str(tmp_path), str(tmp_path)]
    with pytest.raises(SystemExit):
        main(["--repeat", *empty, "--changed", *empty])
    assert "expected follow-ups" in capsys.readouterr().err
