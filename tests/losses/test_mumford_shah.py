"""L_MS against loops, and its gradient against differences."""

import numpy as np
import pytest
import torch

from fuzzyseg.errors import InputError
from fuzzyseg.losses import Centres, MumfordShahLoss, mumford_shah_loss


def literal(z, y, lam, gradient, mask):
    """Eqs. (7) and (9) of one image, as loops; z (C, *space), y (D, *space)."""
    space = z.shape[1:]
    inside = [j for j in np.ndindex(space) if mask[j]]
    loss = np.zeros(space)
    for k in range(len(z)):
        total = sum(z[(k, *j)] for j in inside)
        c = sum(z[(k, *j)] * y[(slice(None), *j)] for j in inside) / total
        for j in inside:
            steps = []
            for axis in range(len(space)):
                after = tuple(i + (a == axis) for a, i in enumerate(j))
                if after in inside:
                    steps.append(z[(k, *after)] - z[(k, *j)])
            length = np.hypot.reduce([0, *steps]) if gradient == "isotropic" else 0
            if gradient == "anisotropic":
                length = sum(abs(s) for s in steps)
            loss[j] += z[(k, *j)] * ((y[(slice(None), *j)] - c) ** 2).sum() + lam * length
    return loss


@pytest.mark.parametrize("space", [(7,), (4, 3), (3, 4, 2), (1, 5)])
@pytest.mark.parametrize("gradient", ["anisotropic", "isotropic"])
@pytest.mark.parametrize("masked", [False, True])
def test_value_is_the_equations(space, gradient, masked, draw):
    z, y, _ = draw((2, *space), n_channels=2)
    mask = torch.ones(2, *space, dtype=torch.bool)
    if masked:
        mask.view(-1)[::4] = False
    f = z.softmax(1)
    expected = np.array(
        [literal(f[b].numpy(), y[b].numpy(), 0.3, gradient, mask[b]) for b in range(2)]
    )
    settings = {"lam": 0.3, "gradient": gradient}
    given = mask if masked else None
    found = mumford_shah_loss(z, y, given, **settings, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    mean = MumfordShahLoss(**settings)(z, y, given)
    assert mean.item() == pytest.approx(expected.sum() / int(mask.sum()), rel=1e-12)
    summed = MumfordShahLoss(**settings, input_kind="probabilities", reduction="sum")(f, y, given)
    assert summed.item() == pytest.approx(expected.sum(), rel=1e-12)


@pytest.mark.parametrize("gradient", ["anisotropic", "isotropic"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("scope", ["image", "batch"])
def test_gradient(gradient, reduction, scope, draw):
    z, y, _ = draw((2, 3, 4))
    mask = torch.arange(24).reshape(2, 3, 4) % 5 > 0
    loss = MumfordShahLoss(0.3, gradient=gradient, centres=Centres(scope), reduction=reduction)
    for m in (None, mask):
        assert torch.autograd.gradcheck(lambda z, m=m: loss(z, y, m), z.requires_grad_())


@pytest.mark.parametrize("gradient", ["anisotropic", "isotropic"])
def test_flat_memberships_have_a_finite_gradient(gradient, draw):
    _, y, _ = draw((2, 3, 4))
    z = torch.zeros(2, 3, 3, 4, requires_grad=True)
    mumford_shah_loss(z, y, gradient=gradient).backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("bad", [{"lam": -1.0}, {"gradient": "l2"}])
def test_bad_parameters(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        MumfordShahLoss(**bad)
