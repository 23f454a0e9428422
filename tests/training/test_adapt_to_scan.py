import copy
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from tiny_models import CHANNELS, tiny_model
from torch import nn
from toy_training import QUICK, toy_case

from fuzzyseg.errors import InputError
from fuzzyseg.inference.prediction import predict
from fuzzyseg.inference.slices import AXES
from fuzzyseg.models.card import Card
from fuzzyseg.models.model_files import Model, load_model, save_model
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.training import adapt_to_scan as module
from fuzzyseg.training import patches
from fuzzyseg.training.adapt_to_scan import (
    adapt,
    scan_statistics,
    self_consistency,
    with_statistics,
)
from fuzzyseg.training.adaptation import Adaptation
from fuzzyseg.training.loop import train

DEFAULT = Adaptation()
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


@pytest.fixture
def few(monkeypatch):
    """Statistics of three batches of four patches, and steps on as many batches."""
    monkeypatch.setattr(module, "_BATCH", 4)
    monkeypatch.setattr(module, "_BATCHES", 3)


@pytest.fixture
def drawn(monkeypatch, few):
    """Patches that are drawn from now on."""
    found = []

    def spied(*args):
        found.append(patches.draw_patch(*args))
        return found[-1]

    monkeypatch.setattr(module, "draw_patch", spied)
    return found


def small(task="spect", config=QUICK, **shape):
    """A tiny model whose card says that it was trained on small patches."""
    model = tiny_model(task, **shape)
    a = model.card.architecture
    config = replace(config, channels=a.channels, dims=a.dims, context=a.context)
    return Model(replace(model.card, training={"config": asdict(config)}), model.network)


def toy_image(task="spect"):
    return toy_case(replace(QUICK, channels=CHANNELS[task])).image


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
    @pytest.mark.parametrize("settings", [DEFAULT, FEW])
    def test_a_shifted_scan_is_segmented_better(self, settings, trained, scan):
        image = shifted(scan.image)
        adapted, report = adapt(trained, image, settings)
        assert report["kept"] != "original"
        assert report["after"] > report["before"] + settings.margin
        assert bone_dsc(adapted, image, scan) > bone_dsc(trained, image, scan) + 0.1

    @pytest.mark.parametrize("settings", [DEFAULT, FEW])
    def test_a_scan_like_those_of_the_training_is_segmented_no_worse(self, settings, trained, scan):
        adapted, report = adapt(trained, scan.image, settings)
        assert report["after"] >= report["before"]
        before = bone_dsc(trained, scan.image, scan)
        assert before > 0.8
        assert bone_dsc(adapted, scan.image, scan) > before - 0.03

    @pytest.mark.usefixtures("few")
    def test_a_model_that_nothing_improves_is_the_one_that_was_given(self, trained, scan):
        adapted, report = adapt(trained, scan.image, replace(FEW, margin=1.0))
        assert adapted is trained
        assert report["kept"] == "original"
        assert report["before"] == report["after"] == report["tried"]["original"]
        assert report["mix"] == 0

    @pytest.mark.usefixtures("few")
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

    @pytest.mark.usefixtures("few")
    def test_what_is_kept_is_the_best_of_what_was_tried(self, trained, scan, monkeypatch):
        scores = iter([0.5, 0.8, 0.7, 0.81, 0.9])
        monkeypatch.setattr(module, "self_consistency", lambda *_: next(scores))
        settings = replace(FEW, mixes=(0.1, 0.2, 0.3), margin=0.05, seed=3)
        adapted, report = adapt(trained, scan.image, settings)
        assert (report["kept"], report["mix"], report["after"]) == ("steps", 0.1, 0.9)
        learned = with_statistics(trained, scan_statistics(trained, scan.image, 3), 0.1)
        for a, b in zip(norms(adapted), norms(learned), strict=True):
            torch.testing.assert_close(a.running_mean, b.running_mean)  # the steps leave these
            assert not torch.equal(a.weight, b.weight)

    @pytest.mark.usefixtures("few")
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

    @pytest.mark.usefixtures("few")
    def test_by_default_statistics_alone_are_tried(self, trained, scan):
        _, report = adapt(trained, scan.image)
        shares = {f"statistics {share}" for share in ("0.25", "0.5", "1")}
        assert set(report["tried"]) == {"original"} | shares

    @pytest.mark.usefixtures("few")
    def test_the_same_seed_gives_the_same_model(self, trained, scan):
        first, second = (adapt(trained, shifted(scan.image), FEW) for _ in range(2))
        assert first[1] == second[1]
        assert equal(state(first[0]), state(second[0]))

    @pytest.mark.usefixtures("few")
    def test_progress_ends_at_its_total(self, trained, scan):
        seen = []
        adapt(trained, scan.image, replace(FEW, mixes=(0.5,)), lambda *c: seen.append(c))
        assert seen == [(1, 3), (2, 3), (3, 3)]

    @pytest.mark.usefixtures("few")
    @pytest.mark.parametrize(
        ("task", "shape"),
        [
            ("spect", {"dims": 3, "steps": 1}),
            ("spect-ct", {"context": 1}),
            ("ct", {}),
            ("spect", {"network": "unet"}),
            ("spect-ct", {"network": "two-stage", "dims": 3, "steps": 1}),
        ],
    )
    def test_every_kind_of_model(self, task, shape, monkeypatch):
        scores = iter([0.1, 0.2, 0.9])
        monkeypatch.setattr(module, "self_consistency", lambda *_: next(scores))
        model, image = small(task, **shape), toy_image(task)[:, 4:18, 4:16, 3:13]
        adapted, report = adapt(model, image, replace(FEW, mixes=(0.5,), steps=1))
        assert report["kept"] == "steps"
        before, after = (predict(m, image, engine="torch") for m in (model, adapted))
        np.testing.assert_allclose(after.sum(0), 1, atol=1e-5)
        assert np.abs(after - before).max() > 0.01

    def test_a_network_without_normalisation_is_refused(self, scan):
        model = Model(Card("plain", Architecture()), nn.Conv2d(1, 3, 3, padding=1))
        with pytest.raises(InputError, match="batch normalisation"):
            adapt(model, scan.image)

    def test_settings_out_of_range_are_refused(self, trained, scan):
        with pytest.raises(InputError, match="--lr"):
            adapt(trained, scan.image, Adaptation(lr=0))


