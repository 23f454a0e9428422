"""The tables' arithmetic on made-up scores."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from toy_training import toy_case

from fuzzyseg.experiments.reproduce.claims import decided
from fuzzyseg.experiments.reproduce.results import Results, per_patient, value
from fuzzyseg.experiments.reproduce.rows import Entry, score_table, spread, t_tests
from fuzzyseg.experiments.reproduce.work.cts import ct_pairs
from fuzzyseg.experiments.reproduce.work.maximisation import IMAGES, activations
from fuzzyseg.experiments.reproduce.work.scoring import fuzziness, reliability
from fuzzyseg.experiments.reproduce.work.timing import plain_rfcm
from fuzzyseg.experiments.reproduce.work.training import in_units_of, is_flat
from fuzzyseg.jobs import Job, Store, Work
from fuzzyseg.training.config import Config


def patient(dsc, ml, surface=0.5):
    row = {"dsc": dsc, "recall": dsc, "precision": dsc, "iou": dsc, "surface_dsc": surface}
    return {"seconds": 2.0, "scores": {"lesion": row | {"truth_ml": ml}}}


def stored(store, name, result):
    """Make a job that is done, with this result."""
    job = Job("toy", print, {"name": name})
    folder = store.path(job)
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"result": result, "seconds": 1.0}))
    return job


@pytest.fixture
def results(tmp_path):
    return Results(Store(tmp_path), {})


def entry(results, name, *seeds):
    scores = [
        stored(results.store, f"{name} {n}", {"patients": patients})
        for n, patients in enumerate(seeds)
    ]
    run = {"steps": 50, "seconds": 7.0, "flat": True}
    models = [stored(results.store, f"{name} model {n}", run) for n in range(len(seeds))]
    return Entry(name, scores, models)


def test_means_are_weighted_by_true_volume_but_that_of_surfaces_is_plain():
    patients = [patient(0.9, 30.0, 0.8), patient(0.3, 10.0, 0.4), patient(None, 0.0, None)]
    assert value(patients, "lesion", "dsc") == pytest.approx((30 * 0.9 + 10 * 0.3) / 40)
    assert value(patients, "lesion", "surface_dsc") == pytest.approx(0.6)
    assert math.isnan(value([patient(None, 0.0)], "lesion", "dsc"))


def test_a_row_has_the_mean_of_seeds_and_their_spread(results):
    a = entry(results, "a", [patient(0.5, 1.0)], [patient(0.7, 1.0)])
    absent = Entry("absent", [Job("toy", print, {"name": "never"})])
    columns, rows = score_table([a, absent], results, ("lesion",), ("dsc",))
    assert columns[:2] == ["method", "lesion DSC"]
    assert rows[0] == ["a", "0.600 [0.500, 0.700]", 2, "50", 7, 2.0, ""]
    assert rows[1][0] == "absent"
    assert rows[1][-1] == "not run yet"
    assert spread([0.25]) == 0.25
    assert spread([math.nan]) is None


def better(means):
    return means["ours"]["lesion"] > means["theirs"]["lesion"]


@pytest.mark.parametrize(
    ("ours", "theirs", "held", "reason"),
    [
        (0.6, 0.5, "held", ""),
        (0.4, 0.5, "did not hold", "theirs: validation curve not flat"),
        (0.6, 0.0, "held", ""),
        (0.0, 0.0, "not decided", "none of these found lesion"),
    ],
)
def test_a_claim_is_judged_by_rows_that_learned_something(results, ours, theirs, held, reason):
    a, b = (
        entry(results, "ours", [patient(ours, 1.0)]),
        entry(results, "theirs", [patient(theirs, 1.0)]),
    )
    record = results.store.path(b.models[0]) / "job.json"
    record.write_text(record.read_text().replace("true", "false"))
    claim = decided("says", (a, b), results, ("lesion",), better)
    assert (claim.held, claim.reason) == (held, reason)
    assert claim.numbers == f"lesion: ours {ours:.3f}, theirs {theirs:.3f}"
    absent = Entry("ours", [Job("toy", print, {"name": "never"})])
    assert decided("says", (absent, b), results, ("lesion",), better).held == "not decided"


def test_a_collapse_is_told(results):
    dead = entry(results, "dead", [patient(0.0, 1.0)])
    _, rows = score_table([dead], results, ("lesion",), ("dsc",))
    assert rows[0][-1] == "collapsed: no lesion"


def test_t_tests_are_paired_over_patients_with_seeds_averaged(results):
    rng = np.random.default_rng(0)
    ours, theirs = rng.uniform(0.4, 0.9, (2, 5)), rng.uniform(0.3, 0.8, (2, 5))
    a = entry(results, "a", *([patient(d, 1.0) for d in seed] for seed in ours))
    b = entry(results, "b", *([patient(d, 1.0) for d in seed] for seed in theirs))
    _, [row] = t_tests([a, b], a, results, ("lesion",))
    expected = stats.ttest_rel(theirs.mean(0), ours.mean(0))
    assert row[0] == "b against a"
    assert row[1] == pytest.approx((theirs.mean(0) - ours.mean(0)).mean(), abs=5e-4)
    assert row[2] == pytest.approx(expected.pvalue, abs=5e-5)
    assert per_patient(a.seeds(results), "lesion") == pytest.approx(ours.mean(0))


def test_weights_for_unit_images_are_those_of_normalised_ones():
    cases = [toy_case(seed=s) for s in range(3)]
    spans = [float(np.ptp(case.image[0])) ** 2 for case in cases]
    given = {"beta": 0.5, "lam": 0.25, "alpha": 2.0}
    semi, scale = in_units_of(Config(loss="semi-rfcm", **given), cases)
    assert scale == pytest.approx(np.median(spans), rel=1e-3)
    assert (semi.beta, semi.lam, semi.alpha) == pytest.approx(
        (0.5 * scale, 0.25 * scale, 2 * scale)
    )
    labels, _ = in_units_of(Config(loss="ce+dice", **given), cases)
    assert labels.alpha == 2.0


@pytest.mark.parametrize(
    ("means", "steps", "patience", "flat"),
    [
        ((0.1, 0.5, 0.6, 0.6, 0.6, 0.6), 60, 0, True),
        ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6), 60, 0, False),
        ((0.1, 0.6), 1000, 1, True),  # stopped early
        ((0.5,), 10, 0, False),
    ],
)
def test_a_curve_is_flat_when_its_end_brings_nothing(means, steps, patience, flat):
    curve = [[10 * n, {"bone": m, "lesion": m}] for n, m in enumerate(means, 1)]
    config = Config(steps=steps, patience=patience)
    assert is_flat(curve, config) is flat


def test_reliability_counts_voxels_in_bins():
    u = np.array([[0.05, 0.05], [0.85, 1.0]], np.float32)
    bins = reliability(u, np.array([[False, True], [True, False]]))
    assert bins[0] == [2.0, 0.1, 1.0]
    assert bins[8] == [1.0, 0.85, 1.0]
    assert bins[9] == [1.0, 1.0, 0.0]
    assert sum(n for n, _, _ in bins) == 4


class Result:
    def __init__(self, memberships):
        self.memberships = memberships
        self.volume = type("V", (), {"array": np.ones(memberships.shape[1:], np.float32)})


def test_fuzziness_is_none_for_hard_labels_and_one_where_all_are_equal():
    hard = np.zeros((3, 2, 2, 2), np.float32)
    hard[1] = 1
    assert fuzziness(Result(hard)) == pytest.approx(0, abs=1e-6)
    assert fuzziness(Result(np.full((3, 2, 2, 2), 1 / 3, np.float32))) == pytest.approx(1)


def test_plain_rfcm_settles_on_an_easy_image():
    y = np.zeros((12, 12))
    y[3:9, 3:9] = 0.5
    y[5:7, 5:7] = 1.0
    for beta in (0.0, 0.01):
        assert 2 <= plain_rfcm(y, beta) < 100


def test_ct_pairs_know_bones_by_the_names_of_structures(tmp_path):
    for name in ("a_ct", "a_labels", "b_ct", "c_ct", "c_labels"):
        (tmp_path / f"{name}.nii.gz").touch()
    (tmp_path / "c_structures.csv").write_text(
        "group,structure,id\nx,liver,5\nx,vertebrae_L3,7\nx,rib_left_2,9\nx,hip_right,11\n"
    )
    (a, of_a), (c, of_c) = ct_pairs(tmp_path)
    assert (a["ct"].name, a["labels"].name, of_a) == ("a_ct.nii.gz", "a_labels.nii.gz", [])
    assert (c["ct"].name, of_c) == ("c_ct.nii.gz", [7, 9, 11])


def test_ascent_excites_filters_more(tmp_path):
    import torch
    from tiny_models import tiny_model

    from fuzzyseg.models import save_model

    torch.manual_seed(0)
    save_model(tiny_model(), tmp_path / "model")
    settings = {"filters": 3, "size": 16, "steps": 12}
    work = Work(tmp_path, settings, {"model": (tmp_path,)}, {})
    found = activations(work)
    assert np.sum(found["last"]) > np.sum(found["first"])
    images = np.load(tmp_path / IMAGES)["images"]
    assert images.shape == (3, 16, 16)
    assert np.linalg.norm(images, axis=(1, 2)) == pytest.approx(16.0)
