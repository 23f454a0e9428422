import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from torch import nn
from toy_training import QUICK, toy_case

from fuzzyseg.errors import InputError
from fuzzyseg.networks.card import Architecture, Card
from fuzzyseg.networks.model import Model, load_model, save_model
from fuzzyseg.networks.predict import predict
from fuzzyseg.networks.slices import slices
from fuzzyseg.training import adapt as module
from fuzzyseg.training.adapt import adapt, self_consistency, with_statistics
from fuzzyseg.training.adaptation import Adaptation
from fuzzyseg.training.loop import train

FEW = Adaptation(steps=3)
NORMS = nn.BatchNorm2d | nn.BatchNorm3d


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model that segments toys."""
    config = replace(QUICK, steps=60, filters=8, batch=8, patch=16, lr=1e-2, bright=0.3)
    return train(tmp_path_factory.mktemp("run"), config, [toy_case(seed=s) for s in (0, 1)])


@pytest.fixture(scope="module")
def scan():
    """A toy that the model has not seen: case and image."""
    return toy_case(seed=2)


def shifted(image):
    """The same scan in intensities that the model's statistics do not know."""
    return 2.5 * image + 1.5


def bone_dsc(model, image, case):
    a, b = predict(model, image, engine="torch").argmax(0) > 0, case.labels > 0
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def norms(model):
    return [m for m in model.network.modules() if isinstance(m, NORMS)]


def state(model):
    return copy.deepcopy(model.network.state_dict())


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


class TestAdapt:
    def test_a_shifted_scan_is_segmented_better(self, trained, scan):
        image = shifted(scan.image)
        adapted, report = adapt(trained, image, FEW)
        assert report["kept"] != "original"
        assert report["after"] > report["before"] + FEW.margin
        assert bone_dsc(adapted, image, scan) > bone_dsc(trained, image, scan) + 0.1

    def test_a_scan_like_those_of_the_training_is_segmented_no_worse(self, trained, scan):
        adapted, report = adapt(trained, scan.image, FEW)
        assert report["after"] >= report["before"]
        before = bone_dsc(trained, scan.image, scan)
        assert before > 0.8
        assert bone_dsc(adapted, scan.image, scan) > before - 0.03

    def test_a_model_that_nothing_improves_is_the_one_that_was_given(self, trained, scan):
        adapted, report = adapt(trained, scan.image, replace(FEW, margin=1.0))
        assert adapted is trained
        assert report["kept"] == "original"
        assert report["before"] == report["after"] == report["tried"]["original"]
        assert report["mix"] == 0

    def test_the_model_that_was_given_stays_as_it_was(self, trained, scan):
        before, flags = state(trained), [p.requires_grad for p in trained.network.parameters()]
        adapted, _ = adapt(trained, shifted(scan.image), FEW)
        assert adapted.network is not trained.network
        assert equal(state(trained), before)
        assert [p.requires_grad for p in trained.network.parameters()] == flags
        assert not trained.network.training
        assert not adapted.network.training

    def test_everything_is_reported_and_goes_into_the_card(self, trained, scan, tmp_path):
        image = shifted(scan.image)
        adapted, report = adapt(trained, image, replace(FEW, mixes=(0.5, 1.0)))
        assert set(report["tried"]) == {"original", "statistics 0.5", "statistics 1", "steps"}
        assert json.loads(json.dumps(report, allow_nan=False)) == report
        assert all(0 <= score <= 1 for score in report["tried"].values())
        assert report["tried"]["original"] == self_consistency(trained, image)
        said = adapted.card.training["adapted"]
        assert said["kept"] == report["kept"]
        assert said["of"] == trained.card.sha256
        assert adapted.card.training["cases"] == trained.card.training["cases"]
        loaded = load_model(save_model(adapted, tmp_path / "a") and tmp_path / "a")
        assert equal(state(loaded), state(adapted))

    def test_what_is_kept_is_the_best_of_what_was_tried(self, trained, scan, monkeypatch):
        scores = iter([0.5, 0.8, 0.7, 0.81, 0.9])
        monkeypatch.setattr(module, "self_consistency", lambda *_: next(scores))
        adapted, report = adapt(
            trained, scan.image, replace(FEW, mixes=(0.1, 0.2, 0.3), margin=0.05)
        )
        assert (report["kept"], report["mix"], report["after"]) == ("steps", 0.1, 0.9)
        learned = with_statistics(trained, scan.image, 0.1)
        for a, b in zip(norms(adapted), norms(learned), strict=True):
            torch.testing.assert_close(a.running_mean, b.running_mean)  # the steps leave these
            assert not torch.equal(a.weight, b.weight)

    def test_only_scales_and_shifts_take_steps(self, trained, scan, monkeypatch):
        scores = iter([0.1, 0.9])
        monkeypatch.setattr(module, "self_consistency", lambda *_: next(scores))
        adapted, _ = adapt(trained, scan.image, replace(FEW, mixes=()))
        moved = {
            k
            for k, t in adapted.network.state_dict().items()
            if not torch.equal(t, state(trained)[k])
        }
        of_norms = {
            f"{name}.{part}"
            for name, m in trained.network.named_modules()
            if isinstance(m, NORMS)
            for part in ("weight", "bias")
        }
        assert moved == of_norms

    def test_without_steps_there_are_none(self, trained, scan):
        _, report = adapt(trained, scan.image, replace(FEW, steps=0))
        assert "steps" not in report["tried"]

    def test_the_same_seed_gives_the_same_model(self, trained, scan):
        first, second = (adapt(trained, shifted(scan.image), FEW) for _ in range(2))
        assert first[1] == second[1]
        assert equal(state(first[0]), state(second[0]))

    def test_progress_ends_at_its_total(self, trained, scan):
        seen = []
        adapt(trained, scan.image, replace(FEW, mixes=(0.5,)), lambda *c: seen.append(c))
        assert seen == [(1, 3), (2, 3), (3, 3)]

    @pytest.mark.parametrize(
        ("task", "shape"),
        [
            ("spect", {"dims": 3}),
            ("spect-ct", {"context": 1}),
            ("ct", {}),
            ("spect", {"network": "unet"}),
        ],
    )
    def test_every_kind_of_model(self, task, shape):
        model = tiny_model(task, **shape)
        config = replace(QUICK, channels=model.card.architecture.channels)
        image = toy_case(config).image[:, 6:15, 6:15, 5:14]
        adapted, report = adapt(model, image, replace(FEW, mixes=(0.5,), steps=1))
        assert isinstance(adapted, Model)
        assert report["after"] >= report["before"]

    def test_a_network_without_normalisation_is_refused(self, scan):
        model = Model(Card("plain", Architecture()), nn.Conv2d(1, 3, 3, padding=1))
        with pytest.raises(InputError, match="batch normalisation"):
            adapt(model, scan.image)

    def test_settings_out_of_range_are_refused(self, trained, scan):
        with pytest.raises(InputError, match="--lr"):
            adapt(trained, scan.image, Adaptation(lr=0))


