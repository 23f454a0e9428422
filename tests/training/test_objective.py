import numpy as np
import pytest
import torch
from toy_training import QUICK

from fuzzyseg.losses import LOSSES, CrossEntropyLoss, DiceLoss, FCMLabelLoss, rfcm_loss
from fuzzyseg.training.config import Config
from fuzzyseg.training.objective import anneal, batch_loss, build_loss, class_weights

CENTRES = np.array([[-0.5], [1.0], [4.0]])
ALL = [*LOSSES, "rfcm+ce+dice"]


@pytest.fixture
def batch():
    torch.manual_seed(0)
    target = torch.zeros(4, 10, 10, dtype=torch.long)
    target[:, 2:6, 2:6] = 1
    target[:, 3:5, 3:5] = 2
    image = torch.tensor([-0.5, 1.0, 4.0])[target][:, None] + 0.1 * torch.randn(4, 1, 10, 10)
    return image, target, torch.tensor([0, 0, 1, 1])


def test_parameters_of_the_loss_reach_its_terms():
    words = ("gradient=isotropic", "squared=true", "per_batch=false")
    ms, dice = build_loss(Config(loss="ms+dice", loss_parameters=words), CENTRES).terms
    assert ms.gradient == "isotropic"
    assert dice.squared
    assert not dice.per_batch


def loss_of(name, logits, batch, **settings):
    config = Config(loss=name, **settings)
    return batch_loss(build_loss(config, CENTRES), logits, *batch)


@pytest.mark.parametrize("centres", ["fixed", "image", "batch", "volume", "running"])
@pytest.mark.parametrize("name", ALL)
def test_every_loss_falls_on_a_fixed_batch(name, centres, batch):
    config = Config(loss=name, centres=centres)
    terms = build_loss(config, CENTRES if config.looks_at_image else None)
    logits = (0.1 * torch.randn(4, 3, 10, 10)).requires_grad_()
    optimiser = torch.optim.SGD([logits], lr=1.0)
    values = []
    for _ in range(6):
        value = batch_loss(terms, logits, *batch)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
    assert values[-1] < values[0]
    assert np.isfinite(values).all()


def test_terms_are_what_they_are_named_after(batch):
    image, target, _ = batch
    logits = torch.randn(4, 3, 10, 10)
    fixed = torch.from_numpy(CENTRES)
    rfcm = rfcm_loss(logits, image, q=1.5, beta=0.01, neighbours="faces", centres=fixed)
    label = FCMLabelLoss(1.5)(logits, target)
    ce, dice = CrossEntropyLoss()(logits, target), DiceLoss(per_batch=True)(logits, target)
    settings = {"q": 1.5, "beta": 0.01, "neighbours": "faces", "alpha": 0.7}
    for name, expected in {
        "rfcm": rfcm,
        "fcm-label": label,
        "ce": ce,
        "dice": dice,
        "semi-rfcm": rfcm + 0.7 * label,
        "rfcm+ce+dice": rfcm + 0.7 * (ce + dice),
        "ce+dice": ce + 0.7 * dice,
    }.items():
        torch.testing.assert_close(loss_of(name, logits, batch, **settings), expected)


def test_lam_is_the_weight_of_boundaries(batch):
    logits = torch.randn(4, 3, 10, 10)
    values = [loss_of("ms", logits, batch, lam=lam) for lam in (0.0, 0.01, 0.02)]
    assert values[1] > values[0]
    torch.testing.assert_close(values[2] - values[0], 2 * (values[1] - values[0]))


def test_held_centres_stay_whatever_the_memberships(batch):
    """A network that is sure and right pays the distances to the fixed centres."""
    image, target, volume = batch
    logits = 50 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    away = image + 2
    fixed = loss_of("rfcm", logits, (away, target, volume), beta=0.0)
    moving = loss_of("rfcm", logits, (away, target, volume), beta=0.0, centres="batch")
    assert fixed == pytest.approx(4, rel=0.05)
    assert moving == pytest.approx(0.01, rel=0.2)


def test_unlabelled_elements_count_in_the_image_term_alone(batch):
    image, target, volume = batch
    unknown = torch.full_like(target, -1)
    logits = torch.randn(4, 3, 10, 10)
    for name, image_term in (("semi-rfcm", "rfcm"), ("semi-ms", "ms")):
        found = loss_of(name, logits, (image, unknown, volume))
        torch.testing.assert_close(found, loss_of(image_term, logits, (image, unknown, volume)))
    assert loss_of("ce", logits, (image, unknown, volume)) == 0


def test_q_rises_from_1_to_its_value():
    config = Config(loss="semi-rfcm", q=3.0, anneal=10)
    terms = build_loss(config, CENTRES)
    seen = []
    for step in (0, 5, 10, 100):
        anneal(terms, config, step)
        assert len({module.q for module in terms.terms}) == 1
        seen.append(terms.terms[0].q)
    assert seen == [1, 2, 3, 3]


def test_without_annealing_q_stays():
    config = Config(loss="rfcm", q=1.7)
    terms = build_loss(config, CENTRES)
    anneal(terms, config, 0)
    assert terms.terms[0].q == 1.7


def test_losses_of_labels_need_no_centres(batch):
    config = QUICK
    logits = torch.zeros(4, 3, 10, 10)
    found = batch_loss(build_loss(config, None), logits, *batch)
    assert found == pytest.approx(np.log(3))


def test_class_weights_fall_geometrically_over_all_steps(batch):
    target = batch[1]
    logits = torch.randn(4, 3, 10, 10)
    config = Config(
        loss="ce+dice",
        class_weights=(1.0, 1.0, 32.0),
        class_weights_end=(1.0, 1.0, 8.0),
        steps=101,
        alpha=0.0,
    )
    terms = build_loss(config, None)
    for step, weight in ((0, 32), (50, 16), (100, 8), (200, 8)):
        anneal(terms, config, step)
        w = torch.tensor([1.0, 1.0, weight])
        expected = torch.nn.functional.cross_entropy(logits, target, w)
        torch.testing.assert_close(batch_loss(terms, logits, *batch), expected)
    assert class_weights(Config(), 5) == ()
    assert class_weights(Config(loss="ce", class_weights=(1, 2, 3)), 700) == pytest.approx(
        (1, 2, 3)
    )
