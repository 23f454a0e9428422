"""L_RFCM against loops over voxels and classes, and its gradient against differences."""

import doctest
import math

import numpy as np
import pytest
import torch

from fuzzyseg import fuzzy
from fuzzyseg.errors import InputError
from fuzzyseg.losses import Centres, RFCMLoss, rfcm, rfcm_loss

SPACES = ((7,), (4, 3), (3, 4, 2), (1, 5), (2, 1, 3), (1, 1, 1))
EXPONENTS = (1, 1.5, 2, 2.7, 3, 6)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("q", [1, 2, 2.7])
def test_value_is_the_equations(space, neighbours, q, draw, literal_rfcm):
    z, y, _ = draw((2, *space), n_channels=2)
    f = torch.softmax(z, 1)
    literal = [literal_rfcm(f[b], y[b], q, 0.3, neighbours)[0] for b in range(2)]
    settings = {"q": q, "beta": 0.3, "neighbours": neighbours}
    per_voxel = rfcm_loss(z, y, **settings, reduction="none")
    np.testing.assert_allclose(per_voxel, literal, rtol=1e-12)
    assert rfcm_loss(z, y, **settings).item() == pytest.approx(np.mean(literal), rel=1e-12)
    summed = RFCMLoss(**settings, input_kind="probabilities", reduction="sum")(f, y)
    assert summed.item() == pytest.approx(np.sum(literal), rel=1e-12)