def literal_statistics(model, batches):
    """Mean over the batches of what goes into each norm, while every norm uses its batch's own."""
    network = copy.deepcopy(model.network).double()
    for part in network.modules():
        part.training = True
    went_in = []
    for norm in (m for m in network.modules() if isinstance(m, NORMS)):
        went_in.append([])
        norm.register_forward_pre_hook(
            lambda _, inputs, of_norm=went_in[-1]: of_norm.append(inputs[0])
        )
    with torch.no_grad():
        for batch in batches:
            network(torch.from_numpy(np.float64(batch)))
    found = []
    for of_norm in went_in:
        assert len(of_norm) == len(batches)
        by_channel = [x.movedim(1, 0).flatten(1) for x in of_norm]
        found.append(
            [
                torch.stack([x.mean(1) for x in by_channel]).mean(0),
                torch.stack([x.var(1) for x in by_channel]).mean(0),
            ]
        )
    return found


@pytest.mark.usefixtures("few")
class TestScanStatistics:
    @pytest.mark.parametrize(
        ("task", "shape"),
        [
            ("spect", {}),
            ("spect-ct", {"context": 1, "planes": ("coronal", "sagittal")}),
            ("ct", {"network": "unet"}),
            ("spect", {"dims": 3, "steps": 1}),
            ("spect-ct", {"network": "two-stage", "dims": 3, "steps": 1}),
        ],
    )
    def test_they_are_the_means_of_what_goes_into_the_norms(self, task, shape, drawn):
        model = small(task, **shape)
        found = scan_statistics(model, toy_image(task))
        assert len(drawn) == 12
        seen = [p.seen for p in drawn]
        literal = literal_statistics(model, [np.stack(seen[i : i + 4]) for i in (0, 4, 8)])
        assert len(found) == len(literal) == len(norms(model))
        for pair, expected in zip(found, literal, strict=True):
            for a, b in zip(pair, expected, strict=True):
                torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-5)

    def test_of_a_net_of_two_norms_in_numpy(self, drawn):
        """Two layers that see one voxel each, whose scales and shifts are no part of the mean."""
        layers = [nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 1, 1)]
        network = nn.Sequential(*layers, nn.BatchNorm2d(1), nn.Conv2d(1, 3, 1)).eval()
        with torch.no_grad():
            network[0].weight[:] = torch.tensor([2.0, -1])[:, None, None, None]
            network[0].bias[:] = torch.tensor([1.0, 0.5])
            network[1].weight[:], network[1].bias[:] = torch.tensor([[1.5, 0.7], [0.2, -0.1]])
            network[3].weight[:] = torch.tensor([1.0, -3])[None, :, None, None]
            network[3].bias[:] = 4
        card = Card("plain", Architecture(), training={"config": asdict(QUICK)})
        found = scan_statistics(Model(card, network), toy_image())
        expected = []
        for i in (0, 4, 8):
            y = np.stack([p.seen for p in drawn[i : i + 4]]).ravel().astype(float)
            first = np.array([2 * y + 1, -y + 0.5])
            mean, variance = first.mean(1, keepdims=True), first.var(1, keepdims=True)
            normed = (first - mean) / np.sqrt(variance + 1e-5)
            a, b = np.maximum(normed * [[1.5], [0.7]] + [[0.2], [-0.1]], 0)
            second = a - 3 * b + 4
            parts = [first.mean(1), first.var(1, ddof=1), second.mean(), second.var(ddof=1)]
            expected.append(np.hstack(parts))
        flat = torch.cat([t for pair in found for t in pair])
        np.testing.assert_allclose(flat, np.mean(expected, axis=0), rtol=1e-4)

    def test_the_unit_of_the_scan_goes_out_of_the_memberships(self):
        """Of a network whose convolutions are all normalised, and have no bias."""
        model, image = small(network="unet"), toy_image()
        first, second = (
            predict(with_statistics(model, scan_statistics(model, seen), 1), seen, engine="torch")
            for seen in (image, 4 * image)
        )
        np.testing.assert_allclose(first, second, atol=1e-3)
        assert np.abs(first - predict(model, 4 * image, engine="torch")).max() > 0.1

    def test_air_around_the_patient_changes_nothing(self):
        """Though whole slices, and the brightest share of all voxels, would then differ."""
        rng = np.random.default_rng(0)
        body = np.zeros((1, 30, 30, 30), np.float32)
        body[0, 9:21, 9:21, 9:21] = rng.uniform(5, 9, (12, 12, 12))
        model = small(config=replace(QUICK, bright=1.0))
        padded = np.pad(body, ((0, 0), *[(20, 20)] * 3))
        for a, b in zip(scan_statistics(model, body), scan_statistics(model, padded), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)

    def test_a_seed_draws_its_own_patches(self):
        model, image = small(), toy_image()
        first, again, other = (scan_statistics(model, image, seed) for seed in (1, 1, 2))
        assert all(torch.equal(a, b) for a, b in zip(sum(first, ()), sum(again, ()), strict=True))
        assert not torch.equal(first[0][0], other[0][0])

    def test_the_model_stays_as_it_was(self, trained, scan):
        before = state(trained)
        scan_statistics(trained, scan.image)
        assert equal(state(trained), before)
        assert not trained.network.training
        assert all(norm.momentum == 0.1 for norm in norms(trained))


