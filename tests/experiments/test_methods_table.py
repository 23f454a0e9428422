"""The script behind the table of all methods: what it chooses, and that it resumes."""

import pytest

from fuzzyseg.experiments import methods_table


@pytest.fixture
def cohort(tmp_path):
    for number in (1, 2, 3):
        folder = tmp_path / "choose" / f"patient-000{number}"
        folder.mkdir(parents=True)
        for name in methods_table.FILES[: 3 if number < 3 else 2]:  # the third is not whole
            (folder / name).touch()
    return tmp_path / "choose"


def test_best_on_the_cohort_to_choose_on_is_scored_and_nothing_twice(cohort, monkeypatch, capsys):
    asked = []

    def score(spect, ct, truth, method, with_ct, parameters):
        asked.append((spect, method, with_ct, parameters))
        good = {"sfcm": 0.9, "rfcm": 0.2}[method] if parameters else 0.5
        return [[good, 0.25, 30.0], [good / 2, 0.75, 10.0]]

    monkeypatch.setattr(methods_table, "load", lambda folder: (folder.name, None, None))
    monkeypatch.setattr(methods_table, "score", score)
    monkeypatch.setattr(methods_table, "clustering_methods", lambda: ("rfcm", "sfcm", "kmeans"))
    grid = {"rfcm": ({}, {"beta": 1.0}), "sfcm": ({}, {"window": 3})}
    monkeypatch.setattr(methods_table, "GRID", grid)
    keep = cohort.parent / "kept" / "scores.jsonl"
    for n_new in (2 * (8 + 2), 0):  # two whole patients; grid, then what is not in it
        asked.clear()
        scores = methods_table.Scores(keep)
        chosen = methods_table.choose(scores, cohort, None)
        assert chosen["rfcm", False] == {}
        assert chosen["sfcm", True] == {"window": 3}
        page = methods_table.table(scores, cohort, None, chosen)
        assert len(asked) == n_new
        assert "`choose`, 2 patients" in page
        assert "| `rfcm` | default | 0.50 / 0.50 | 0.25 / 0.25 | 0.25 / 0.25 |" in page
        assert "| `sfcm` | window 3 | 0.90 / 0.90 | 0.45 / 0.45 | 0.25 / 0.25 |" in page
    assert "patient-0002" in capsys.readouterr().err