class TestWithStatistics:
    def test_none_of_the_scans_own_is_the_model_itself(self, trained, scan):
        assert equal(state(with_statistics(trained, scan.image, 0.0)), state(trained))

    @pytest.mark.parametrize("context", [0, 1])
    def test_all_of_the_scans_own_are_the_means_of_its_layers(self, context, scan):
        """Literally: what goes into each norm, while every norm uses its batch's statistics."""
        model = tiny_model(views=("coronal", "sagittal"), context=context)
        image = scan.image
        network = copy.deepcopy(model.network).train()
        went_in = {}
        for i, norm in enumerate(m for m in network.modules() if isinstance(m, NORMS)):
            norm.register_forward_pre_hook(
                lambda _, inputs, i=i: went_in.setdefault(i, []).append(inputs[0].double())
            )
        n_batches = 0
        for view, length in (("coronal", image.shape[2]), ("sagittal", image.shape[1])):
            for start in range(0, length, 8):
                stop = min(start + 8, length)
                with torch.no_grad():
                    network(torch.from_numpy(slices(image, view, start, stop, context)))
                n_batches += 1
        found = norms(with_statistics(model, image, 1.0))
        assert len(found) == len(went_in)
        for i, norm in enumerate(found):
            assert len(went_in[i]) == n_batches
            mean = torch.stack([x.mean((0, 2, 3)) for x in went_in[i]]).mean(0)
            variance = torch.stack([x.var((0, 2, 3)) for x in went_in[i]]).mean(0)
            torch.testing.assert_close(norm.running_mean.double(), mean, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(norm.running_var.double(), variance, rtol=1e-4, atol=1e-5)

    def test_a_share_lies_between(self, trained, scan):
        none, half, every = (norms(with_statistics(trained, scan.image, s)) for s in (0, 0.25, 1))
        for a, b, c in zip(none, half, every, strict=True):
            for name in ("running_mean", "running_var"):
                expected = 0.75 * getattr(a, name) + 0.25 * getattr(c, name)
                torch.testing.assert_close(getattr(b, name), expected)
            assert b.momentum == a.momentum == 0.1


class TestSelfConsistency:
    def test_of_a_network_that_sees_voxels_alone_and_is_sure(self, scan):
        """It is the same mirrored, and noise and brightness do not matter to it."""
        network = nn.Conv2d(1, 3, 1)
        with torch.no_grad():
            network.weight[:] = torch.tensor([0.0, 100, 200])[:, None, None, None]
            network.bias[:] = torch.tensor([0.0, -60, -400])
        model = Model(Card("plain", Architecture()), network)
        image = np.float32([0, 1, 4])[scan.labels][None]
        assert self_consistency(model, image) == pytest.approx(1, abs=0.01)

    def test_a_class_that_is_empty_agrees_with_nothing(self, scan):
        network = nn.Conv2d(1, 3, 1)
        with torch.no_grad():
            network.weight[:] = torch.tensor([0.0, 100, 0])[:, None, None, None]
            network.bias[:] = torch.tensor([0.0, -60, -500])
        model = Model(Card("plain", Architecture()), network)
        image = np.float32([0, 1, 4])[scan.labels][None]
        assert self_consistency(model, image) == pytest.approx(0.5, abs=0.01)
        empty = np.zeros_like(image)
        assert self_consistency(model, empty) == 0

    def test_a_scan_unlike_those_of_the_training_agrees_less(self, trained, scan):
        assert self_consistency(trained, scan.image) > 0.8
        assert self_consistency(trained, shifted(scan.image)) < self_consistency(
            trained, scan.image
        )


def test_steps_see_the_middle_slice_of_each_channel(scan, monkeypatch):
    model = tiny_model("spect-ct", context=1)
    image = toy_case(replace(QUICK, channels=("spect", "ct"))).image
    seen = []
    original = module.RFCMLoss.forward

    def spied(self, logits, shown, **rest):
        seen.append(shown.numpy())
        return original(self, logits, shown, **rest)

    monkeypatch.setattr(module.RFCMLoss, "forward", spied)
    adapt(model, image, replace(FEW, mixes=(), batch=3))
    every = slices(image, "transverse", 0, image.shape[3])
    for shown in seen:
        assert any(
            np.array_equal(shown, every[i : i + len(shown)]) for i in range(0, len(every), 3)
        )