class TestPatches:
    """Patches as in training, but for what would make the scan another."""

    @pytest.mark.parametrize("plane", AXES)
    def test_they_are_windows_of_the_scan_in_the_views_of_the_model(self, plane, drawn):
        """A scan that numbers its voxels would show gamma, mirroring, noise, blur and scaling."""
        config = replace(QUICK, augment=True, noise=0.5, blur=2.0, scale=0.5)
        shape = (22, 20, 18)
        image = np.arange(22 * 20 * 18, dtype=np.float32).reshape(1, *shape)
        scan_statistics(small(config=config, planes=(plane,)), image)
        strides = np.delete([20 * 18, 18, 1], AXES[plane])
        assert len({patch.seen.tobytes() for patch in drawn}) == 12
        for patch in drawn:
            assert patch.seen.shape == (1, 12, 12)
            assert (patch.target == -1).all()
            inside = patch.seen[0] > patch.seen[0].min()
            for axis, stride in enumerate(strides):
                both = np.minimum(*(np.delete(inside, i, axis) for i in (0, -1)))
                assert both.any()
                assert (np.diff(patch.seen[0], axis=axis)[both] == stride).all()

    @pytest.mark.parametrize(
        ("bright", "lesions", "expected"), [(0.6, 0.4, 1), (0.2, 0.3, 0.5), (0, 0, 0)]
    )
    def test_bright_voxels_stand_in_for_lesions(
        self, bright, lesions, expected, drawn, monkeypatch
    ):
        monkeypatch.setattr(patches, "_JITTER", 0)
        monkeypatch.setattr(module, "_BATCHES", 40)
        image = np.zeros((1, 24, 24, 24), np.float32)
        image[:, 4:20, 4:20, 4:20] = 1
        image[:, 4:9, 4:9, 4:6] = 2  # one voxel in 276
        config = replace(QUICK, bright=bright, lesions=lesions, patch=8)
        scan_statistics(small(filters=1, steps=0, config=config), image)
        middles = np.array([p.seen[0, 4, 4] for p in drawn])
        assert set(middles) <= {1, 2}  # never air
        share = (middles == 2).mean()
        assert share == pytest.approx(expected, abs=0.0 if expected == 1 else 0.12)

    @pytest.mark.parametrize(
        ("task", "shape", "expected"),
        [("spect-ct", {"context": 1}, (6, 64, 64)), ("spect", {"dims": 3}, (1, 64, 64, 64))],
    )
    def test_a_card_without_a_configuration_means_the_default(
        self, task, shape, expected, drawn, monkeypatch
    ):
        monkeypatch.setattr(module, "_BATCH", 1)
        monkeypatch.setattr(module, "_BATCHES", 1)
        model = tiny_model(task, filters=1, steps=0, **shape)
        assert "config" not in model.card.training
        scan_statistics(model, toy_image(task))
        assert [p.seen.shape for p in drawn] == [expected]

    def test_settings_of_another_version_are_refused(self):
        model = small()
        config = model.card.training["config"] | {"of_tomorrow": 1}
        model = Model(replace(model.card, training={"config": config}), model.network)
        with pytest.raises(InputError, match="of_tomorrow"):
            scan_statistics(model, toy_image())


