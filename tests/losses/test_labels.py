"""Supervised losses against their equations, with voxels and elements that have no label."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.losses import CrossEntropyLoss, DiceLoss, FCMLabelLoss

LOSSES = (
    FCMLabelLoss,
    CrossEntropyLoss,
    DiceLoss,
    lambda **kind: FCMLabelLoss(1.0, **kind),
    lambda **kind: FCMLabelLoss(2.7, **kind),
    lambda **kind: DiceLoss(squared=True, per_batch=True, include_background=False, **kind),
)


def one_hot(g, n_classes):
    return functional.one_hot(g, n_classes).movedim(-1, 1).double()


@pytest.mark.parametrize("space", [(7,), (5, 4), (3, 4, 2)])
@pytest.mark.parametrize("q", [1, 2, 2.7])
def test_fcm_label(space, q, draw):
    z, _, g = draw((2, *space))
    f = z.softmax(1)
    literal = np.zeros((2, *space))
    for b, *j in np.ndindex(literal.shape):
        for k in range(3):
            right = float(g[(b, *j)] == k)
            literal[(b, *j)] += float(f[(b, k, *j)]) ** q * (right - 1) ** 2 / 3
    np.testing.assert_allclose(FCMLabelLoss(q, reduction="none")(z, g), literal, rtol=1e-12)
    assert FCMLabelLoss(q)(z, g).item() == pytest.approx(literal.mean(), rel=1e-12)
    summed = FCMLabelLoss(q, input_kind="probabilities", reduction="sum")(f, g)
    assert summed.item() == pytest.approx(literal.sum(), rel=1e-12)


def test_cross_entropy(draw):
    z, _, g = draw((2, 5, 4))
    expected = functional.cross_entropy(z, g)
    torch.testing.assert_close(CrossEntropyLoss()(z, g), expected)
    probabilities = CrossEntropyLoss(input_kind="probabilities")
    torch.testing.assert_close(probabilities(z.softmax(1), g), expected)
    torch.testing.assert_close(
        CrossEntropyLoss(reduction="none")(z, g), functional.cross_entropy(z, g, reduction="none")
    )
    soft = torch.softmax(z.flip(0), 1)
    torch.testing.assert_close(CrossEntropyLoss()(z, soft), functional.cross_entropy(z, soft))
    torch.testing.assert_close(probabilities(z.softmax(1), soft), CrossEntropyLoss()(z, soft))


def test_cross_entropy_with_class_weights_is_torchs(draw):
    z, _, g = draw((2, 5, 4))
    g[0, 0] = -1
    w = torch.tensor([1.0, 2.0, 30.0], dtype=z.dtype)
    for reduction in ("mean", "sum", "none"):
        expected = functional.cross_entropy(z, g, w, ignore_index=-1, reduction=reduction)
        of_logits = CrossEntropyLoss(weights=(1, 2, 30), reduction=reduction)
        torch.testing.assert_close(of_logits(z, g), expected)
        of_f = CrossEntropyLoss(weights=(1, 2, 30), reduction=reduction, input_kind="probabilities")
        torch.testing.assert_close(of_f(z.softmax(1), g), expected)
    # Memberships that are 0 and 1 are classes, unlike in torch's weighted mean of them.
    hard = functional.one_hot(g.clamp_min(0), 3).movedim(-1, 1).to(z.dtype)
    mask = g >= 0
    expected = CrossEntropyLoss(weights=(1, 2, 30))(z, g)
    torch.testing.assert_close(CrossEntropyLoss(weights=(1, 2, 30))(z, hard, mask), expected)
    unknown = torch.full_like(g, -1)
    assert CrossEntropyLoss(weights=(1, 2, 30))(z, unknown) == 0


def test_class_weights_that_do_not_fit_are_refused(draw):
    z, _, g = draw((2, 5, 4))
    with pytest.raises(InputError, match="each of the input's 3 classes, found 2"):
        CrossEntropyLoss(weights=(1, 2))(z, g)
    with pytest.raises(InputError, match="weights >= 0, found -1"):
        CrossEntropyLoss(weights=(1, -1, 2))


def test_cross_entropy_of_an_impossible_class():
    f = torch.tensor([[[1.0], [0.0]]], requires_grad=True)
    loss = CrossEntropyLoss(input_kind="probabilities")(f, torch.tensor([[1]]))
    loss.backward()
    assert loss.item() == pytest.approx(-math.log(1e-7), rel=1e-5)
    assert torch.isfinite(f.grad).all()


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("per_batch", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_dice(squared, per_batch, background, draw):
    z, _, g = draw((2, 5, 4))
    f, h = z.softmax(1).numpy(), one_hot(g, 3).numpy()
    groups = [[0, 1]] if per_batch else [[0], [1]]
    expected = []
    for group in groups:
        for k in range(0 if background else 1, 3):
            a, b = f[group, k], h[group, k]
            below = (a**2).sum() + (b**2).sum() if squared else a.sum() + b.sum()
            expected.append(1 - (2 * (a * b).sum() + 0.25) / (below + 0.25))
    settings = {"squared": squared, "per_batch": per_batch, "include_background": background}
    loss = DiceLoss(**settings, smooth=0.25)
    assert loss(z, g).item() == pytest.approx(np.mean(expected), rel=1e-12)
    loss.reduction = "sum"
    assert loss(z, g).item() == pytest.approx(np.sum(expected), rel=1e-12)
    loss.reduction = "none"
    np.testing.assert_allclose(loss(z, g).flatten(), expected, rtol=1e-12)


def test_dice_of_absent_and_perfect_classes():
    f = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    for smooth in (0, 1e-5):
        loss = DiceLoss(smooth=smooth, input_kind="probabilities", reduction="none")
        assert loss(f, torch.tensor([[0, 0]])).tolist() == [[0, 0]]


@pytest.mark.parametrize("make", LOSSES)
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_gradient(make, kind, draw):
    z, _, g = draw((2, 3, 4))
    a = z if kind == "logits" else z.softmax(1)
    g[0, 1] = -1
    loss = make(input_kind=kind)
    soft = torch.softmax(z.flip(0), 1).detach()
    for target in (g, soft):
        assert torch.autograd.gradcheck(lambda a, t=target: loss(a, t), a.requires_grad_())


@pytest.mark.parametrize("q", [1, 1.5, 2])
def test_gradient_of_fcm_label_where_a_probability_is_zero(q, draw):
    _, _, g = draw((2, 5, 4))
    f = one_hot(g, 3).roll(1, 1).requires_grad_()
    loss = FCMLabelLoss(q, input_kind="probabilities")
    (found,) = torch.autograd.grad(loss(f, g), f)
    (expected,) = torch.autograd.grad(loss(f, one_hot(g, 3)), f)  # not by the kernel
    torch.testing.assert_close(found, expected)
    wrong_and_zero = one_hot(g, 3).roll(2, 1) == 1
    assert found[wrong_and_zero].all() == (q == 1)


@pytest.mark.parametrize("make", LOSSES)
def test_ways_to_say_the_same_target(make, draw):
    z, _, g = draw((2, 5, 4))
    expected = make()(z, g)
    for target in (g[:, None], g.to(torch.uint8), g[:, None].float(), one_hot(g, 3)):
        torch.testing.assert_close(make()(z, target), expected)


@pytest.mark.parametrize("make", LOSSES)
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_elements_without_labels_do_not_count(make, kind, draw):
    z, _, g = draw((3, 5, 4))
    a = (z if kind == "logits" else z.softmax(1)).requires_grad_()
    g[1] = -1
    loss = make(input_kind=kind)
    found = loss(a, g)
    torch.testing.assert_close(found, loss(a[[0, 2]], g[[0, 2]]))
    (gradient,) = torch.autograd.grad(found, a)
    assert not gradient[1].any()
    assert gradient[0].any()
    mask = torch.ones(3, 5, 4, dtype=torch.bool)
    mask[1] = False
    g[1] = 2
    torch.testing.assert_close(loss(a, g, mask), found)
    soft = one_hot(g, 3)
    torch.testing.assert_close(loss(a, soft, mask), found)


@pytest.mark.parametrize("make", [FCMLabelLoss, CrossEntropyLoss])
def test_voxels_without_labels_do_not_count(make, draw):
    z, _, g = draw((2, 6, 5))
    g[:, :2] = -1
    torch.testing.assert_close(make()(z, g), make()(z[:, :, 2:], g[:, 2:]))
    assert not make(reduction="none")(z, g)[:, :2].any()


@pytest.mark.parametrize("make", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_no_label_at_all_gives_zero(make, reduction, draw):
    z, _, g = draw((2, 5, 4))
    z.requires_grad_()
    loss = make(reduction=reduction)(z, torch.full_like(g, -1))
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


def test_another_number_may_mean_no_label(draw):
    z, _, g = draw((2, 5, 4))
    loss = CrossEntropyLoss()
    expected = loss(z, g.masked_fill(g == 0, -1))
    loss.ignore_index = 255
    torch.testing.assert_close(loss(z, g.masked_fill(g == 0, 255)), expected)


@pytest.mark.parametrize("make", LOSSES[:3])
def test_classes_may_be_in_any_order(make, draw):
    z, _, g = draw((2, 5, 4))
    order = torch.tensor([2, 0, 1])
    back = torch.argsort(order)
    torch.testing.assert_close(make()(z[:, order], back[g]), make()(z, g))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.full((2, 5, 4), 3), "from 0 to 2, or -1 for no label, found 3"),
        (torch.full((2, 5, 4), -2), "found -2"),
        (torch.zeros(2, 5, 5, dtype=torch.long), "target of shape"),
        (torch.zeros(2, 2, 5, 4), "target of shape"),
    ],
)
def test_targets_that_do_not_fit(target, message, draw):
    z, _, _ = draw((2, 5, 4))
    for make in LOSSES[:3]:
        with pytest.raises(InputError, match=message):
            make()(z, target)


def test_bad_parameters():
    with pytest.raises(InputError, match="smooth >= 0"):
        DiceLoss(smooth=-1)
    with pytest.raises(InputError, match="q >= 1"):
        FCMLabelLoss(0.5)
    with pytest.raises(InputError, match="input_kind"):
        CrossEntropyLoss(input_kind="logit")
