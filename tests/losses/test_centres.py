"""Where class centres come from, how they start, and whether they move."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from fuzzyseg import fuzzy
from fuzzyseg.errors import InputError
from fuzzyseg.losses import Centres, MumfordShahLoss, RFCMLoss, rfcm_loss
from fuzzyseg.losses.centres import find_centres


def pooled(u, y):
    """Eq. (6) over all voxels of all elements: u (B, C, *space), y (B, D, *space)."""
    u, y = np.asarray(u), np.asarray(y)
    return np.array(
        [
            [(u[:, k] * y[:, d]).sum() / u[:, k].sum() for d in range(y.shape[1])]
            for k in range(u.shape[1])
        ]
    )


@pytest.fixture
def case(draw):
    z, y, _ = draw((3, 5, 4), n_channels=2)
    return torch.softmax(z, 1) ** 2, y


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        ("image", ([0], [1], [2])),
        ("batch", ([0, 1, 2],) * 3),
        ("volume", ([0, 2], [1], [0, 2])),
    ],
)
def test_scopes(scope, groups, case):
    u, y = case
    found = find_centres(u, y, torch.tensor([8, 3, 8]), settings=Centres(scope))
    expected = [pooled(u[g], y[g]) for g in groups]
    np.testing.assert_allclose(found.expand(3, -1, -1), expected, rtol=1e-12)


def test_a_loss_uses_its_scope(draw):
    z, y, _ = draw((3, 5, 4))
    v = torch.from_numpy(pooled(z.softmax(1) ** 2, y))
    expected = rfcm_loss(z, y, beta=0.3, centres=v)
    torch.testing.assert_close(RFCMLoss(2, 0.3, centres=Centres("batch"))(z, y), expected)
    assert not torch.isclose(RFCMLoss(2, 0.3)(z, y), expected, rtol=1e-4)


@pytest.mark.parametrize("make", [RFCMLoss, MumfordShahLoss])
def test_fixed_centres(make, draw):
    z, y, _ = draw((2, 5, 4))
    z.requires_grad_()
    fixed = make(centres=Centres(start=(0.1, 0.4, 0.9), move=False))
    given = make()
    v = torch.tensor([[0.1], [0.4], [0.9]])
    for centres in (v, v.expand(2, 3, 1)):
        torch.testing.assert_close(given(z, y, centres=centres), fixed(z, y))
    assert torch.autograd.gradcheck(lambda z: fixed(z, y), z)
    other = make(centres=Centres(start=((0.1,), (0.4,), (0.8,)), move=False))
    assert other(z, y) != fixed(z, y)


def test_fixed_centres_enter_the_equation(draw, literal_rfcm):
    z, y, _ = draw((2, 4, 3), n_channels=2)
    start = ((0.1, 0.2), (0.5, 0.4), (0.9, 1.0))
    loss = RFCMLoss(2, 0.3, centres=Centres(start=start, move=False))
    literal = [literal_rfcm(z.softmax(1)[b], y[b], 2, 0.3, "all", v=start)[0] for b in range(2)]
    assert loss(z, y).item() == pytest.approx(np.mean(literal), rel=1e-12)


def test_a_class_without_members_stays_at_its_start(case):
    u, y = case
    u[0, 1] = 0
    found = find_centres(u, y, settings=Centres(start=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))))
    assert found[0, 1].tolist() == [3, 4]
    np.testing.assert_allclose(found[1], pooled(u[1:2], y[1:2]))
    assert find_centres(u, y)[0, 1].tolist() == [0, 0]


def test_running_average(draw):
    loss = RFCMLoss(centres=Centres("running", momentum=0.75))
    weights, moments = 0, 0
    for seed in range(4):
        z, y, _ = draw((2, 5, 4), seed=seed)
        loss(z, y)
        u = z.softmax(1) ** 2
        weights = 0.75 * weights + 0.25 * u.sum((0, 2, 3))
        moments = 0.75 * moments + 0.25 * (u * y).sum((0, 2, 3))
    torch.testing.assert_close(loss.keeper.running_centres[:, 0], moments / weights)
    expected = rfcm_loss(z, y, centres=loss.keeper.running_centres)
    loss.eval()
    torch.testing.assert_close(loss(z, y), expected)
    before = loss.keeper.running_centres.clone()
    loss(z + 1 * y, y)
    assert torch.equal(loss.keeper.running_centres, before)


def test_start_counts_as_much_as_the_first_batch(draw):
    z, y, _ = draw((2, 5, 4))
    loss = RFCMLoss(centres=Centres("running", start=(5.0, 6.0, 7.0), momentum=0.5))
    torch.testing.assert_close(
        loss.eval()(z, y), rfcm_loss(z, y, centres=torch.tensor([[5.0], [6.0], [7.0]]))
    )
    loss.train()(z, y)
    batch = pooled(z.softmax(1) ** 2, y)
    expected = (np.array([[5], [6], [7]]) + batch) / 2
    np.testing.assert_allclose(loss.keeper.running_centres, expected)


def test_gradient_with_running_centres_takes_them_as_constants(draw):
    z, y, _ = draw((2, 5, 4))
    loss = RFCMLoss(2, 0.3, centres=Centres("running", start=(0.2, 0.5, 0.9)))
    z.requires_grad_()
    (found,) = torch.autograd.grad(loss(z, y), z)
    fixed = rfcm_loss(z, y, beta=0.3, centres=loss.keeper.running_centres)
    torch.testing.assert_close(found, torch.autograd.grad(fixed, z)[0])


def test_running_centres_go_into_the_state(draw):
    z, y, _ = draw((2, 5, 4))
    first, second = (RFCMLoss(centres=Centres("running")) for _ in range(2))
    first(z, y)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(second.eval()(z, y), first.eval()(z, y), rtol=0, atol=0)
    assert set(first.state_dict()) == {"keeper.running_centres", "keeper.running_weights"}
    assert not RFCMLoss().state_dict()


def test_processes_share_running_centres(draw, monkeypatch):
    z, y, _ = draw((2, 5, 4))
    other_z, other_y, _ = draw((2, 5, 4), seed=8)
    u, other = z.softmax(1) ** 2, other_z.softmax(1) ** 2

    def all_reduce(sums):
        sums += torch.stack([other.sum((0, 2, 3)), (other * other_y).sum((0, 2, 3))], -1)

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    loss = RFCMLoss(centres=Centres("running"))
    loss(z, y)
    expected = pooled(torch.cat([u, other]), torch.cat([y, other_y]))
    np.testing.assert_allclose(loss.keeper.running_centres, expected)


def test_centres_may_be_let_go_during_training(draw):
    z, y, _ = draw((2, 5, 4))
    loss = RFCMLoss(centres=Centres(start=(5.0, 6.0, 7.0), move=False))
    assert loss(z, y) > 1
    loss.centres = replace(loss.centres, move=True)
    torch.testing.assert_close(loss(z, y), rfcm_loss(z, y))


def test_at_moving_centres_a_shift_of_the_image_changes_nothing(draw):
    z, y, _ = draw((2, 5, 4))
    torch.testing.assert_close(rfcm_loss(z, y + 1000), rfcm_loss(z, y), rtol=1e-9, atol=0)


def test_centres_in_float32_are_those_of_float64(draw):
    z, y, _ = draw((2, 60, 50, 40))
    u = fuzzy.power(z.softmax(1), 2)
    found = find_centres(u.float(), y.float())
    np.testing.assert_allclose(found, find_centres(u, y), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scope": "data set"}, "scope"),
        ({"momentum": 1.0}, "momentum"),
        ({"momentum": -0.1}, "momentum"),
        ({"start": ((1.0,), (2.0, 3.0))}, "start"),
        ({"start": "123"}, "start"),
        ({"start": (0.0, math.nan)}, "finite"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        Centres(**settings)


@pytest.mark.parametrize(
    ("settings", "call", "message"),
    [
        (Centres("volume"), {}, "volume"),
        (Centres("volume"), {"volume": torch.tensor([1])}, r"volume.* \(2,\), found \(1,\)"),
        (Centres(move=False), {}, "fixed centres"),
        (Centres(start=(1.0, 2.0), move=False), {}, r"C = 3 .* found \(2, 1\)"),
        (Centres("running", start=(1.0, 2.0)), {}, r"C = 3 .* found \(2, 1\)"),
        (Centres(), {"centres": torch.zeros(3)}, r"found \(3,\)"),
        (Centres(), {"centres": torch.zeros(4, 3, 1)}, r"found \(4, 3, 1\)"),
    ],
)
def test_centres_that_cannot_be_had(settings, call, message, draw):
    z, y, _ = draw((2, 5, 4))
    with pytest.raises(InputError, match=message):
        RFCMLoss(centres=settings)(z, y, **call)


def test_no_running_centres_before_training(draw):
    z, y, _ = draw((2, 5, 4))
    with pytest.raises(InputError, match="running centres"):
        RFCMLoss(centres=Centres("running")).eval()(z, y)