@pytest.mark.usefixtures("few")
class TestWithStatistics:
    @pytest.fixture
    def statistics(self, trained, scan):
        return scan_statistics(trained, shifted(scan.image))

    def test_none_of_the_scans_own_is_the_model_itself(self, trained, statistics):
        assert equal(state(with_statistics(trained, statistics, 0.0)), state(trained))

    def test_all_of_the_scans_own_replace_the_learned_ones_alone(self, trained, statistics):
        found = with_statistics(trained, statistics, 1.0)
        expected = state(trained)
        names = [n for n, m in trained.network.named_modules() if isinstance(m, NORMS)]
        for name, (mean, variance) in zip(names, statistics, strict=True):
            assert not torch.equal(expected[f"{name}.running_mean"], mean)
            expected |= {f"{name}.running_mean": mean, f"{name}.running_var": variance}
        assert equal(state(found), expected)

    def test_a_share_lies_between(self, trained, statistics):
        before = state(trained)
        found = with_statistics(trained, statistics, 0.25)
        for own, norm, (mean, variance) in zip(
            norms(trained), norms(found), statistics, strict=True
        ):
            for name, theirs in (("running_mean", mean), ("running_var", variance)):
                expected = 0.75 * getattr(own, name) + 0.25 * theirs
                torch.testing.assert_close(getattr(norm, name), expected)
            assert norm.momentum == own.momentum == 0.1
        assert not found.network.training
        assert equal(state(trained), before)


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


def test_steps_see_the_middle_slice_of_each_channel(drawn, monkeypatch):
    seen = []
    original = module.RFCMLoss.forward

    def spied(self, logits, shown, **rest):
        seen.append(shown.numpy())
        return original(self, logits, shown, **rest)

    monkeypatch.setattr(module.RFCMLoss, "forward", spied)
    adapt(small("spect-ct", context=1), toy_image("spect-ct"), replace(FEW, mixes=(), batch=5))
    assert len(seen) == FEW.steps
    assert len(drawn) == 15
    batches = [np.stack([p.image for p in drawn[i : i + 5]]) for i in (0, 5, 10)]
    assert batches[0].shape == (5, 2, 12, 12)
    for shown in seen:
        assert any(np.array_equal(shown, batch) for batch in batches)
