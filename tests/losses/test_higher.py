"""Second derivatives and torch.func, beside differences, loops, and what autograd gives."""

import pytest
import torch

from fuzzyseg.losses import (
    Centres,
    CrossEntropyLoss,
    DiceLoss,
    FCMLabelLoss,
    MumfordShahLoss,
    RFCMLoss,
    SemiRFCMLoss,
)

IMAGE = (
    *(lambda q=q, **kind: RFCMLoss(q, 0.3, **kind) for q in (1, 1.5, 2, 3)),
    lambda **kind: RFCMLoss(2, 0.3, neighbours="faces", centres=Centres("batch"), **kind),
    lambda **kind: RFCMLoss(centres=Centres(start=(0.1, 0.4, 0.9), move=False), **kind),
    lambda **kind: MumfordShahLoss(0.3, gradient="isotropic", **kind),
)
LABELS = (
    *(lambda q=q, **kind: FCMLabelLoss(q, **kind) for q in (1, 1.5, 2)),
    CrossEntropyLoss,
    DiceLoss,
)
CASES = [(make, i < len(IMAGE)) for i, make in enumerate((*IMAGE, *LABELS))]


def of(make, wants_image, kind, draw):
    """Return a loss of the prediction alone, and a prediction."""
    z, y, g = draw((2, 3, 3), n_channels=2)
    if isinstance(make(), RFCMLoss) and not make().centres.move:
        y = y[:, :1]
    g[0, 0] = -1
    mask = torch.arange(18).reshape(2, 3, 3) % 5 > 0
    loss = make(input_kind=kind)
    other = y if wants_image else g
    a = z if kind == "logits" else z.softmax(1)
    return (lambda a: loss(a, other, mask)), a.requires_grad_()


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize(("make", "wants_image"), CASES)
def test_second_derivatives(make, wants_image, kind, draw):
    loss, a = of(make, wants_image, kind, draw)
    assert torch.autograd.gradgradcheck(loss, a)


# torch's own forward mode compiles its formulas with what torch itself deprecates.
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize(("make", "wants_image"), CASES)
def test_func_grad_and_forward_mode(make, wants_image, kind, draw):
    loss, a = of(make, wants_image, kind, draw)
    (expected,) = torch.autograd.grad(loss(a), a)
    torch.testing.assert_close(torch.func.grad(loss)(a.detach()), expected)
    along = torch.randn_like(a)
    value, slope = torch.func.jvp(loss, (a.detach(),), (along,))
    torch.testing.assert_close(value, loss(a.detach()))
    torch.testing.assert_close(slope, (expected * along).sum())
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(a.detach(), along)
        found = torch.autograd.forward_ad.unpack_dual(loss(dual)).tangent
    torch.testing.assert_close(found, slope)


@pytest.mark.parametrize(("make", "wants_image"), CASES)
def test_vmap_is_a_loop(make, wants_image, draw):
    z, y, g = draw((4, 3, 3), n_channels=1)
    other = y if wants_image else g
    loss = make()
    each = torch.func.vmap(lambda a, b: loss(a[None], b[None]))
    expected = torch.stack([loss(z[b : b + 1], other[b : b + 1]) for b in range(4)])
    torch.testing.assert_close(each(z, other), expected)
    slopes = torch.func.vmap(torch.func.grad(lambda a, b: loss(a[None], b[None])))(z, other)
    a = z.clone().requires_grad_()
    torch.stack([loss(a[b : b + 1], other[b : b + 1]) for b in range(4)]).sum().backward()
    torch.testing.assert_close(slopes, a.grad)


def test_centres_may_be_mapped_over(draw):
    z, y, _ = draw((2, 3, 3))
    loss = RFCMLoss()
    v = torch.rand(4, 3, 1, dtype=z.dtype)
    found = torch.func.vmap(lambda v: loss(z, y, centres=v))(v)
    torch.testing.assert_close(found, torch.stack([loss(z, y, centres=one) for one in v]))


def test_a_step_through_a_step(draw):
    """A gradient's graph reaches the weights: learning to learn, gradient penalties."""
    _, y, g = draw((2, 4, 4))
    loss = SemiRFCMLoss(2, 0.3)

    def after_a_step(w):
        first = loss(w * torch.cat([y, -y, y * y], 1), y, g)
        (slope,) = torch.autograd.grad(first, w, create_graph=True)
        return loss((w - slope) * torch.cat([y, -y, y * y], 1), y, g)

    w = torch.ones(1, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(after_a_step, w)


def test_the_first_derivative_is_still_the_kernels(draw, monkeypatch):
    """What nobody differentiates again is not computed again."""
    from fuzzyseg.losses import rfcm

    calls = []
    original = rfcm.rfcm_per_voxel
    monkeypatch.setattr(rfcm, "rfcm_per_voxel", lambda *a: calls.append(1) or original(*a))
    z, y, _ = draw((2, 4, 4))
    loss = RFCMLoss(2, 0.3)(z.requires_grad_(), y)
    loss.backward(retain_graph=True)
    assert not calls
    torch.autograd.grad(loss, z, create_graph=True)
    assert calls