@pytest.mark.parametrize("space", [(9, 250), (2, 70, 41), (3, 2500), (5000,)])
@pytest.mark.parametrize("neighbours", ["faces", "all"])
def test_images_larger_than_a_block_of_the_kernel(space, neighbours, draw):
    z, y, _ = draw((2, *space))
    f = torch.softmax(z, 1)
    uq = f**2
    v = fuzzy.centres(uq, y, 1)
    cost = fuzzy.squared_distances(y, v, 1), 0.3, neighbours, 1
    expected = fuzzy.objective(uq, *cost).sum() / y.numel()
    found = rfcm_loss(z, y, beta=0.3, neighbours=neighbours)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    z.requires_grad_()
    (slow,) = torch.autograd.grad(
        rfcm_loss(z, y, beta=0.3, neighbours=neighbours, reduction="none").mean(), z
    )
    (fast,) = torch.autograd.grad(rfcm_loss(z, y, beta=0.3, neighbours=neighbours), z)
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("q", EXPONENTS)
@pytest.mark.parametrize("input_kind", ["logits", "probabilities"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradient(q, input_kind, reduction, draw):
    z, y, _ = draw((2, 3, 4), n_channels=2)
    a = z if input_kind == "logits" else torch.softmax(z, 1)
    mask = torch.arange(24).reshape(2, 3, 4) % 5 > 0
    for neighbours, m in (("all", None), ("faces", mask)):
        loss = RFCMLoss(q, 0.3, neighbours=neighbours, input_kind=input_kind, reduction=reduction)
        assert torch.autograd.gradcheck(lambda a, f=loss, m=m: f(a, y, m), a.requires_grad_())


@pytest.mark.parametrize("scope", ["image", "batch", "volume"])
@pytest.mark.parametrize("space", [(7,), (2, 3, 2)])
def test_gradient_with_every_scope(scope, space, draw):
    z, y, _ = draw((3, *space))
    loss = RFCMLoss(2, 0.3, centres=Centres(scope))
    volume = torch.tensor([4, 9, 4])
    assert torch.autograd.gradcheck(lambda z: loss(z, y, volume=volume), z.requires_grad_())
    loss.reduction = "none"
    assert torch.autograd.gradcheck(lambda z: loss(z, y, volume=volume), z)


def test_gradient_reaches_whatever_the_loss_is_multiplied_with(draw):
    z, y, _ = draw((2, 5, 4))
    z.requires_grad_()
    (once,) = torch.autograd.grad(rfcm_loss(z, y), z)
    loss = 3 * rfcm_loss(z, y)
    for _ in range(2):  # twice through a kept graph
        (found,) = torch.autograd.grad(loss, z, retain_graph=True)
        torch.testing.assert_close(found, 3 * once)


@pytest.mark.parametrize("q", [1, 1.5, 2])
def test_gradient_where_a_probability_is_zero(q, draw):
    _, y, _ = draw((2, 5, 4))
    f = torch.nn.functional.one_hot(torch.arange(40).reshape(2, 5, 4) % 3, 3).movedim(-1, 1)
    f = (0.9 * f + 0.1 * f.roll(1, 1)).double().requires_grad_()
    assert (f == 0).any()
    loss = RFCMLoss(q, 0.3, input_kind="probabilities")
    (found,) = torch.autograd.grad(loss(f, y), f)
    loss.reduction = "none"
    (expected,) = torch.autograd.grad(loss(f, y).mean(), f)
    torch.testing.assert_close(found, expected)
    assert found[f == 0].all() == (q == 1)


def test_mask_is_cropping(draw):
    z, y, _ = draw((2, 6, 5, 4), n_channels=2)
    mask = torch.zeros(2, 6, 5, 4, dtype=torch.bool)
    mask[:, 1:4, 2:, :3] = True
    inside = (..., slice(1, 4), slice(2, None), slice(None, 3))
    y[~mask[:, None].expand_as(y)] = math.nan  # as outside a scanner's field of view
    for reduction in ("mean", "sum", "none"):
        for kind in ("logits", "probabilities"):
            loss = RFCMLoss(2, 0.3, input_kind=kind, reduction=reduction)
            a = (z if kind == "logits" else z.softmax(1)).clone().requires_grad_()
            cropped = a[inside].detach().clone().requires_grad_()
            found, expected = loss(a, y, mask), loss(cropped, y[inside])
            shown = found[inside] if reduction == "none" else found
            torch.testing.assert_close(shown, expected)
            found.sum().backward()
            expected.sum().backward()
            torch.testing.assert_close(a.grad[inside], cropped.grad)
            assert a.grad.count_nonzero() == cropped.grad.count_nonzero() > 0
    torch.testing.assert_close(loss(a, y, mask), loss(a, y, mask[:, None]))


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_empty_mask_gives_zero(q, kind, draw):
    z, y, _ = draw((2, 3, 4))
    z.requires_grad_()
    loss = RFCMLoss(q, 0.3, input_kind=kind)(z, y, torch.zeros(2, 3, 4, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


def test_classes_may_be_in_any_order(draw):
    z, y, _ = draw((2, 5, 4), n_classes=4)
    order = [2, 0, 3, 1]
    a, b = z.clone().requires_grad_(), z[:, order].clone().requires_grad_()
    rfcm_loss(a, y, beta=0.3).backward()
    rfcm_loss(b, y, beta=0.3).backward()
    torch.testing.assert_close(b.grad, a.grad[:, order])


def test_batch_elements_do_not_see_each_other(draw):
    z, y, _ = draw((3, 5, 4))
    alone = [rfcm_loss(z[b : b + 1], y[b : b + 1], beta=0.3).item() for b in range(3)]
    assert rfcm_loss(z, y, beta=0.3).item() == pytest.approx(np.mean(alone), rel=1e-12)


def test_any_memory_layout_gives_the_same(draw):
    z, y, _ = draw((2, 6, 5))
    strange = z.to(memory_format=torch.channels_last).requires_grad_()
    plain = z.clone().requires_grad_()
    for a, image in ((strange, y.transpose(2, 3).contiguous().transpose(2, 3)), (plain, y)):
        rfcm_loss(a, image, beta=0.3).backward()
    torch.testing.assert_close(strange.grad, plain.grad)


def test_image_without_channel_axis(draw):
    z, y, _ = draw((2, 5, 4))
    torch.testing.assert_close(rfcm_loss(z, y[:, 0]), rfcm_loss(z, y))


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("q", [1, 2, 2.7])
def test_what_other_devices_run_equals_the_kernel(kind, q, draw, monkeypatch):
    """A fourth axis of space of length 1 is beyond the kernel, and changes nothing."""
    z, y, _ = draw((2, 3, 4, 2), n_channels=2)
    z = z if kind == "logits" else z.softmax(1)
    mask = torch.arange(48).reshape(2, 3, 4, 2) % 5 > 0
    for neighbours in ("faces", "all"):
        for beta in (0, 0.3):
            loss = RFCMLoss(q, beta, neighbours=neighbours, input_kind=kind)
            a, b = z.clone().requires_grad_(), z[..., None].clone().requires_grad_()
            kernel, plain = loss(a, y, mask), loss(b, y[..., None], mask[..., None])
            torch.testing.assert_close(plain, kernel)
            kernel.backward()
            plain.backward()
            torch.testing.assert_close(b.grad[..., 0], a.grad)


def test_q_may_change_during_training(draw):
    z, y, _ = draw((2, 5, 4))
    loss = RFCMLoss(1.0, 0.1)
    loss.q = 2.0
    torch.testing.assert_close(loss(z, y), rfcm_loss(z, y, q=2, beta=0.1))
    loss.q = 0.5
    with pytest.raises(InputError, match="q >= 1"):
        loss(z, y)


def test_no_gradient_is_computed_that_nobody_wants(draw):
    z, y, _ = draw((2, 5, 4))
    expected = rfcm_loss(z, y, beta=0.3)
    with torch.no_grad():
        found = rfcm_loss(z.requires_grad_(), y, beta=0.3)
    assert not found.requires_grad
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": 0.5}, "q >= 1"),
        ({"beta": -1.0}, "beta >= 0"),
        ({"beta": math.nan}, "beta >= 0"),
        ({"neighbours": "corners"}, "neighbours"),
        ({"input_kind": "sigmoid"}, "input_kind"),
        ({"reduction": "median"}, "reduction"),
    ],
)
def test_bad_parameters(change, message):
    with pytest.raises(InputError, match=message):
        RFCMLoss(**change)


@pytest.mark.parametrize(
    ("z", "y", "mask", "message"),
    [
        ((2, 3), (2, 3), None, r"input of shape"),
        ((2, 1, 4), (2, 1, 4), None, r"C >= 2"),
        ((2, 3, 0), (2, 1, 0), None, r"not empty"),
        ((2, 3, 4), (2, 1, 5), None, r"image of shape"),
        ((2, 3, 4), (1, 1, 4), None, r"image of shape"),
        ((2, 3, 4), (4,), None, r"image of shape"),
        ((2, 3, 4), (2, 1, 4), torch.ones(2, 3, 4) > 0, r"mask of shape"),
        ((2, 3, 4), (2, 1, 4), torch.ones(2, 4), r"mask .* torch.float32"),
    ],
)
def test_shapes_that_do_not_fit(z, y, mask, message):
    with pytest.raises(InputError, match=message):
        rfcm_loss(torch.zeros(z), torch.zeros(y), mask)


def test_examples_in_docstrings():
    found = doctest.testmod(rfcm)
    assert found.attempted
    assert not found.failed


def test_print_says_how_it_is_set():
    assert "q=1.5, beta=0.0008, neighbours='faces'" in str(RFCMLoss(1.5, neighbours="faces"))
