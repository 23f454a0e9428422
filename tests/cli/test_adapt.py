from dataclasses import asdict, replace

import nibabel as nib
import numpy as np
import pytest
from tiny_models import tiny_model, write_tiny
from toy_training import HU, QUICK, toy_image, toy_labels, write

from fuzzyseg.cli.main import main
from fuzzyseg.models.card import Preprocessing, Typical
from fuzzyseg.models.model_files import Model, load_model, save_model
from fuzzyseg.training.adaptation import Adaptation

LABELS = toy_labels()


@pytest.fixture
def scan(tmp_path):
    """Path of a SPECT whose axes run from right to left and downwards."""
    affine = np.diag([-4.0, 4.0, -4.0, 1.0])
    return str(write(tmp_path / "spect.nii.gz", toy_image(LABELS), affine))


@pytest.fixture
def call(tmp_path, scan, monkeypatch):
    """A call that takes one step, of a model that was trained on small patches."""
    model = tiny_model()
    card = replace(model.card, training={"config": asdict(QUICK)}, typical=Typical(3))
    save_model(Model(card, model.network), tmp_path / "spect")
    monkeypatch.setattr("fuzzyseg.training.adapt_to_scan._BATCHES", 3)
    quick = ["--steps", "1", "--mixes", "0.5"]
    return ["adapt", str(tmp_path / "spect"), scan, "-o", str(tmp_path / "out" / "new"), *quick]


def test_writes_a_model_that_segments(call, scan, tmp_path, capsys):
    assert main([*call, "--margin", "0"]) == 0
    out, err = capsys.readouterr()
    assert "self-consistency 0." in out
    assert f"model in {tmp_path / 'out' / 'new.safetensors'}" in out
    assert err == ""
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["new.json", "new.safetensors"]
    new = str(tmp_path / "out" / "new")
    results = ["-o", str(tmp_path / "results"), "--quiet", "--modality", "NM"]
    assert main(["segment", scan, "--model", new, *results]) == 0
    assert load_model(new).card.typical == Typical()  # that of the old one is not its own


def test_a_model_that_nothing_improves_is_written_as_it_was(call, tmp_path, capsys):
    assert main([*call, "--margin", "1"]) == 0
    assert "nothing was better" in capsys.readouterr().out
    old, new = (load_model(tmp_path / name).card for name in ("spect", "out/new"))
    assert old.sha256 == new.sha256


def test_quiet_says_nothing(call, capsys):
    assert main([*call, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_model_is_replaced_only_with_force(call, tmp_path, capsys):
    assert main(call) == 0
    before = (tmp_path / "out" / "new.json").read_bytes()
    capsys.readouterr()
    for ending in ("", ".json", ".safetensors"):
        words = [w + ending if w.endswith("new") else w for w in call]
        assert main(words) == 2
        assert "--force" in capsys.readouterr().err
    assert (tmp_path / "out" / "new.json").read_bytes() == before
    assert main([*call, "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Adaptation(mixes=(0.25, 0.5, 1.0), steps=0)),
        (
            ["--mixes", "0.1", "0.9", "--steps", "4", "--lr", "0.01", "--seed", "5"],
            Adaptation(mixes=(0.1, 0.9), steps=4, lr=0.01, seed=5),
        ),
    ],
)
def test_options_arrive_and_steps_are_none_by_default(words, expected, call, monkeypatch):
    seen = []

    def adapted(model, image, settings, *_):
        seen.append(settings)
        return model, {"kept": "original", "mix": 0.0, "before": 0.5, "after": 0.5}

    monkeypatch.setattr("fuzzyseg.training.adapt_to_scan.adapt", adapted)
    assert main([*call[:-4], *words, "--quiet"]) == 0
    assert seen == [expected]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("original", "nothing was better"),
        ("statistics", "0.250, then 0.750: 50% of the scan's own normalisation statistics"),
        ("steps", "steps on the unsupervised loss"),
    ],
)
def test_what_was_kept_is_told(kept, told, call, monkeypatch, capsys):
    report = {"kept": kept, "mix": 0.5, "before": 0.25, "after": 0.75}
    monkeypatch.setattr("fuzzyseg.training.adapt_to_scan.adapt", lambda model, *_: (model, report))
    assert main(call) == 0
    assert told in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("spacing_mm", [None, 6.0])
def test_the_model_sees_the_scan_as_when_it_segments(spacing_mm, scan, tmp_path, monkeypatch):
    write_tiny(tmp_path, "spect-ct", preprocessing=Preprocessing(spacing_mm=spacing_mm))
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -84, 0, -68
    big = nib.Nifti1Image(np.repeat(toy_image(LABELS, levels=HU), 2, 0), affine)
    nib.save(big, tmp_path / "ct.nii.gz")
    seen = []

    def adapted(model, image, *_):
        seen.append(image)
        report = {"kept": "original", "mix": 0.0, "before": 0.5, "after": 0.5, "tried": {}}
        return model, report

    def stopped(model, image, **_):
        seen.append(image)
        raise KeyboardInterrupt

    monkeypatch.setattr("fuzzyseg.training.adapt_to_scan.adapt", adapted)
    monkeypatch.setattr("fuzzyseg.segmentation.model_input.predict", stopped)
    model, ct = str(tmp_path / "spect-ct"), str(tmp_path / "ct.nii.gz")
    words = ["--ct", ct, "--modality", "NM", "--quiet"]
    assert main(["adapt", model, scan, "-o", str(tmp_path / "new"), *words]) == 0
    assert main(["segment", scan, "--model", model, "-o", str(tmp_path / "out"), *words]) == 130
    np.testing.assert_array_equal(*seen)
    assert seen[0].shape[0] == 2


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"spect": "absent"}, "absent"),
        ({"spect.nii.gz": "absent.nii"}, "absent.nii"),
        ({"1": "-1"}, "--steps"),
        ({"0.5": "2"}, "--mixes"),
        ({"spect.nii.gz": "constant.nii"}, "everywhere"),
        ({"spect": "spect-ct"}, "--ct"),
        ({"spect": "ct"}, "a CT for the model"),
    ],
)
def test_what_cannot_be_used_is_one_line(change, found, call, tmp_path, capsys):
    write(tmp_path / "constant.nii", np.ones((9, 9, 9), np.float32))
    for task in ("spect-ct", "ct"):
        write_tiny(tmp_path, task)
    words = []
    for word in call:
        *front, last = word.rsplit("/", 1)
        words.append("/".join([*front, change.get(last, last)]))
    assert main([*words, "--modality", "NM"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("fuzzyseg: error: expected ")
    assert found in err
    assert not (tmp_path / "out").exists()
