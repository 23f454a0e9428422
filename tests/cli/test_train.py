import json
from pathlib import Path

import numpy as np
import pytest
from toy_training import write, write_manifest

from fuzzyseg.cli.main import main
from fuzzyseg.models.model_files import load_model

QUICK = ["--loss", "ce", "--filters", "2", "--batch", "2", "--patch", "12", "--steps", "4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_manifest(tmp_path_factory.mktemp("data")))


@pytest.fixture
def refused(tmp_path, capsys):
    """One line on standard error, exit code 2, and no folder of a run."""

    def check(*words):
        assert main(["train", *words, "-o", str(tmp_path / "run")]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1, err
        assert err.startswith("fuzzyseg: error: expected ")
        assert not (tmp_path / "run").exists()
        return err

    return check


def test_trains_and_says_where_the_model_is(data, tmp_path, capsys):
    run = tmp_path / "run"
    call = ["train", data, "-o", str(run), *QUICK, "--validation", data, "--name", "mine"]
    assert main(call) == 0
    out, err = capsys.readouterr()
    assert "bone         DSC 0." in out
    assert f"model in {run / 'model.safetensors'}" in out
    assert err == ""  # no bar where there is no terminal
    card = load_model(run / "model").card
    assert card.name == "mine"
    assert card.training["config"]["filters"] == 2
    assert card.typical.patients == 2
    assert len((run / "log.jsonl").read_text().splitlines()) == 1


def test_the_model_segments(data, tmp_path):
    assert main(["train", data, "-o", str(tmp_path / "run"), *QUICK, "--quiet"]) == 0
    spect = Path(data).with_name(json.loads(Path(data).read_text())[0]["spect"])
    call = ["segment", str(spect), "--model", str(tmp_path / "run" / "model"), "--modality", "NM"]
    assert main([*call, "-o", str(tmp_path / "out"), "--quiet"]) == 0


def test_a_model_of_another_architecture_is_refused_before_reading(
    data, tmp_path, refused, monkeypatch
):
    call = ["train", data, "-o", str(tmp_path / "first"), *QUICK, "--quiet"]
    assert main(call) == 0

    def read(*_, **__):
        raise AssertionError("cases are read")

    monkeypatch.setattr("fuzzyseg.training.prepared.prepared_cases", read)
    start = ["--start", str(tmp_path / "first" / "model")]
    err = refused(data, *QUICK, "--filters", "5", "--classes", "2", *start)
    assert "start from with classes background bone and filters 5" in err
    assert "found classes background bone lesion and filters 2 in first" in err
    assert "give its --classes and --filters" in err


def test_a_class_that_no_patient_has_is_unknown(tmp_path, capsys):
    image = np.random.default_rng(0).normal(0, 1, (14, 14, 14)).astype(np.float32)
    write(tmp_path / "a.nii", image)
    write(tmp_path / "b.nii", (image > 1).astype(np.int16))
    path = tmp_path / "m.csv"
    path.write_text("spect,labels\na.nii,b.nii\n")
    data = ["train", str(path), "--validation", str(path)]
    assert main([*data, "-o", str(tmp_path / "run"), *QUICK]) == 0
    assert "lesion       DSC unknown" in capsys.readouterr().out


def test_quiet_says_nothing(data, tmp_path, capsys):
    assert main(["train", data, "-o", str(tmp_path / "run"), *QUICK, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_run_again_from_its_own_settings(data, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    assert main(["train", data, "-o", str(first), *QUICK, "--quiet"]) == 0
    config = ["--config", str(first / "config.toml")]
    assert main(["train", data, "-o", str(second), *config, "--quiet"]) == 0
    assert (first / "config.toml").read_text() == (second / "config.toml").read_text()
    assert load_model(first / "model").card.sha256 == load_model(second / "model").card.sha256


def test_the_run_again_with_the_model_that_it_began_with(data, tmp_path, monkeypatch):
    first, second, third = (tmp_path / name for name in "abc")
    assert main(["train", data, "-o", str(first), *QUICK, "--quiet"]) == 0
    monkeypatch.chdir(tmp_path)
    call = ["train", data, *QUICK, "--seed", "7", "--quiet"]
    assert main([*call, "-o", str(second), "--start", "a/model"]) == 0
    config = ["--config", str(second / "config.toml"), "--quiet"]
    monkeypatch.chdir(first)  # where a/model is not
    assert main(["train", data, "-o", str(third), *config]) == 0
    assert (second / "config.toml").read_text() == (third / "config.toml").read_text()
    cards = [load_model(run / "model").card for run in (first, second, third)]
    assert cards[2].training["start"] == {"name": "a", "sha256": cards[0].sha256}
    assert cards[1].sha256 == cards[2].sha256 != cards[0].sha256

    # A run that goes on knows its start, by its settings or without a word, even if it is gone.
    (first / "model.safetensors").unlink()
    for more in (config, [*QUICK, "--seed", "7", "--quiet"]):
        assert main(["train", data, "-o", str(third), *more, "--steps", "5", "--resume"]) == 0
        assert (third / "config.toml").read_text().count("start = ") == 1
        assert load_model(third / "model").card.training["start"] == cards[2].training["start"]
    assert main(["train", data, "-o", str(tmp_path / "new"), *config]) == 2


def test_a_folder_with_a_run_is_refused_before_anything_is_read(data, tmp_path, capsys):
    assert main(["train", data, "-o", str(tmp_path / "run"), *QUICK, "--quiet"]) == 0
    again = ["train", str(tmp_path / "absent"), "-o", str(tmp_path / "run"), *QUICK]
    assert main(again) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*again, "--resume", "--lr", "1"]) == 2
    assert "different --lr" in capsys.readouterr().err


def test_a_warning_goes_to_standard_error_even_if_quiet(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fuzzyseg.training.watch.Watch.report", lambda _: ["it has collapsed"])
    assert main(["train", data, "-o", str(tmp_path / "run"), *QUICK, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "fuzzyseg: warning: step 4: it has collapsed\n")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--lr", "0"], "--lr"),
        (["--loss", "magic"], "magic"),
        (["--channels", "pet"], "pet"),
        (["--patience", "3"], "--validation"),
        (["--validation", "absent"], "absent"),
        (["--config", "absent.toml"], "absent.toml"),
    ],
)
def test_options_that_cannot_be_used(options, found, data, refused):
    assert found in refused(data, *options)


def test_data_that_cannot_be_used(data, tmp_path, refused):
    assert "absent" in refused(str(tmp_path / "absent"))
    assert "found none in" in refused(str(tmp_path))
    path = tmp_path / "m.json"
    path.write_text('[{"spect": "a.nii"}]')
    assert "found nothing there" in refused(str(path))
    (tmp_path / "a.nii").write_text("I am not an image")
    assert "a.nii" in refused(str(path))
    write(tmp_path / "a.nii", np.ones((9, 9, 9), np.float32))
    assert "expected labels of every case" in refused(str(path), "--loss", "ce")
    assert "image ct of every case" in refused(str(path), "--channels", "spect", "ct")
