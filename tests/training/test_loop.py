import contextlib
import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from safetensors.torch import load_file
from toy_training import QUICK, toy_case

from fuzzyseg.errors import InputError
from fuzzyseg.inference.prediction import predict
from fuzzyseg.models.model_files import load_model
from fuzzyseg.training import learner, loop, run_folder
from fuzzyseg.training.learner import learning_rate
from fuzzyseg.training.loop import train
from fuzzyseg.training.run_record import config_from_json

CASES = [toy_case(seed=seed) for seed in range(2)]
EVERYTHING = replace(
    QUICK,
    loss="semi-rfcm",
    centres="running",
    anneal=4,
    augment=True,
    noise=0.1,
    scale=0.1,
    blur=1.0,
    ema=0.9,
    randomise=0.5,
    lesions=0.2,
)


def log(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def weights(run, name="model"):
    return load_model(run / name).network.state_dict()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def unbroken(folder, config=EVERYTHING, validation=CASES[:1]):
    train(folder, config, CASES, validation)
    return folder


@pytest.fixture(autouse=True)
def no_curves(request, monkeypatch):
    """Save their half a second, where a test does not look at them."""
    if "curves" not in request.node.name:
        monkeypatch.setattr(run_folder, "draw_curves", lambda *_: None)


class StoppedError(Exception):
    pass


def stopped_at(run, step, config=EVERYTHING, **options):
    """Train with a checkpoint at every line of the log, until a step."""

    def report(line):
        if line["step"] == step:
            raise StoppedError

    config = replace(config, checkpoint_minutes=1e-9)
    with pytest.raises(StoppedError):
        train(run, config, CASES, CASES[:1], report=report, **options)


def test_a_run_leaves_model_log_curves_config_and_checkpoint(tmp_path):
    lines = []
    model = train(tmp_path / "run", QUICK, CASES, CASES[:1], report=lines.append)
    names = {p.name for p in (tmp_path / "run").iterdir()} - {"tensorboard"}
    files = {f"{n}.{e}" for n in ("model", "best") for e in ("json", "safetensors")}
    assert names == files | {"log.jsonl", "curves.png", "config.toml", "checkpoint.safetensors"}
    assert log(tmp_path / "run") == lines
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert ["validation" in line for line in lines] == [False, True, True]
    for line in lines:
        assert line["lr"] == learning_rate(QUICK, line["step"] - 1)
        assert math.isfinite(line["loss"])
        assert sum(line["shares"].values()) == pytest.approx(1)
        assert list(line["shares"]) == ["background", "bone", "lesion"]
    assert imread(tmp_path / "run" / "curves.png").std() > 0.05
    assert model.card.name == "run"
    assert model.card.training["cases"] == ["toy-0", "toy-1"]
    assert config_from_json(model.card.training["config"]) == QUICK
    assert model.card.metrics["validation"].keys() == {"bone", "lesion"}
    assert model.card.preprocessing.trained_mm == (4, 4)
    assert load_model(tmp_path / "run" / "model").card.sha256 == model.card.sha256


def test_all_processes_but_the_first_write_nothing_and_warn_of_nothing(tmp_path, monkeypatch):
    @contextlib.contextmanager
    def second(_):
        yield 1, 1  # of as many as it takes to wait for nobody

    monkeypatch.setattr(loop, "processes", second)
    monkeypatch.setattr(loop.Watch, "report", lambda _: ["it has collapsed"])
    told = []
    config = replace(QUICK, checkpoint_minutes=1e-9)
    model = train(tmp_path, config, CASES, CASES[:1], report=told.append, warn=told.append)
    assert not list(tmp_path.iterdir())
    assert not told
    assert not model.network.training


def test_the_logged_loss_is_the_mean_of_its_interval(tmp_path):
    every = replace(QUICK, log_every=1)
    train(tmp_path / "a", every, CASES)
    train(tmp_path / "b", replace(QUICK, log_every=4), CASES)
    losses = [line["loss"] for line in log(tmp_path / "a")]
    found = [(line["step"], line["loss"]) for line in log(tmp_path / "b")]
    assert found == [
        (4, pytest.approx(np.mean(losses[:4]))),
        (6, pytest.approx(np.mean(losses[4:]))),
    ]


def test_it_learns_its_own_patient(tmp_path):
    config = replace(QUICK, steps=60, filters=8, batch=8, patch=16, lr=1e-2, bright=0.3)
    model = train(tmp_path, config, CASES[:1])
    labels = predict(model, CASES[0].image, engine="torch").argmax(0)
    for k in (1, 2):
        a, b = labels == k, CASES[0].labels == k
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.8


@pytest.mark.parametrize(
    "change",
    [
        {"network": "unet", "filters": 2},
        {"dims": 3, "filters": 2, "patch": 8, "batch": 2},
        {"context": 1, "channels": ("spect", "ct")},
        {"channels": ("ct",), "classes": 2, "ct": "slice", "randomise": 0.5},
        {"network": "shuffle-unet", "dims": 3, "filters": 2, "batch": 2, "rotate": 9.0, "ema": 0.9},
        {"class_weights": (1.0, 1.0, 30.0), "class_weights_end": (1.0, 1.0, 8.0), "half": True},
        {"autocast": True},
        {"loss": "rfcm+ce+dice"},
        {"loss": "ms", "centres": "image"},
        {"loss": "semi-ms", "centres": "volume", "spect": "asinh"},
        {"loss": "rfcm", "centres": "batch", "spect": "body"},
    ],
)
def test_every_kind_of_training_runs(change, tmp_path):
    config = replace(QUICK, steps=2, **change)
    model = train(tmp_path, config, [toy_case(config)])
    image = toy_case(config).image
    assert predict(model, image, engine="torch").shape == (config.classes, *image.shape[1:])


def test_two_runs_end_with_the_same_weights(tmp_path):
    first, second = (unbroken(tmp_path / name) for name in "ab")
    assert same(weights(first), weights(second))
    other = unbroken(tmp_path / "c", replace(EVERYTHING, seed=1))
    assert not same(weights(first), weights(other))


@pytest.mark.parametrize("step", [2, 4])
def test_a_resumed_run_ends_as_an_unbroken_one(step, tmp_path):
    whole = unbroken(tmp_path / "whole")
    stopped_at(tmp_path / "run", step)
    resumed = []
    train(tmp_path / "run", EVERYTHING, CASES, CASES[:1], resume=True, report=resumed.append)
    assert resumed[0]["step"] == step  # the checkpoint is that of the line before
    for name in ("model", "best"):
        assert same(weights(tmp_path / "run", name), weights(whole, name))
    lines, expected = log(tmp_path / "run"), log(whole)
    for line in lines + expected:
        del line["seconds"]
    assert lines == expected


def test_best_weights_that_are_newer_than_the_checkpoint_are_made_again(tmp_path):
    """Killed between a validation and its checkpoint; half of the pair of files is written."""
    whole = unbroken(tmp_path / "whole")
    stopped_at(tmp_path / "run", 4)
    best = tmp_path / "run" / "best.safetensors"
    assert best.exists()
    best.write_bytes(b"of a later step than its card")
    train(tmp_path / "run", EVERYTHING, CASES, CASES[:1], resume=True)
    assert same(weights(tmp_path / "run", "best"), weights(whole, "best"))
    assert same(weights(tmp_path / "run"), weights(whole))


def test_a_finished_run_can_go_on_for_longer(tmp_path):
    train(tmp_path, QUICK, CASES)
    train(tmp_path, replace(QUICK, steps=10), CASES, resume=True)
    assert [line["step"] for line in log(tmp_path)] == [2, 4, 6, 8, 10]
    assert load_model(tmp_path / "model").card.training["steps"] == 10
    assert "steps = 10\n" in (tmp_path / "config.toml").read_text()


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    train(tmp_path, QUICK, CASES)
    before = weights(tmp_path), (tmp_path / "log.jsonl").read_bytes()
    train(tmp_path, QUICK, CASES, resume=True)
    assert same(weights(tmp_path), before[0])
    assert (tmp_path / "log.jsonl").read_bytes() == before[1]


def test_resume_in_an_empty_folder_begins(tmp_path):
    train(tmp_path / "run", QUICK, CASES, resume=True)
    assert len(log(tmp_path / "run")) == 3


@pytest.fixture
def validations(monkeypatch):
    """Let validations say what the test wants, one after another."""

    def give(values):
        left = iter(values)
        monkeypatch.setattr(
            loop, "mean_scores", lambda _: {"bone": {"dsc": next(left), "surface_dsc": None}}
        )

    return give


def test_the_model_that_is_kept_is_the_best_and_not_the_last(tmp_path, validations):
    validations([0.2, 0.9, 0.5, 0.6])
    config = replace(QUICK, steps=8, validate_every=2, checkpoint_minutes=1e-9)
    model = train(tmp_path, config, CASES, CASES[:1])
    assert model.card.training["steps"] == 4
    assert model.card.metrics["validation"]["bone"]["dsc"] == 0.9
    train(tmp_path / "short", replace(QUICK, steps=8, validate_every=100), CASES)
    last = weights(tmp_path / "short")
    assert not same(weights(tmp_path), last)
    assert same(weights(tmp_path), weights(tmp_path, "best"))


def test_without_validation_the_last_is_kept_and_an_older_best_is_not(tmp_path):
    train(tmp_path / "a", QUICK, CASES, CASES[:1])
    for name in ("checkpoint.safetensors", "model.json", "model.safetensors"):
        (tmp_path / "a" / name).unlink()
    train(tmp_path / "a", QUICK, CASES)
    train(tmp_path / "b", QUICK, CASES)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert load_model(tmp_path / "a" / "model").card.metrics == {}


@pytest.mark.parametrize(("patience", "last"), [(0, 16), (1, 6), (2, 8), (3, 16)])
def test_early_stop(patience, last, tmp_path, validations):
    validations([0.2, 0.9, 0.5, 0.6, 0.95, 0.7, 0.7, 0.7])
    config = replace(QUICK, steps=16, validate_every=2, log_every=16, patience=patience)
    train(tmp_path, config, CASES, CASES[:1])
    assert log(tmp_path)[-1]["step"] == last
    # It is over, whatever is done to go on; and a longer patience goes on.
    validations([0.1] * 10)
    train(tmp_path, config, CASES, CASES[:1], resume=True)
    assert log(tmp_path)[-1]["step"] == last
    train(tmp_path, replace(config, patience=0), CASES, CASES[:1], resume=True)
    assert log(tmp_path)[-1]["step"] == 16


def test_a_collapse_is_warned_of(tmp_path):
    warnings = []
    labels = np.minimum(CASES[0].labels, 1)
    config = replace(QUICK, steps=30, lr=1e-2)
    train(tmp_path, config, [toy_case(labels=labels)], warn=warnings.append)
    assert any(text.startswith("step ") and "lesion" in text for text in warnings)


def test_the_learning_rate_rises_and_falls():
    config = replace(QUICK, steps=100, lr=1.0)
    rates = [learning_rate(config, step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[4] == pytest.approx(0.5)
    assert rates[9] == rates[10] == pytest.approx(1)
    assert rates[55] == pytest.approx(0.505)
    assert rates[100] == pytest.approx(0.01)
    assert np.all(np.diff(rates[10:]) < 0)


def test_validation_does_not_disturb_training(tmp_path):
    train(tmp_path / "a", QUICK, CASES)
    train(tmp_path / "b", replace(QUICK, validate_every=2), CASES, CASES[:1])
    a, b = (load_file(tmp_path / name / "checkpoint.safetensors") for name in "ab")
    assert same(a, b)


def test_the_average_is_what_is_validated_and_kept(tmp_path, monkeypatch):
    seen, original = [], loop.score_case

    def scored(model, case):
        seen.append({k: v.clone() for k, v in model.network.state_dict().items()})
        return original(model, case)

    monkeypatch.setattr(loop, "score_case", scored)
    config = replace(QUICK, ema=0.5, steps=4)
    train(tmp_path / "a", config, CASES, CASES[:1])
    assert same(weights(tmp_path / "a"), seen[-1])
    tensors = load_file(tmp_path / "a" / "checkpoint.safetensors")
    name = "layers.0.forward_conv.weight"
    assert torch.equal(tensors[f"average/{name}"], seen[-1][name])
    assert not torch.equal(tensors[f"network/{name}"], seen[-1][name])
    train(tmp_path / "b", replace(QUICK, steps=4), CASES, CASES[:1])
    assert torch.equal(weights(tmp_path / "b")[name], tensors[f"network/{name}"])


def test_a_model_in_half_precision(tmp_path):
    plain = train(tmp_path / "a", QUICK, CASES)
    half = train(tmp_path / "b", replace(QUICK, half=True), CASES)
    written = load_file(tmp_path / "b" / "model.safetensors")
    assert {t.dtype for t in written.values() if t.ndim > 1} == {torch.float16}
    assert {t.dtype for t in written.values() if t.ndim == 1} == {torch.float32}
    for key, tensor in half.network.state_dict().items():
        assert tensor.dtype == plain.network.state_dict()[key].dtype
        torch.testing.assert_close(tensor, plain.network.state_dict()[key], rtol=5e-4, atol=1e-7)
    assert same(half.network.state_dict(), weights(tmp_path / "b"))


def test_q_is_annealed(tmp_path, monkeypatch):
    original, seen = learner.batch_loss, []

    def spied(terms, *rest):
        seen.append(terms.terms[0].q)
        return original(terms, *rest)

    monkeypatch.setattr(learner, "batch_loss", spied)
    train(tmp_path, replace(QUICK, loss="fcm-label", q=2.0, anneal=4), CASES)
    assert seen == [1, 1.25, 1.5, 1.75, 2, 2]


def test_gradients_are_clipped(tmp_path, monkeypatch):
    seen = []
    original = torch.nn.utils.clip_grad_norm_

    def spied(parameters, largest):
        parameters = list(parameters)
        original(parameters, largest)
        gradients = [p.grad for p in parameters if p.grad is not None]
        seen.append(math.sqrt(sum(float((g**2).sum()) for g in gradients)))
        return torch.tensor(seen[-1])

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spied)
    train(tmp_path, replace(QUICK, clip=1e-3), CASES)
    assert len(seen) == QUICK.steps
    assert max(seen) == pytest.approx(1e-3, rel=0.01)


class TestRefused:
    """One line that says what was expected and found."""

    def refused(self, run, config=QUICK, cases=CASES, validation=(), **options):
        with pytest.raises(InputError) as error:
            train(run, config, cases, validation, **options)
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_no_cases(self, tmp_path):
        assert "one case or more" in self.refused(tmp_path, cases=[])

    def test_settings_out_of_range(self, tmp_path):
        assert "--lr" in self.refused(tmp_path, replace(QUICK, lr=-1.0))

    def test_validation_without_labels(self, tmp_path):
        unknown = toy_case(labels=np.full_like(CASES[0].labels, -1))
        assert "--validation" in self.refused(tmp_path, validation=[unknown])
        assert "--patience" in self.refused(tmp_path, replace(QUICK, patience=2))
        assert not list(tmp_path.iterdir())

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_gpu_that_is_not_there(self, tmp_path):
        assert "--device cpu" in self.refused(tmp_path, replace(QUICK, device="cuda"))

    def test_a_folder_with_a_run(self, tmp_path):
        train(tmp_path, QUICK, CASES)
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
        assert "--resume" in self.refused(tmp_path)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before

    def test_resume_with_other_settings(self, tmp_path):
        train(tmp_path, QUICK, CASES)
        other = replace(QUICK, checkpoint_minutes=9, ct_window_hu=(0, 9), filters=5)
        message = self.refused(tmp_path, other, resume=True)
        assert "different --filters, --ct-window-hu" in message

    def test_resume_with_other_cases(self, tmp_path):
        train(tmp_path, QUICK, CASES)
        assert "same DATA" in self.refused(tmp_path, cases=CASES[::-1], resume=True)

    def test_resume_from_what_is_no_checkpoint(self, tmp_path):
        (tmp_path / "checkpoint.safetensors").write_text("no")
        assert "expected a checkpoint" in self.refused(tmp_path, resume=True)

    def test_a_file_in_place_of_the_folder(self, tmp_path):
        (tmp_path / "run").write_text("precious")
        assert "expected a writable folder" in self.refused(tmp_path / "run")
        assert (tmp_path / "run").read_text() == "precious"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_cannot_be_written_to(self, tmp_path):
        (tmp_path / "run").mkdir(mode=0o500)
        assert "expected a writable folder" in self.refused(tmp_path / "run")

    def test_a_full_disk(self, tmp_path, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(run_folder.Log, "write", full)
        assert "No space left" in self.refused(tmp_path)

    @pytest.mark.parametrize("broken", ["both", "gradient", "loss"])
    def test_a_loss_that_is_not_finite_names_the_step_and_keeps_the_checkpoint(
        self, broken, tmp_path, monkeypatch
    ):
        original, steps = learner.batch_loss, iter(range(100))

        def spoilt(terms, logits, *rest):
            if next(steps) < 4:
                return original(terms, logits, *rest)
            if broken == "both":
                return logits.sum() * float("nan")
            if broken == "loss":
                return logits.sum() + float("inf")
            return logits.abs().clamp_min(0).sub(logits.detach().abs()).sqrt().sum()  # 0, slope inf

        monkeypatch.setattr(learner, "batch_loss", spoilt)
        config = replace(QUICK, checkpoint_minutes=1e-9, log_every=4, validate_every=100)
        assert "at step 5; lower --lr" in self.refused(tmp_path, config)
        monkeypatch.setattr(learner, "batch_loss", original)
        train(tmp_path, config, CASES, resume=True)
        train(tmp_path / "whole", config, CASES)
        assert same(weights(tmp_path), weights(tmp_path / "whole"))


def test_a_run_may_start_from_a_model_and_says_so(tmp_path):
    first = train(tmp_path / "a", QUICK, CASES)
    still = replace(QUICK, lr=1e-12, steps=1, ema=0.5)
    second = train(tmp_path / "b", still, CASES, start=first)
    for name, value in first.network.named_parameters():
        torch.testing.assert_close(second.network.get_parameter(name), value, atol=1e-6, rtol=0)
    assert second.card.training["start"] == {"name": "a", "sha256": first.card.sha256}


def test_a_share_of_the_start_is_kept_also_by_a_run_that_was_stopped(tmp_path):
    first = train(tmp_path / "a", QUICK, CASES)
    changed = replace(QUICK, seed=5, ema=0.5, checkpoint_minutes=1e-9)
    end = train(tmp_path / "b", changed, CASES, start=first)
    half = train(tmp_path / "c", replace(changed, start_share=0.5), CASES, start=first)
    for name, value in half.network.named_parameters():
        mean = (first.network.get_parameter(name) + end.network.get_parameter(name)) / 2
        torch.testing.assert_close(value, mean)
    assert not half.network.training
    stopped_at(tmp_path / "d", 4, replace(changed, start_share=0.5), start=first)
    train(tmp_path / "d", replace(changed, start_share=0.5), CASES, CASES[:1], resume=True)
    train(tmp_path / "e", replace(changed, start_share=0.5), CASES, CASES[:1], start=first)
    assert same(weights(tmp_path / "d"), weights(tmp_path / "e"))


def test_a_share_of_no_start_is_refused(tmp_path):
    with pytest.raises(InputError, match="with --start-share, found none; give one with --start"):
        train(tmp_path / "a", replace(QUICK, start_share=0.5), CASES)


def test_a_model_of_another_architecture_is_no_start(tmp_path):
    first = train(tmp_path / "a", QUICK, CASES)
    with pytest.raises(InputError, match="to start from with filters 5, found filters 4 in a; "):
        train(tmp_path / "b", replace(QUICK, filters=5), CASES, start=first)


class TestTwoStages:
    ONE = replace(QUICK, network="shuffle-unet", dims=3, filters=2, batch=2)
    TWO = replace(ONE, network="two-stage", channels=("spect", "ct"), ema=0.9)

    def cases(self):
        return [toy_case(self.TWO, seed=seed) for seed in range(2)]

    def test_the_second_learns_and_the_first_stays(self, tmp_path):
        first = train(tmp_path / "a", self.ONE, CASES)
        model = train(tmp_path / "b", self.TWO, self.cases(), start=first)
        assert same(model.network.first.state_dict(), first.network.state_dict())
        assert model.network.second[-1].weight.any()
        assert model.card.training["start"] == {"name": "a", "sha256": first.card.sha256}

    def test_a_resumed_run_ends_as_an_unbroken_one(self, tmp_path):
        first = train(tmp_path / "a", self.ONE, CASES)
        train(tmp_path / "whole", self.TWO, self.cases(), start=first)
        often = replace(self.TWO, checkpoint_minutes=1e-9)

        def stop(line):
            if line["step"] == 4:  # after the checkpoint of step 2
                raise StoppedError

        with pytest.raises(StoppedError):
            train(tmp_path / "run", often, self.cases(), start=first, report=stop)
        other = train(tmp_path / "other", replace(self.ONE, seed=1), CASES)
        with pytest.raises(InputError, match="began with, a, found other; leave out --start"):
            train(tmp_path / "run", self.TWO, self.cases(), resume=True, start=other)
        resumed = train(tmp_path / "run", self.TWO, self.cases(), resume=True)
        assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))
        assert resumed.card.training["start"]["sha256"] == first.card.sha256

    def test_without_a_first_stage_nothing_begins(self, tmp_path):
        with pytest.raises(InputError, match="give one with --start, such as spect"):
            train(tmp_path / "b", self.TWO, self.cases())
        first = train(tmp_path / "a", self.ONE, CASES)
        with pytest.raises(InputError, match="filters 3, found filters 2 in a; give its --filters"):
            train(tmp_path / "b", replace(self.TWO, filters=3), self.cases(), start=first)
        with pytest.raises(InputError, match="--spect zscore and --spacing-mm None, with which a"):
            train(tmp_path / "b", replace(self.TWO, spect="body"), self.cases(), start=first)
        assert not (tmp_path / "b").exists()
